use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use shuttle::future::{block_on, yield_now};
use shuttle::sync::atomic::AtomicBool;
use shuttle::thread::scope;

use super::{DOWN, config, fail, in_many_orders, observed};
use crate::{BreakerState, Deadline, Policy, PolicyConfig};

#[test]
fn only_failures_of_the_target_in_force_open_the_breaker() {
    in_many_orders(|| {
        let policy = Policy::new(config(), 7);
        let new_one_failed = AtomicBool::new(false);
        let call = || {
            let failing = policy.call(Deadline::NONE, |attempt| {
                new_one_failed.fetch_or(&*attempt.target == "new", Relaxed);
                async {
                    yield_now().await;
                    Err::<(), _>(DOWN)
                }
            });
            block_on(failing).unwrap_err();
        };
        scope(|threads| {
            threads.spawn(call);
            threads.spawn(call);
            threads.spawn(|| {
                policy.reconfigure(PolicyConfig {
                    target: "new".into(),
                    ..config()
                });
            });
        });
        let open = policy.breaker_state() == BreakerState::Open;
        assert_eq!(open, new_one_failed.into_inner());
    });
}

#[test]
fn failures_are_all_counted_while_thresholds_change() {
    const CALLS: u32 = 3;
    for (minimum, state) in [
        (CALLS, BreakerState::Open),
        (CALLS + 1, BreakerState::Closed),
    ] {
        in_many_orders(move || {
            let mut config = config();
            config.breaker.consecutive_failures = 1_000;
            config.breaker.minimum_number_of_calls = minimum;
            let (policy, counters) = observed(config.clone());
            config.breaker.failure_rate_threshold = 100;
            scope(|threads| {
                for _ in 0..CALLS {
                    threads.spawn(|| fail(&policy));
                }
                threads.spawn(|| policy.reconfigure(config));
            });
            assert_eq!(policy.breaker_state(), state);
            let counts = counters.snapshot();
            assert_eq!((counts.calls, counts.attempts), (3, 3));
            assert_eq!(policy.in_flight(), 0);
        });
    }
}

#[test]
fn an_open_breaker_lets_nothing_through_while_thresholds_change() {
    in_many_orders(|| {
        let (policy, counters) = observed(config());
        fail(&policy);
        let mut stricter = config();
        stricter.breaker.failure_rate_threshold = 10;
        let stricter = Arc::new(stricter);
        scope(|threads| {
            threads.spawn(|| fail(&policy));
            threads.spawn(|| fail(&policy));
            threads.spawn(|| policy.reconfigure((*stricter).clone()));
        });
        assert_eq!(counters.snapshot().attempts, 1);
        assert_eq!(policy.breaker_state(), BreakerState::Open);
        assert_eq!(*policy.config(), *stricter);
    });
}
