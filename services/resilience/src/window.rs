//! Exact counts over a sliding window of time.

use std::collections::VecDeque;
use std::ops::AddAssign;
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
    length: Duration,
    reach: Reach,
    buckets: VecDeque<Bucket<C>>,
}

#[derive(Clone, Debug)]
struct Bucket<C> {
    start: Instant,
    counts: C,
}

impl<C: Copy + Default + AddAssign> Window<C> {
    pub(crate) fn new(length: Duration, reach: Reach) -> Self {
        Self {
            length,
            reach,
            buckets: VecDeque::new(),
        }
    }

    /// Adds `counts` at `now`. A `now` before the newest bucket, as a clock read by another thread
    /// may be, goes into the newest.
    pub(crate) fn record(&mut self, counts: C, now: Instant) {
        self.forget_old(now);
        let width = self.length / BUCKETS;
        match self.buckets.back_mut() {
            Some(newest) if now.saturating_duration_since(newest.start) < width => {
                newest.counts += counts;
            }
            _ => self.buckets.push_back(Bucket { start: now, counts }),
        }
    }

    /// What was recorded within the window that ends at `now`.
    pub(crate) fn sum(&mut self, now: Instant) -> C {
        self.forget_old(now);
        let mut sum = C::default();
        for bucket in &self.buckets {
            sum += bucket.counts;
        }
        sum
    }

    /// Changes the length and keeps the counts that are within it.
    pub(crate) fn resize(&mut self, length: Duration) {
        self.length = length;
    }

    fn forget_old(&mut self, now: Instant) {
        let keep = match self.reach {
            Reach::AtMost => self.length,
            Reach::AtLeast => self.length + self.length / BUCKETS,
        };
        while let Some(oldest) = self.buckets.front()
            && now.saturating_duration_since(oldest.start) >= keep
        {
            self.buckets.pop_front();
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

    proptest! {
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
