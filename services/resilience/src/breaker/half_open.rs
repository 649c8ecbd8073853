//! The half-open state: a few attempts test the dependency.

use std::time::Instant;

use super::config::BreakerConfig;
use super::measure::{Settled, Tally};

/// A test of the dependency under way.
#[derive(Clone, Debug, Default)]
pub(super) struct HalfOpen {
    /// Permits handed out and not come back.
    outstanding: u64,
    /// Attempts that have settled.
    settled: Tally,
    /// Since when no permit has come back while some are out.
    waiting_since: Option<Instant>,
}

/// What a test says so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not enough attempts have settled.
    Undecided,
    /// The dependency works.
    Passed,
    /// It does not.
    Failed,
}

impl HalfOpen {
    /// Hands out a permit if fewer than permitted are out or settled.
    pub(super) fn admit(&mut self, config: &BreakerConfig, now: Instant) -> bool {
        let permitted = permitted(config);
        let free = self.outstanding + self.settled.total < permitted;
        if free {
            self.outstanding += 1;
            self.waiting_since.get_or_insert(now);
        }
        free
    }

    /// Whether permits have been out for longer than one may take.
    pub(super) fn is_overdue(&self, config: &BreakerConfig, now: Instant) -> bool {
        self.waiting_since.is_some_and(|since| {
            now.saturating_duration_since(since) >= config.max_wait_duration_in_half_open_state
        })
    }

    /// Takes a permit back unused: another attempt may have it.
    pub(super) fn give_back(&mut self, now: Instant) {
        self.outstanding = self.outstanding.saturating_sub(1);
        self.waiting_since = (self.outstanding > 0).then_some(now);
    }

    /// Counts an attempt.
    pub(super) fn settle(&mut self, settled: &Settled, config: &BreakerConfig, now: Instant) {
        self.give_back(now);
        self.settled += Tally::of(settled, config);
    }

    /// The verdict: failed as soon as no later success could mend it, passed when all have settled.
    pub(super) fn verdict(&self, config: &BreakerConfig) -> Verdict {
        let permitted = permitted(config);
        if self
            .settled
            .breaches(permitted.max(self.settled.total), config)
        {
            Verdict::Failed
        } else if self.settled.total >= permitted {
            Verdict::Passed
        } else {
            Verdict::Undecided
        }
    }
}

/// Attempts permitted: at least one, or the breaker could never close again.
fn permitted(config: &BreakerConfig) -> u64 {
    u64::from(config.permitted_number_of_calls_in_half_open_state.max(1))
}
