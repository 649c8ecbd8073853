use std::time::{Duration, Instant};

use proptest::prelude::*;
use shuttle::thread::scope;

use super::{NEVER, config, in_every_order, in_many_orders};
use crate::breaker::{Breaker, BreakerConfig, BreakerState, History, SharedBreaker};
use crate::{Outcome, Settled};

const SUCCESSES: u32 = 3;

fn settled(outcome: Outcome, elapsed_ms: u64) -> Settled {
    Settled {
        outcome,
        elapsed: Duration::from_millis(elapsed_ms),
        retry_after: None,
    }
}

fn attempt(breaker: &SharedBreaker, outcome: Outcome, now: Instant) {
    if let Ok((permit, ())) = breaker.acquire(now, || ()).answer {
        breaker.settle(permit, &settled(outcome, 1), now);
    }
}

/// Opens when two of five fail, or a little more than that.
fn of_five(failure_rate_threshold: u32) -> BreakerConfig {
    BreakerConfig {
        failure_rate_threshold,
        consecutive_failures: 1_000,
        minimum_number_of_calls: SUCCESSES + 2,
        ..config().breaker
    }
}

#[test]
fn each_attempt_counts_once_whoever_counts_it_and_whenever_thresholds_change() {
    for (threshold, state) in [(40, BreakerState::Open), (41, BreakerState::Closed)] {
        in_many_orders(move || {
            let breaker = SharedBreaker::new(of_five(threshold), 7);
            let now = Instant::now();
            scope(|threads| {
                for _ in 0..SUCCESSES {
                    threads.spawn(|| attempt(&breaker, Outcome::Success, now));
                }
                threads.spawn(|| attempt(&breaker, Outcome::Failure, now));
                threads.spawn(|| {
                    let longer = BreakerConfig {
                        sliding_window: NEVER,
                        ..of_five(threshold)
                    };
                    let mut held = breaker.hold(now);
                    held.reconfigure(longer, History::Keep, now);
                    assert_eq!(held.release(), None);
                });
            });
            attempt(&breaker, Outcome::Failure, now);
            assert_eq!(breaker.state(), state);
        });
    }
}

#[test]
fn what_was_let_through_before_the_history_was_forgotten_counts_for_nothing() {
    in_many_orders(|| {
        let breaker = SharedBreaker::new(of_five(40), 7);
        let now = Instant::now();
        let permits = [(); 4].map(|()| breaker.acquire(now, || ()).answer.unwrap().0);
        scope(|threads| {
            for permit in permits {
                let breaker = &breaker;
                threads.spawn(move || breaker.settle(permit, &settled(Outcome::Success, 1), now));
            }
            threads.spawn(|| {
                let mut held = breaker.hold(now);
                held.reconfigure(of_five(40), History::Forget, now);
                held.release()
            });
        });
        for _ in 0..4 {
            attempt(&breaker, Outcome::Failure, now);
        }
        assert_eq!(breaker.state(), BreakerState::Closed, "four attempts");
        attempt(&breaker, Outcome::Failure, now);
        assert_eq!(breaker.state(), BreakerState::Open, "five of five failed");
    });
}

#[test]
fn what_is_read_with_a_permit_is_what_was_in_force_for_it() {
    use std::sync::atomic::Ordering::SeqCst;

    use shuttle::sync::atomic::AtomicU32;

    in_many_orders(|| {
        let breaker = SharedBreaker::new(of_five(40), 7);
        let (now, in_force) = (Instant::now(), AtomicU32::new(0));
        let acquire = || {
            breaker
                .acquire(now, || in_force.load(SeqCst))
                .answer
                .unwrap()
        };
        let (before, _) = acquire();
        scope(|threads| {
            let taken = [(); 2].map(|()| threads.spawn(acquire));
            threads.spawn(|| {
                let mut held = breaker.hold(now);
                held.reconfigure(of_five(40), History::Forget, now);
                in_force.store(1, SeqCst);
                held.release()
            });
            for taken in taken {
                let (permit, read) = taken.join().unwrap();
                assert_eq!(permit == before, read == 0);
            }
        });
    });
}

#[test]
fn what_is_slow_is_what_the_settings_in_force_call_slow() {
    in_every_order(|| {
        let (now, slow_beyond) = (Instant::now(), Duration::from_millis(50));
        let breaker = SharedBreaker::new(of_five(40), 7);
        let attempts = || {
            for _ in 0..5 {
                let (permit, ()) = breaker.acquire(now, || ()).answer.unwrap();
                breaker.settle(permit, &settled(Outcome::Success, 51), now);
            }
            breaker.state()
        };
        assert_eq!(attempts(), BreakerState::Closed);
        let stricter = BreakerConfig {
            slow_call_duration_threshold: slow_beyond,
            ..of_five(40)
        };
        let mut held = breaker.hold(now);
        held.reconfigure(stricter, History::Keep, now);
        held.release();
        assert_eq!(attempts(), BreakerState::Open);
    });
}

/// What happens next: some time passes, and an attempt that is begun ends as told.
fn step() -> impl Strategy<Value = (u64, Outcome, u64)> {
    let outcome = prop_oneof![
        6 => Just(Outcome::Success),
        2 => Just(Outcome::Failure),
        1 => Just(Outcome::Ignored)
    ];
    (0_u64..5, outcome, 0_u64..250)
}

proptest! {
    /// Within one bucket, since shared windows begin theirs at other times.
    #[test]
    fn a_shared_breaker_decides_as_one_for_one_thread_does(
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let decides_alike = move || {
            let config = BreakerConfig {
                minimum_number_of_calls: 5,
                wait_duration_in_open_state: Duration::from_millis(3),
                ..BreakerConfig::default()
            };
            let (mut one, shared) = (Breaker::new(config, 1), SharedBreaker::new(config, 1));
            let mut now = Instant::now();
            for (gap_ms, outcome, elapsed_ms) in &steps {
                now += Duration::from_millis(*gap_ms);
                let settled = settled(*outcome, *elapsed_ms);
                let (permit, told) = (one.acquire(now), shared.acquire(now, || ()));
                assert_eq!(told.moved, one.take_transition());
                match (permit, told.answer) {
                    (Ok(permit), Ok((same, ()))) => {
                        assert_eq!(permit, same);
                        one.settle(permit, &settled, now);
                        assert_eq!(shared.settle(same, &settled, now).moved, one.take_transition());
                    }
                    (Err(refused), Err(same)) => assert_eq!(refused, same),
                    differing => panic!("{differing:?}"),
                }
                assert_eq!(shared.state(), one.state());
            }
        };
        shuttle::check_dfs(decides_alike, Some(1));
    }
}
