//! What happens to calls, as metrics of the dependency `scoring`.

use std::time::Duration;

use resilience::{BreakerState, Event, Observer, Policy};
use schema::signals::{Metric, SCORING_DEPENDENCY};
use service_kit::Metrics;
use service_kit::telemetry::metrics::{Counter, Distribution};

/// Counts calls to scoring. Calls and failures are counted per application by whoever makes them,
/// the rest as it happens.
#[derive(Clone, Debug)]
pub(super) struct ScoringMetrics {
    calls: Counter,
    failures: Counter,
    attempts: Counter,
    timeouts: Counter,
    breaker_rejections: Counter,
    bulkhead_rejections: Counter,
    latency: Distribution,
}

impl ScoringMetrics {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let scoring = metrics.dependency(SCORING_DEPENDENCY);
        Self {
            calls: scoring.counter(Metric::Calls),
            failures: scoring.counter(Metric::Failures),
            attempts: scoring.counter(Metric::Attempts),
            timeouts: scoring.counter(Metric::Timeouts),
            breaker_rejections: scoring.counter(Metric::BreakerRejections),
            bulkhead_rejections: scoring.counter(Metric::BulkheadRejections),
            latency: scoring.distribution(Metric::CallLatency),
        }
    }

    pub(super) fn record_call(&self, took: Duration, scored: bool) {
        self.calls.add(1);
        self.failures.add(u64::from(!scored));
        self.latency.record_ms(took);
    }
}

impl Observer for ScoringMetrics {
    fn observe(&self, event: Event) {
        match event {
            Event::Attempt { .. } => self.attempts.add(1),
            Event::AttemptTimedOut => self.timeouts.add(1),
            Event::BulkheadRejected => self.bulkhead_rejections.add(1),
            Event::BreakerRejected => self.breaker_rejections.add(1),
            Event::BreakerMoved(moved) => {
                tracing::warn!(from = ?moved.from, to = ?moved.to, "circuit breaker moved");
            }
            // Calls are never retried, so no budget is used; the end of a call is recorded above.
            Event::BreakerWouldReject | Event::BudgetExhausted | Event::Finished { .. } => {}
        }
    }
}

/// Shows the state of the breaker of `policy`: 0 closed, 1 half open, 2 open.
pub(super) fn show_breaker(metrics: &Metrics, policy: Policy) {
    let scoring = metrics.dependency(SCORING_DEPENDENCY);
    scoring.probe(Metric::BreakerState, move || match policy.breaker_state() {
        BreakerState::Closed => 0.0,
        BreakerState::HalfOpen => 1.0,
        BreakerState::Open => 2.0,
    });
}
