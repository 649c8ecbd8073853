//! The retry budget: what all callers of a dependency together may repeat.

use std::time::{Duration, Instant};

use crate::window::{Reach, Window};

/// Length over which the floor, a rate per second, is counted.
const FLOOR_WINDOW: Duration = Duration::from_secs(1);

/// How many retries are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetConfig {
    /// Retries per hundred first calls, 0 to 100 and above.
    pub percent: u32,
    /// How long a first call counts.
    pub interval: Duration,
    /// Retries a second allowed however few calls there are.
    pub min_retries_per_second: u32,
}

/// Meters retries with whole numbers: nothing is rounded, so 20 % never becomes 100 %.
///
/// A retry is paid from the floor while fewer than `min_retries_per_second` were in the last
/// second, else from the share. A first call is forgotten no later than after `interval`; a retry
/// paid from the share no sooner: no call pays twice. Over any time, retries therefore never exceed
/// `percent` of the first calls plus the floor.
#[derive(Clone, Debug)]
pub struct Budget {
    config: BudgetConfig,
    calls: Window<u64>,
    paid_from_share: Window<u64>,
    paid_from_floor: Window<u64>,
}

impl Budget {
    /// A budget that has seen no calls.
    #[must_use]
    pub fn new(config: BudgetConfig) -> Self {
        Self {
            config,
            calls: Window::new(config.interval, Reach::AtMost),
            paid_from_share: Window::new(config.interval, Reach::AtLeast),
            paid_from_floor: Window::new(FLOOR_WINDOW, Reach::AtLeast),
        }
    }

    /// Counts a first call, one that the dependency received.
    pub fn record_call(&mut self, now: Instant) {
        self.calls.record(1, now);
    }

    /// Pays for a retry, or returns false when the budget is used up.
    pub fn withdraw(&mut self, now: Instant) -> bool {
        if self.paid_from_floor.sum(now) < u64::from(self.config.min_retries_per_second) {
            self.paid_from_floor.record(1, now);
            return true;
        }
        let earned = u64::from(self.config.percent) * self.calls.sum(now);
        let affordable = (self.paid_from_share.sum(now) + 1) * 100 <= earned;
        if affordable {
            self.paid_from_share.record(1, now);
        }
        affordable
    }

    /// Applies new settings and keeps what was counted.
    pub fn reconfigure(&mut self, config: BudgetConfig) {
        self.config = config;
        self.calls.resize(config.interval);
        self.paid_from_share.resize(config.interval);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn config(percent: u32, floor: u32) -> BudgetConfig {
        BudgetConfig {
            percent,
            interval: 10 * SECOND,
            min_retries_per_second: floor,
        }
    }

    fn withdrawals(budget: &mut Budget, now: Instant) -> u32 {
        (0..10_000).map(|_| u32::from(budget.withdraw(now))).sum()
    }

    #[test]
    fn a_share_is_exact() {
        for (percent, calls, retries) in [
            (20, 4, 0),
            (20, 5, 1),
            (20, 100, 20),
            (100, 7, 7),
            (0, 99, 0),
        ] {
            let now = Instant::now();
            let mut budget = Budget::new(config(percent, 0));
            (0..calls).for_each(|_| budget.record_call(now));
            assert_eq!(
                withdrawals(&mut budget, now),
                retries,
                "{percent} % of {calls}"
            );
        }
    }

    #[test]
    fn the_floor_is_there_without_any_call_and_again_a_second_later() {
        let start = Instant::now();
        let mut budget = Budget::new(config(20, 1_000));
        assert_eq!(withdrawals(&mut budget, start), 1_000);
        assert_eq!(withdrawals(&mut budget, start + 2 * SECOND), 1_000);
    }

    #[test]
    fn calls_pay_for_retries_only_within_the_interval() {
        let start = Instant::now();
        let mut budget = Budget::new(config(100, 0));
        budget.record_call(start);
        assert!(!budget.withdraw(start + 10 * SECOND));
    }

    #[test]
    fn a_changed_budget_keeps_what_was_counted() {
        let now = Instant::now();
        let mut budget = Budget::new(config(100, 0));
        (0..100).for_each(|_| budget.record_call(now));
        (0..20).for_each(|_| assert!(budget.withdraw(now)));
        budget.reconfigure(config(20, 0));
        assert!(!budget.withdraw(now), "20 % of 100 calls is spent");
        budget.reconfigure(config(21, 0));
        assert!(budget.withdraw(now));
    }

    proptest! {
        #[test]
        fn retries_never_exceed_the_share_plus_the_floor(
            percent in 0_u32..=100, floor in 0_u32..20,
            steps in prop::collection::vec((0_u64..1_500, 0_u32..4, 0_u32..8), 1..150),
        ) {
            let start = Instant::now();
            let mut budget = Budget::new(config(percent, floor));
            let (mut now, mut calls, mut retries) = (start, 0_u64, 0_u64);
            for (gap_ms, first_calls, wishes) in steps {
                now += Duration::from_millis(gap_ms);
                for _ in 0..first_calls {
                    budget.record_call(now);
                    calls += 1;
                }
                retries += (0..wishes).filter(|_| budget.withdraw(now)).count() as u64;
                let seconds_begun = (now - start).as_secs() + 1;
                let allowed = u64::from(percent) * calls + 100 * u64::from(floor) * seconds_begun;
                prop_assert!(retries * 100 <= allowed, "{} retries, {} calls", retries, calls);
            }
        }
    }
}
