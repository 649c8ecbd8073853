//! One token bucket, which slows down when the account is throttled all the same.

use std::time::Duration;

use engine::ports::Urgency;
use tokio::time::Instant;

use super::family::Limit;

/// The least share of its rate that a bucket keeps, however often it is throttled: recovery must be seen.
const SLOWEST: f64 = 0.05;
/// What a throttled call leaves of the rate.
const BACKING_OFF: f64 = 0.5;
/// Share of the rate that comes back in a second without throttling.
const RECOVERY_PER_SECOND: f64 = 0.02;

/// Tokens that only a rollback may take, as far as a bucket holds more than the one that others need: an alarm
/// that fires while everything is edited finds its way to the calls that take a change back.
const KEPT_FOR_ROLLBACKS: f64 = 2.0;

/// A token bucket. Pure: the time is an argument.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    limit: Limit,
    tokens: f64,
    /// Share of the limit's rate that is used for now.
    pace: f64,
    refilled_at: Instant,
}

impl Bucket {
    pub(super) const fn full(limit: Limit, now: Instant) -> Self {
        Self {
            limit,
            tokens: limit.burst,
            pace: 1.0,
            refilled_at: now,
        }
    }

    /// Takes a token, or says how long it takes until there is one for calls of this urgency.
    pub(super) fn take(&mut self, now: Instant, urgency: Urgency) -> Result<(), Duration> {
        self.refill(now);
        let needed = 1.0 + self.kept_from(urgency);
        if self.tokens >= needed {
            self.tokens -= 1.0;
            return Ok(());
        }
        let missing = needed - self.tokens;
        let seconds = missing / (self.limit.per_second * self.pace);
        // Never nothing: rounding must not make a waiter spin.
        Err(Duration::from_secs_f64(seconds).max(Duration::from_millis(1)))
    }

    /// Tokens that are not for calls of this urgency.
    fn kept_from(&self, urgency: Urgency) -> f64 {
        match urgency {
            Urgency::Rollback => 0.0,
            Urgency::Edit | Urgency::Resync => {
                (self.limit.burst - 1.0).clamp(0.0, KEPT_FOR_ROLLBACKS)
            }
        }
    }

    /// Gives a token back that was not used.
    pub(super) fn give_back(&mut self) {
        self.tokens = (self.tokens + 1.0).min(self.limit.burst);
    }

    /// The account was over its quota: others use it too.
    pub(super) fn throttled(&mut self, now: Instant) {
        self.refill(now);
        self.tokens = self.tokens.min(0.0);
        self.pace = (self.pace * BACKING_OFF).max(SLOWEST);
    }

    fn refill(&mut self, now: Instant) {
        let seconds = now
            .saturating_duration_since(self.refilled_at)
            .as_secs_f64();
        let gained = seconds * self.limit.per_second * self.pace;
        self.tokens = (self.tokens + gained).min(self.limit.burst);
        self.pace = (self.pace + seconds * RECOVERY_PER_SECOND).min(1.0);
        self.refilled_at = self.refilled_at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit {
        burst: 3.0,
        per_second: 2.0,
    };

    fn taken(bucket: &mut Bucket, now: Instant) -> u32 {
        let mut taken = 0;
        while bucket.take(now, Urgency::Rollback).is_ok() {
            taken += 1;
        }
        taken
    }

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::full(LIMIT, start);
        assert_eq!(taken(&mut bucket, start), 3);
        assert_eq!(
            bucket.take(start, Urgency::Rollback),
            Err(Duration::from_millis(500))
        );
        assert_eq!(taken(&mut bucket, start + Duration::from_secs(1)), 2);
        assert_eq!(taken(&mut bucket, start + Duration::from_secs(60)), 3);
    }

    #[test]
    fn edits_leave_a_rollback_something_unless_there_is_only_one() {
        let start = Instant::now();
        let mut bucket = Bucket::full(LIMIT, start);
        assert_eq!(bucket.take(start, Urgency::Edit), Ok(()));
        let wait = Duration::from_millis(500);
        assert_eq!(bucket.take(start, Urgency::Edit), Err(wait));
        assert_eq!(taken(&mut bucket, start), 2, "rollbacks");

        let one = Limit {
            burst: 1.0,
            per_second: 2.0,
        };
        assert_eq!(
            Bucket::full(one, start).take(start, Urgency::Resync),
            Ok(())
        );
    }

    #[test]
    fn throttling_empties_it_and_halves_the_rate_until_it_recovers() {
        let start = Instant::now();
        let mut bucket = Bucket::full(LIMIT, start);
        bucket.throttled(start);
        assert_eq!(
            bucket.take(start, Urgency::Rollback),
            Err(Duration::from_secs(1))
        );

        let recovered = start + Duration::from_secs(60);
        assert_eq!(taken(&mut bucket, recovered), 3);
        assert_eq!(taken(&mut bucket, recovered + Duration::from_secs(1)), 2);
    }

    #[test]
    fn constant_throttling_leaves_a_trickle() {
        let mut now = Instant::now();
        let mut bucket = Bucket::full(LIMIT, now);
        for _ in 0..20 {
            bucket.throttled(now);
        }
        let Err(wait) = bucket.take(now, Urgency::Rollback) else {
            panic!("not empty");
        };
        assert!(wait <= Duration::from_secs(10), "{wait:?}");
        now += wait + Duration::from_millis(1);
        assert_eq!(bucket.take(now, Urgency::Rollback), Ok(()));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let start = Instant::now();
        let mut bucket = Bucket::full(LIMIT, start);
        assert_eq!(taken(&mut bucket, start), 3);
        bucket.give_back();
        assert_eq!(taken(&mut bucket, start), 1);
    }
}
