//! What happens to calls, as metrics of the dependency.

use std::time::Duration;

use resilience::{BreakerState, Ending, Event, Observer, Policy};
use schema::signals::Metric;

use crate::telemetry::metrics::{Counter, Distribution, Metrics};

/// Counts what happens within calls to one dependency. Whole calls are counted by whoever knows
/// which of them count: see [`Self::record_call`] and [`EveryCall`].
#[derive(Clone, Debug)]
pub struct DependencyMetrics {
    calls: Counter,
    failures: Counter,
    attempts: Counter,
    retries: Counter,
    timeouts: Counter,
    budget_exhausted: Counter,
    breaker_rejections: Counter,
    breaker_would_reject: Counter,
    bulkhead_rejections: Counter,
    latency: Distribution,
}

impl DependencyMetrics {
    /// Registers the metrics of `dependency`.
    #[must_use]
    pub fn new(metrics: &Metrics, dependency: &'static str) -> Self {
        let scope = metrics.dependency(dependency);
        Self {
            calls: scope.counter(Metric::Calls),
            failures: scope.counter(Metric::Failures),
            attempts: scope.counter(Metric::Attempts),
            retries: scope.counter(Metric::Retries),
            timeouts: scope.counter(Metric::Timeouts),
            budget_exhausted: scope.counter(Metric::BudgetExhausted),
            breaker_rejections: scope.counter(Metric::BreakerRejections),
            breaker_would_reject: scope.counter(Metric::BreakerWouldReject),
            bulkhead_rejections: scope.counter(Metric::BulkheadRejections),
            latency: scope.distribution(Metric::CallLatency),
        }
    }

    /// Counts a whole call: how long it took, all its attempts together, and whether it brought an
    /// answer.
    pub fn record_call(&self, took: Duration, answered: bool) {
        self.calls.add(1);
        self.failures.add(u64::from(!answered));
        self.latency.record_ms(took);
    }

    /// Shows the state of the breaker of `policy`: 0 closed, 1 half open, 2 open.
    pub fn show_breaker(metrics: &Metrics, dependency: &'static str, policy: Policy) {
        metrics
            .dependency(dependency)
            .probe(Metric::BreakerState, move || match policy.breaker_state() {
                BreakerState::Closed => 0.0,
                BreakerState::HalfOpen => 1.0,
                BreakerState::Open => 2.0,
            });
    }
}

impl Observer for DependencyMetrics {
    fn observe(&self, event: Event) {
        match event {
            Event::Attempt { number } => {
                self.attempts.add(1);
                self.retries.add(u64::from(number > 1));
            }
            Event::AttemptTimedOut => self.timeouts.add(1),
            Event::BudgetExhausted => self.budget_exhausted.add(1),
            Event::BulkheadRejected => self.bulkhead_rejections.add(1),
            Event::BreakerRejected => self.breaker_rejections.add(1),
            Event::BreakerMoved(moved) => {
                tracing::warn!(from = ?moved.from, to = ?moved.to, "circuit breaker moved");
            }
            Event::BreakerWouldReject => self.breaker_would_reject.add(1),
            Event::Finished { .. } => {}
        }
    }
}

/// Counts every call to its dependency. One that was abandoned brought no answer either.
#[derive(Clone, Debug)]
pub struct EveryCall(pub DependencyMetrics);

impl Observer for EveryCall {
    fn observe(&self, event: Event) {
        if let Event::Finished { ending, elapsed } = event {
            self.0.record_call(elapsed, ending == Ending::Answered);
        }
        self.0.observe(event);
    }
}
