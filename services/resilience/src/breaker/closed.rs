//! The closed state: everything passes and is measured.

use std::time::Instant;

use super::config::BreakerConfig;
use super::measure::{Settled, Tally};
use crate::classify::Outcome;
use crate::window::{Reach, Window};

/// What was measured since the breaker closed.
#[derive(Clone, Debug)]
pub(super) struct Closed {
    window: Window<Tally>,
    consecutive_failures: u32,
}

impl Closed {
    pub(super) fn new(config: &BreakerConfig) -> Self {
        Self {
            window: Window::new(config.sliding_window, Reach::AtMost),
            consecutive_failures: 0,
        }
    }

    /// Counts an attempt and says whether the breaker must open.
    pub(super) fn settle(
        &mut self,
        settled: &Settled,
        config: &BreakerConfig,
        now: Instant,
    ) -> bool {
        self.consecutive_failures = match settled.outcome {
            Outcome::Failure => self.consecutive_failures.saturating_add(1),
            Outcome::Success | Outcome::Ignored => 0,
        };
        let one = Tally::of(settled, config);
        let tally = self.window.record(one, now);
        let enough = tally.total >= u64::from(config.minimum_number_of_calls);
        self.consecutive_failures >= config.consecutive_failures
            || (one.is_bad() && enough && tally.breaches(tally.total, config))
    }

    /// Whether the last attempt did not fail.
    pub(super) const fn is_calm(&self) -> bool {
        self.consecutive_failures == 0
    }

    /// Moves quick successes here that were counted elsewhere.
    pub(super) fn take_in(&mut self, successes: &mut Window<u64>, now: Instant) {
        self.window.take_in(successes, Tally::of_successes, now);
    }

    pub(super) fn reconfigure(&mut self, config: &BreakerConfig) {
        self.window.resize(config.sliding_window);
    }
}
