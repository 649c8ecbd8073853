//! How a server of limited capacity drowns: a leaky bucket of work.

use std::time::{Duration, Instant};

/// Work that parallel workers take on without making anyone wait.
///
/// Without it, chance alone would make attempts wait long before capacity is reached, as at a
/// counter with one clerk. A server has many.
pub const SLACK: Duration = Duration::from_millis(400);

/// Work beyond which an attempt is turned away at once.
pub const MAX_BACKLOG: Duration = Duration::from_secs(2);

/// Nanoseconds of work that one attempt is, per unit of capacity: with it all counts are whole.
const ATTEMPT: u128 = 1_000_000_000;

/// A queue that is served at a steady rate.
///
/// Work admitted is work done: nobody tells a real server that the caller has hung up. That is what
/// keeps it drowned for as long as callers that gave up come again faster than it serves.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    /// Work not yet done, in attempts times 10⁹: one nanosecond does `capacity` of it. A changed
    /// capacity works off the same backlog faster or slower.
    backlog: u128,
    updated: Option<Instant>,
}

/// The server turned an attempt away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overloaded;

impl Queue {
    /// Admits an attempt and returns how long it waits before it is worked on.
    ///
    /// # Errors
    /// [`Overloaded`] when more than [`MAX_BACKLOG`] of work is waiting. Turning away is free.
    pub fn admit(&mut self, capacity: u32, now: Instant) -> Result<Duration, Overloaded> {
        self.work_off(capacity, now);
        let waiting = self.waiting(capacity);
        if waiting > MAX_BACKLOG {
            return Err(Overloaded);
        }
        self.backlog += ATTEMPT;
        Ok(waiting.saturating_sub(SLACK))
    }

    /// Time that the work waiting takes.
    fn waiting(&self, capacity: u32) -> Duration {
        let nanos = self.backlog / u128::from(capacity.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn work_off(&mut self, capacity: u32, now: Instant) {
        let since = self.updated.unwrap_or(now);
        let elapsed = now.saturating_duration_since(since);
        let done = elapsed.as_nanos().saturating_mul(u128::from(capacity));
        self.backlog = self.backlog.saturating_sub(done);
        self.updated = Some(now.max(since));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn admit_all(queue: &mut Queue, count: u32, capacity: u32, now: Instant) -> u32 {
        (0..count)
            .map(|_| u32::from(queue.admit(capacity, now).is_ok()))
            .sum()
    }

    #[test]
    fn a_flood_fills_the_queue_and_is_then_turned_away() {
        let now = Instant::now();
        let mut queue = Queue::default();
        assert_eq!(admit_all(&mut queue, 1_000, 80, now), 161);
    }

    #[test]
    fn it_is_empty_again_two_seconds_after_the_flood() {
        let now = Instant::now();
        let mut queue = Queue::default();
        admit_all(&mut queue, 1_000, 80, now);
        let later = now + MAX_BACKLOG + SECOND / 10;
        assert_eq!(queue.admit(80, later), Ok(Duration::ZERO));
    }

    #[test]
    fn a_raised_capacity_works_off_the_same_backlog_faster() {
        let now = Instant::now();
        let mut queue = Queue::default();
        admit_all(&mut queue, 80, 80, now);
        assert_eq!(queue.clone().admit(80, now), Ok(SECOND - SLACK));
        assert_eq!(queue.admit(160, now), Ok(SECOND / 2 - SLACK));
    }

    proptest! {
        #[test]
        fn no_more_is_admitted_than_capacity_and_queue_hold(
            capacity in 1_u32..500, arrivals in prop::collection::vec((0_u64..200, 0_u32..40), 1..200),
        ) {
            let start = Instant::now();
            let (mut now, mut admitted) = (start, 0_u64);
            let mut queue = Queue::default();
            for (gap_ms, count) in arrivals {
                now += Duration::from_millis(gap_ms);
                admitted += u64::from(admit_all(&mut queue, count, capacity, now));
                let most_ms = (now - start + MAX_BACKLOG).as_millis() * u128::from(capacity);
                prop_assert!(u128::from(admitted) * 1_000 <= most_ms + 1_000);
            }
        }

        #[test]
        fn below_capacity_nobody_waits(capacity in 2_u32..500, seconds in 1_u32..20) {
            let mut now = Instant::now();
            let mut queue = Queue::default();
            for _ in 0..capacity * seconds {
                prop_assert_eq!(queue.admit(capacity, now), Ok(Duration::ZERO));
                now += SECOND / capacity + Duration::from_nanos(1);
            }
        }
    }
}
