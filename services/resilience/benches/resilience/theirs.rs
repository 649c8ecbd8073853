//! What other crates offer for the same work, with settings as near to ours as they have.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use failsafe::{CircuitBreaker as _, backoff, failure_policy};
use recloser::Recloser;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_resilience::bulkhead::BulkheadLayer;
use tower_resilience::circuitbreaker::{
    CircuitBreakerConfigBuilder, CircuitBreakerError, CircuitBreakerLayer, DefaultClassifier,
    SlidingWindowType,
};
use tower_resilience::retry::{RetryBudgetBuilder, RetryLayer};
use tower_resilience::timelimiter::TimeLimiterLayer;

use crate::measure::{Contender, finish};
use crate::ours::Down;

const WINDOW: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_secs(3_600);
/// Calls below which no rate is judged, or that a window of calls holds.
const CALLS: u32 = 20;

fn answer(answers: bool) -> Result<u32, Down> {
    black_box(if answers { Ok(712) } else { Err(Down) })
}

/// Makes calls that answer or fail as told, and says which of them are let through.
pub(crate) fn failsafe_caller() -> impl Fn(bool) -> bool + Clone + Sync + 'static {
    let pause = backoff::constant(LONG);
    let policy = failure_policy::success_rate_over_time_window(0.5, CALLS, WINDOW, pause);
    let breaker = Arc::new(failsafe::Config::new().failure_policy(policy).build());
    move |answers| {
        let result = breaker.call(|| answer(answers));
        !matches!(result, Err(failsafe::Error::Rejected))
    }
}

pub(crate) fn recloser_caller() -> impl Fn(bool) -> bool + Clone + Sync + 'static {
    let breaker = Recloser::custom()
        .error_rate(0.5)
        .closed_len(CALLS as usize)
        .open_wait(LONG)
        .build();
    let breaker = Arc::new(breaker);
    move |answers| {
        let result = breaker.call(|| answer(answers));
        !matches!(result, Err(recloser::Error::Rejected))
    }
}

fn tower_settings() -> CircuitBreakerConfigBuilder<DefaultClassifier> {
    CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .slow_call_duration_threshold(Duration::from_millis(200))
        .slow_call_rate_threshold(0.8)
        .minimum_number_of_calls(CALLS as usize)
        .sliding_window_size(CALLS as usize)
        .wait_duration_in_open(LONG)
}

pub(crate) fn by_count() -> CircuitBreakerLayer<DefaultClassifier> {
    tower_settings().build().unwrap()
}

pub(crate) fn by_time() -> CircuitBreakerLayer<DefaultClassifier> {
    tower_settings()
        .sliding_window_type(SlidingWindowType::TimeBased)
        .sliding_window_duration(WINDOW)
        .build()
        .unwrap()
}

/// A service behind `layer`, of which each thread has a clone.
pub(crate) fn tower_caller(
    layer: &CircuitBreakerLayer<DefaultClassifier>,
) -> impl FnMut(bool) -> bool + Clone + Sync + use<> {
    let mut service = layer.layer(service_fn(|answers| async move { answer(answers) }));
    move |answers| {
        let result = finish(async { service.ready().await?.call(answers).await });
        !matches!(result, Err(CircuitBreakerError::OpenCircuit))
    }
}

pub(crate) fn failsafe() -> Contender {
    let call = failsafe_caller();
    Contender::new("failsafe: moving average of 30 s", move || {
        assert!(call(true));
    })
}

pub(crate) fn recloser() -> Contender {
    let call = recloser_caller();
    Contender::new("recloser: the last 20 calls", move || {
        assert!(call(true));
    })
}

pub(crate) fn tower_breaker_by_count() -> Contender {
    succeeding("tower-resilience: 20 calls", tower_caller(&by_count()))
}

/// It goes through all calls of its window at each: so each turn begins with as many.
pub(crate) fn tower_breaker_by_time() -> Contender {
    Contender::prepared("tower-resilience: 30 s, 1,000 calls in it", || {
        let mut call = tower_caller(&by_time());
        (0..1_000).for_each(|_| assert!(call(true)));
        move || assert!(call(true))
    })
}

fn succeeding(
    name: &'static str,
    call: impl FnMut(bool) -> bool + Clone + Sync + 'static,
) -> Contender {
    Contender::prepared(name, move || {
        let mut call = call.clone();
        move || assert!(call(true))
    })
}

pub(crate) fn open_failsafe() -> Contender {
    refused("failsafe", failsafe_caller())
}

pub(crate) fn open_recloser() -> Contender {
    refused("recloser", recloser_caller())
}

pub(crate) fn open_tower_breaker() -> Contender {
    refused("tower-resilience", tower_caller(&by_count()))
}

fn refused(
    name: &'static str,
    call: impl FnMut(bool) -> bool + Clone + Sync + 'static,
) -> Contender {
    Contender::prepared(name, move || {
        let mut call = call.clone();
        while call(false) {}
        move || assert!(!call(true))
    })
}

/// All the layers that we have: deadline, bulkhead, retry with a budget, breaker, attempt timeout.
pub(crate) fn tower_stack() -> Contender {
    let attempt = TimeLimiterLayer::builder()
        .timeout_duration(Duration::from_millis(500))
        .build()
        .layer(service_fn(|()| async { answer(true) }));
    let budget = RetryBudgetBuilder::new().token_bucket().build().unwrap();
    let retry = RetryLayer::builder()
        .max_attempts(2)
        .exponential_backoff(Duration::from_millis(25))
        .budget(budget)
        .build()
        .layer(by_count().layer(attempt));
    let bulkhead = BulkheadLayer::builder()
        .max_concurrent_calls(64)
        .reject_when_full()
        .build()
        .unwrap()
        .layer(retry);
    let service = TimeLimiterLayer::builder()
        .timeout_duration(Duration::from_secs(1))
        .build()
        .layer(bulkhead);
    Contender::prepared("tower-resilience: the same layers", move || {
        let mut service = service.clone();
        move || {
            let answer = finish(async { service.ready().await?.call(()).await });
            assert!(answer.is_ok());
        }
    })
}
