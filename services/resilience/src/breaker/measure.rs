//! What attempts came to, and whether that is too bad.

use std::ops::{AddAssign, SubAssign};
use std::time::Duration;

use super::config::BreakerConfig;
use crate::classify::Outcome;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What it says about the dependency.
    pub outcome: Outcome,
    /// Time it took.
    pub elapsed: Duration,
    /// How long the dependency asked to be left alone, if it did.
    pub retry_after: Option<Duration>,
}

/// Counts of attempts that say something about the dependency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) total: u64,
    pub(super) failures: u64,
    pub(super) slow: u64,
}

impl Tally {
    /// One attempt.
    pub(super) fn of(settled: &Settled, config: &BreakerConfig) -> Self {
        Self {
            total: 1,
            failures: u64::from(settled.outcome == Outcome::Failure),
            slow: u64::from(settled.elapsed > config.slow_call_duration_threshold),
        }
    }

    /// So many quick successes.
    pub(super) const fn of_successes(total: u64) -> Self {
        Self {
            total,
            failures: 0,
            slow: 0,
        }
    }

    /// Whether there is anything among them that may open a breaker.
    pub(super) const fn is_bad(&self) -> bool {
        self.failures > 0 || self.slow > 0
    }

    /// Whether one of the two rates, of `total` attempts, reaches its threshold.
    pub(super) fn breaches(&self, total: u64, config: &BreakerConfig) -> bool {
        let reaches =
            |part: u64, percent: u32| part > 0 && part * 100 >= u64::from(percent) * total;
        reaches(self.failures, config.failure_rate_threshold)
            || reaches(self.slow, config.slow_call_rate_threshold)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.total += other.total;
        self.failures += other.failures;
        self.slow += other.slow;
    }
}

impl SubAssign for Tally {
    fn sub_assign(&mut self, other: Self) {
        self.total -= other.total;
        self.failures -= other.failures;
        self.slow -= other.slow;
    }
}
