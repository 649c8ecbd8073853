use shuttle::thread::scope;

use super::{NEVER, config, fail, in_many_orders, observed};
use crate::BudgetConfig;

const CALLERS: u32 = 3;

#[test]
fn racing_callers_spend_what_the_budget_has_and_no_more() {
    for (percent, min_retries_per_second, retries) in [(0, 1, 1), (50, 0, 1), (100, 0, 3)] {
        in_many_orders(move || {
            let mut config = config();
            config.breaker.consecutive_failures = 1_000;
            config.retry.max_attempts = 2;
            config.retry.budget = BudgetConfig {
                percent,
                interval: NEVER / 2,
                min_retries_per_second,
            };
            let (policy, counters) = observed(config.clone());
            config.retry.budget.interval = NEVER;
            scope(|threads| {
                for _ in 0..CALLERS {
                    threads.spawn(|| fail(&policy));
                }
                threads.spawn(|| policy.reconfigure(config));
            });
            let counts = counters.snapshot();
            assert_eq!(counts.retries, retries, "of {CALLERS} calls");
            assert_eq!(counts.retries + counts.budget_exhausted, u64::from(CALLERS));
        });
    }
}
