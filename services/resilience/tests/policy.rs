//! The layers together, in paused time.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use resilience::{
    Backoff, BreakerConfig, BreakerMode, BreakerState, BudgetConfig, BulkheadConfig, CallError,
    Classified, Counters, Deadline, FailureClass, Policy, PolicyConfig, RetryConfig,
};
use tokio::time::{Instant, sleep};

const MS: Duration = Duration::from_millis(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it failed")]
struct Broken {
    class: FailureClass,
    retry_after: Option<Duration>,
}

impl Classified for Broken {
    fn class(&self) -> FailureClass {
        self.class
    }

    fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

const DOWN: Broken = Broken {
    class: FailureClass::Transient,
    retry_after: None,
};

fn config() -> PolicyConfig {
    PolicyConfig {
        target: "http://provider.test".to_owned(),
        timeout: 550 * MS,
        attempt_timeout: 250 * MS,
        retry: RetryConfig {
            max_attempts: 2,
            backoff: Backoff {
                initial: 25 * MS,
                max: 100 * MS,
                multiplier: 2,
            },
            budget: BudgetConfig {
                percent: 100,
                interval: Duration::from_secs(10),
                min_retries_per_second: 1_000,
            },
            min_attempt_time: 10 * MS,
        },
        breaker: BreakerConfig::default(),
        bulkhead: BulkheadConfig {
            max_concurrent_calls: 64,
        },
    }
}

fn policy(config: PolicyConfig) -> (Policy, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    (Policy::observed(config, 7, counters.clone()), counters)
}

async fn call_broken(policy: &Policy, error: Broken) -> CallError<Broken> {
    policy
        .call(Deadline::NONE, |_| async move { Err::<(), _>(error) })
        .await
        .unwrap_err()
}

async fn call_hanging(policy: &Policy) -> CallError<Broken> {
    policy
        .call(Deadline::NONE, |_| {
            std::future::pending::<Result<(), Broken>>()
        })
        .await
        .unwrap_err()
}

async fn open(policy: &Policy) {
    while policy.breaker_state() != BreakerState::Open {
        call_broken(policy, DOWN).await;
    }
}

#[tokio::test(start_paused = true)]
async fn max_attempts_includes_the_first() {
    for max_attempts in [1, 2, 5] {
        let mut config = config();
        config.retry.max_attempts = max_attempts;
        let (policy, counters) = policy(config);
        let error = call_broken(&policy, DOWN).await;
        assert!(matches!(error, CallError::Failed { attempts, .. } if attempts == max_attempts));
        assert_eq!(counters.snapshot().retries, u64::from(max_attempts - 1));
    }
}

#[tokio::test(start_paused = true)]
async fn only_transient_failures_are_tried_again() {
    for (class, attempts) in [
        (FailureClass::Transient, 2),
        (FailureClass::Permanent, 1),
        (FailureClass::Ignored, 1),
    ] {
        let (policy, counters) = policy(config());
        call_broken(&policy, Broken { class, ..DOWN }).await;
        assert_eq!(counters.snapshot().attempts, attempts, "{class:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn ignored_failures_never_open_the_breaker() {
    let (policy, _) = policy(config());
    for _ in 0..1_000 {
        let refused = Broken {
            class: FailureClass::Ignored,
            ..DOWN
        };
        call_broken(&policy, refused).await;
    }
    assert_eq!(policy.breaker_state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_attempt_is_dropped_and_tried_again_within_the_timeout() {
    let (policy, counters) = policy(config());
    let started = Instant::now();
    let error = call_hanging(&policy).await;
    assert!(matches!(error, CallError::TimedOut { attempts: 2 }));
    assert!(started.elapsed() <= 550 * MS);
    assert_eq!(counters.snapshot().timeouts, 2);
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_refuses_without_an_attempt_a_retry_or_a_count() {
    let (policy, counters) = policy(config());
    open(&policy).await;
    let before = counters.snapshot();
    let error = call_broken(&policy, DOWN).await;
    let CallError::BreakerOpen {
        retry_after: Some(wait),
    } = error
    else {
        panic!("{error}");
    };
    assert!(wait <= Duration::from_secs(5));
    let after = counters.snapshot();
    assert_eq!(after.attempts, before.attempts);
    assert_eq!(after.breaker_rejections, before.breaker_rejections + 1);
    assert_eq!(after.failures, before.failures + 1);
}

#[tokio::test(start_paused = true)]
async fn a_full_bulkhead_refuses_and_the_breaker_does_not_hear_of_it() {
    let mut config = config();
    config.bulkhead.max_concurrent_calls = 1;
    config.breaker.consecutive_failures = 1;
    let (policy, counters) = policy(config);
    let first = tokio::spawn({
        let policy = policy.clone();
        async move { call_hanging(&policy).await }
    });
    while policy.in_flight() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(matches!(
        call_broken(&policy, DOWN).await,
        CallError::BulkheadFull
    ));
    assert_eq!(policy.breaker_state(), BreakerState::Closed);
    assert_eq!(counters.snapshot().bulkhead_rejections, 1);
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(policy.in_flight(), 0);
    assert_eq!(counters.snapshot().abandoned, 1);
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_caller_hangs_up_gives_its_permit_back() {
    let mut config = config();
    config.breaker.permitted_number_of_calls_in_half_open_state = 1;
    let (policy, _) = policy(config);
    open(&policy).await;
    sleep(Duration::from_secs(5)).await;
    for _ in 0..10 {
        let hung_up = tokio::time::timeout(MS, call_hanging(&policy)).await;
        assert!(hung_up.is_err(), "every one of them was let through");
    }
    assert_eq!(policy.breaker_state(), BreakerState::HalfOpen);
    let answer = policy
        .call(Deadline::NONE, |_| async { Ok::<_, Broken>(712) })
        .await;
    assert_eq!(answer.unwrap(), 712);
    assert_eq!(policy.breaker_state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_the_dependency_asks_for_is_kept_if_it_fits() {
    for (wait, attempts) in [(300 * MS, 2), (600 * MS, 1)] {
        let (policy, counters) = policy(config());
        let started = Instant::now();
        let asked = Broken {
            retry_after: Some(wait),
            ..DOWN
        };
        call_broken(&policy, asked).await;
        assert_eq!(counters.snapshot().attempts, attempts, "{wait:?}");
        let waited = if attempts == 2 { wait } else { Duration::ZERO };
        assert_eq!(started.elapsed().as_millis(), waited.as_millis());
    }
}

#[tokio::test(start_paused = true)]
async fn without_budget_there_is_no_retry() {
    let mut config = config();
    config.retry.budget = BudgetConfig {
        percent: 20,
        interval: Duration::from_secs(10),
        min_retries_per_second: 0,
    };
    config.breaker.mode = BreakerMode::Disabled;
    let (policy, counters) = policy(config);
    for _ in 0..100 {
        call_broken(&policy, DOWN).await;
    }
    let counts = counters.snapshot();
    assert_eq!((counts.retries, counts.budget_exhausted), (20, 80));
}

#[tokio::test(start_paused = true)]
async fn what_the_breaker_refuses_earns_no_retry() {
    let mut config = config();
    config.retry.budget.percent = 20;
    config.retry.budget.min_retries_per_second = 0;
    config.breaker.mode = BreakerMode::ForcedOpen;
    let (policy, counters) = policy(config.clone());
    for _ in 0..600 {
        call_broken(&policy, DOWN).await;
    }
    config.breaker.mode = BreakerMode::MetricsOnly;
    policy.reconfigure(config);
    for _ in 0..20 {
        call_broken(&policy, DOWN).await;
    }
    assert_eq!(counters.snapshot().retries, 4);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_caller_is_kept_and_its_haste_is_not_held_against_the_dependency() {
    let (policy, counters) = policy(config());
    for _ in 0..100 {
        let started = Instant::now();
        let deadline = Deadline::after(started.into_std(), 50 * MS);
        let result = policy
            .call(deadline, |_| std::future::pending::<Result<(), Broken>>())
            .await;
        assert!(matches!(result, Err(CallError::TimedOut { attempts: 1 })));
        assert_eq!(started.elapsed().as_millis(), 50);
    }
    assert_eq!(counters.snapshot().attempts, 100);
    assert_eq!(policy.breaker_state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_has_passed_sends_nothing() {
    let (policy, counters) = policy(config());
    let deadline = Deadline::at(Instant::now().into_std());
    let result = policy
        .call(deadline, |_| async { Ok::<_, Broken>(()) })
        .await;
    assert!(matches!(result, Err(CallError::TimedOut { attempts: 0 })));
    assert_eq!(counters.snapshot().attempts, 0);
}

#[tokio::test(start_paused = true)]
async fn new_thresholds_keep_an_open_breaker_open_and_a_new_target_tests_at_once() {
    let (policy, _) = policy(config());
    open(&policy).await;
    let mut stricter = config();
    stricter.breaker.failure_rate_threshold = 10;
    stricter.retry.max_attempts = 1;
    policy.reconfigure(stricter.clone());
    assert_eq!(policy.breaker_state(), BreakerState::Open);

    for elsewhere in [
        PolicyConfig {
            target: "http://other.test".to_owned(),
            ..stricter.clone()
        },
        PolicyConfig {
            attempt_timeout: 100 * MS,
            ..stricter.clone()
        },
        PolicyConfig {
            timeout: 700 * MS,
            ..stricter.clone()
        },
    ] {
        let (policy, _) = self::policy(stricter.clone());
        open(&policy).await;
        policy.reconfigure(elsewhere);
        assert_eq!(policy.breaker_state(), BreakerState::HalfOpen);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_under_way_takes_new_settings_with_its_next_attempt() {
    let (policy, _) = policy(PolicyConfig {
        attempt_timeout: 50 * MS,
        retry: RetryConfig {
            max_attempts: 10,
            ..config().retry
        },
        ..config()
    });
    let targets = RefCell::new(Vec::new());
    let result = policy
        .call(Deadline::NONE, |attempt| {
            targets.borrow_mut().push(attempt.target.to_string());
            if attempt.number == 1 {
                policy.reconfigure(PolicyConfig {
                    target: "http://other.test".to_owned(),
                    ..config()
                });
            }
            async { Err::<(), _>(DOWN) }
        })
        .await;
    assert!(matches!(result, Err(CallError::Failed { attempts: 2, .. })));
    assert_eq!(
        targets.into_inner(),
        ["http://provider.test", "http://other.test"]
    );
}

#[tokio::test(start_paused = true)]
async fn the_results_of_a_bad_revision_do_not_poison_the_one_that_replaces_it() {
    let (policy, _) = policy(PolicyConfig {
        attempt_timeout: 550 * MS,
        ..config()
    });
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let policy = policy.clone();
            tokio::spawn(async move { call_hanging(&policy).await })
        })
        .collect();
    while policy.in_flight() < 50 {
        tokio::task::yield_now().await;
    }
    policy.reconfigure(config());
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(policy.breaker_state(), BreakerState::Closed);
}

fn run_paused(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_call_never_outlives_its_deadline(
        max_attempts in 1_u32..=10, attempt_ms in 1_u64..300, timeout_ms in 1_u64..600,
        initial_ms in 1_u64..200, deadline_ms in 1_u64..600, latencies_ms in prop::collection::vec(0_u64..400, 10),
        seed: u64,
    ) {
        run_paused(async {
            let mut config = config();
            config.timeout = Duration::from_millis(timeout_ms);
            config.attempt_timeout = Duration::from_millis(attempt_ms);
            config.retry.max_attempts = max_attempts;
            config.retry.backoff.initial = Duration::from_millis(initial_ms);
            let policy = Policy::new(config, seed);
            let started = Instant::now();
            let deadline = Deadline::after(started.into_std(), Duration::from_millis(deadline_ms));
            let sent = AtomicU32::new(0);
            let allowed = Duration::from_millis(timeout_ms.min(deadline_ms));
            let result = policy.call(deadline, |attempt| {
                sent.fetch_add(1, Ordering::Relaxed);
                assert!(started.elapsed() < allowed, "an attempt after the deadline");
                assert!(started.elapsed() + attempt.time_left <= allowed);
                let latency = latencies_ms[attempt.number as usize - 1];
                async move {
                    sleep(Duration::from_millis(latency)).await;
                    Err::<(), _>(DOWN)
                }
            }).await;
            assert!(result.is_err());
            assert!(started.elapsed() <= allowed + MS, "the clock of a timer counts milliseconds");
            assert!(sent.load(Ordering::Relaxed) <= max_attempts);
        });
    }
}
