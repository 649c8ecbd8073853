//! Exact counts over a sliding window of time.

use std::collections::VecDeque;
use std::ops::{AddAssign, SubAssign};
use std::time::{Duration, Instant};

/// Buckets that a window is made of.
const BUCKETS: u32 = 10;

/// Which way a window errs by up to one bucket, a tenth of its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Holds nothing older than its length.
    AtMost,
    /// Holds everything as young as its length.
    AtLeast,
}

/// Sums of `C` over the last `length`, in buckets that each span a tenth of it.
///
/// A bucket knows when it began, so a changed length needs no shifting of counts between buckets:
/// the old ones go on ageing by the new rule. A gap without records empties the window.
#[derive(Clone, Debug)]
pub(crate) struct Window<C> {
    reach: Reach,
    /// Time that a bucket takes records for.
    width: Duration,
    /// Age at which a bucket is forgotten.
    keep: Duration,
    buckets: VecDeque<Bucket<C>>,
    /// Of all buckets, kept as they come and go: each attempt asks for it.
    sum: C,
    /// Until when no bucket comes or goes, where that is known: one comparison instead of several.
    same_until: Option<Instant>,
}

#[derive(Clone, Debug)]
struct Bucket<C> {
    start: Instant,
    counts: C,
}

impl<C: Copy + Default + AddAssign + SubAssign> Window<C> {
    pub(crate) fn new(length: Duration, reach: Reach) -> Self {
        let mut window = Self {
            reach,
            width: Duration::ZERO,
            keep: Duration::ZERO,
            buckets: VecDeque::new(),
            sum: C::default(),
            same_until: None,
        };
        window.resize(length);
        window
    }

    /// Adds `counts` at `now`, and says what was recorded within the window that ends there. A `now`
    /// before the newest bucket, as a clock read by another thread may be, goes into the newest.
    pub(crate) fn record(&mut self, counts: C, now: Instant) -> C {
        if self.same_until.is_none_or(|until| now >= until) {
            self.turn(now);
        }
        if let Some(newest) = self.buckets.back_mut() {
            newest.counts += counts;
            self.sum += counts;
        }
        self.sum
    }

    /// What was recorded within the window that ends at `now`.
    pub(crate) fn sum(&mut self, now: Instant) -> C {
        self.forget_old(now);
        self.sum
    }

    /// Changes the length and keeps the counts that are within it.
    pub(crate) fn resize(&mut self, length: Duration) {
        self.width = length / BUCKETS;
        self.keep = match self.reach {
            Reach::AtMost => length,
            Reach::AtLeast => length + self.width,
        };
        self.same_until = None;
    }

    /// Moves here what `other`, a window of the same length, has counted by `now`, as `into` says it in this one's terms.
    pub(crate) fn take_in<D>(&mut self, other: &mut Window<D>, into: impl Fn(D) -> C, now: Instant)
    where
        D: Copy + Default + AddAssign + SubAssign,
    {
        for bucket in other.drain() {
            self.insert(bucket.start, into(bucket.counts), now);
        }
        self.same_until = None;
        self.forget_old(now);
    }

    /// Adds what was recorded from `start` to `now`: to a bucket that takes records for all of that time, or else as one
    /// more.
    fn insert(&mut self, start: Instant, counts: C, now: Instant) {
        let width = self.width;
        let place = self.buckets.partition_point(|it| it.start <= start);
        let before = place.checked_sub(1).and_then(|it| self.buckets.get_mut(it));
        match before.filter(|it| now.saturating_duration_since(it.start) < width) {
            Some(bucket) => bucket.counts += counts,
            None => self.buckets.insert(place, Bucket { start, counts }),
        }
        self.sum += counts;
    }

    /// Empties it.
    fn drain(&mut self) -> impl Iterator<Item = Bucket<C>> {
        self.sum = C::default();
        self.same_until = None;
        self.buckets.drain(..)
    }

    /// Forgets old buckets and begins a new one if it is time.
    fn turn(&mut self, now: Instant) {
        self.forget_old(now);
        let newest = self.buckets.back();
        if newest.is_none_or(|newest| now.saturating_duration_since(newest.start) >= self.width) {
            let counts = C::default();
            self.buckets.push_back(Bucket { start: now, counts });
        }
        let begin_next = self
            .buckets
            .back()
            .and_then(|it| it.start.checked_add(self.width));
        let forget_next = self
            .buckets
            .front()
            .and_then(|it| it.start.checked_add(self.keep));
        self.same_until = begin_next.min(forget_next);
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some(oldest) = self.buckets.front()
            && now.saturating_duration_since(oldest.start) >= self.keep
        {
            self.sum -= oldest.counts;
            self.buckets.pop_front();
            self.same_until = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_idle_gap_empties_the_window() {
        let start = Instant::now();
        let mut window = Window::<u64>::new(10 * SECOND, Reach::AtMost);
        window.record(3, start);
        assert_eq!(window.sum(start + 9 * SECOND), 3);
        assert_eq!(window.sum(start + 10 * SECOND), 0);
    }

    #[test]
    fn a_shorter_window_forgets_what_is_older_and_a_longer_one_keeps_it() {
        let start = Instant::now();
        let mut window = Window::<u64>::new(10 * SECOND, Reach::AtMost);
        window.record(1, start);
        window.record(1, start + 4 * SECOND);
        window.resize(30 * SECOND);
        assert_eq!(window.sum(start + 12 * SECOND), 2);
        window.resize(9 * SECOND);
        assert_eq!(window.sum(start + 12 * SECOND), 1);
    }

    #[test]
    fn however_often_others_are_taken_in_it_stays_small() {
        let start = Instant::now();
        let mut whole = Window::<u64>::new(SECOND, Reach::AtMost);
        let mut part = whole.clone();
        for ms in 0..10_000 {
            let now = start + Duration::from_millis(ms);
            part.record(1, now);
            whole.take_in(&mut part, |count| count, now);
        }
        let most = usize::try_from(BUCKETS).unwrap() + 1;
        assert!(whole.buckets.len() <= most, "{}", whole.buckets.len());
    }

    proptest! {
        #[test]
        fn what_is_counted_in_several_windows_and_taken_in_counts_as_exactly(
            steps in prop::collection::vec((0_u64..400, 0_usize..4, prop::bool::weighted(0.1)), 1..200),
        ) {
            let start = Instant::now();
            let mut whole = Window::<u64>::new(SECOND, Reach::AtMost);
            let mut parts = [(); 4].map(|()| Window::<u64>::new(SECOND, Reach::AtMost));
            let mut times = Vec::new();
            let mut now = start;
            for (gap_ms, part, are_taken_in) in steps {
                now += Duration::from_millis(gap_ms);
                times.push(now);
                parts[part].record(1, now);
                if are_taken_in {
                    parts.iter_mut().for_each(|it| whole.take_in(it, |count| count, now));
                    let within = |age: Duration| times.iter().filter(|t| now - **t < age).count() as u64;
                    let sum = whole.sum(now);
                    prop_assert!((within(SECOND - SECOND / BUCKETS)..=within(SECOND)).contains(&sum));
                    prop_assert!(parts.iter_mut().all(|it| it.sum(now) == 0));
                }
            }
        }

        #[test]
        fn the_sum_is_exact_but_for_one_bucket(gaps_ms in prop::collection::vec(0_u64..400, 1..200)) {
            let start = Instant::now();
            let mut at_most = Window::<u64>::new(SECOND, Reach::AtMost);
            let mut at_least = Window::<u64>::new(SECOND, Reach::AtLeast);
            let mut times = Vec::new();
            let mut now = start;
            for gap in gaps_ms {
                now += Duration::from_millis(gap);
                times.push(now);
                at_most.record(1, now);
                at_least.record(1, now);
                let within = |age: Duration| times.iter().filter(|t| now - **t < age).count() as u64;
                let bucket = SECOND / BUCKETS;
                let few = at_most.sum(now);
                let many = at_least.sum(now);
                prop_assert!((within(SECOND - bucket)..=within(SECOND)).contains(&few));
                prop_assert!((within(SECOND)..=within(SECOND + bucket)).contains(&many));
            }
        }
    }
}
