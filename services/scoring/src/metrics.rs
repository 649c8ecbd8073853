//! What happens to calls, as metrics of the dependency `provider`.

use resilience::{BreakerState, Ending, Event, Observer, Policy};
use schema::signals::{Metric, PROVIDER_DEPENDENCY};
use service_kit::Metrics;
use service_kit::telemetry::metrics::{Counter, Distribution};

/// Counts the events of calls to the provider.
#[derive(Clone, Debug)]
pub struct ProviderMetrics {
    calls: Counter,
    failures: Counter,
    attempts: Counter,
    retries: Counter,
    timeouts: Counter,
    budget_exhausted: Counter,
    breaker_rejections: Counter,
    bulkhead_rejections: Counter,
    latency: Distribution,
}

impl ProviderMetrics {
    /// Registers the metrics.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let provider = metrics.dependency(PROVIDER_DEPENDENCY);
        Self {
            calls: provider.counter(Metric::Calls),
            failures: provider.counter(Metric::Failures),
            attempts: provider.counter(Metric::Attempts),
            retries: provider.counter(Metric::Retries),
            timeouts: provider.counter(Metric::Timeouts),
            budget_exhausted: provider.counter(Metric::BudgetExhausted),
            breaker_rejections: provider.counter(Metric::BreakerRejections),
            bulkhead_rejections: provider.counter(Metric::BulkheadRejections),
            latency: provider.distribution(Metric::CallLatency),
        }
    }
}

/// Shows the state of the breaker of `policy`: 0 closed, 1 half open, 2 open.
pub fn show_breaker(metrics: &Metrics, policy: Policy) {
    let provider = metrics.dependency(PROVIDER_DEPENDENCY);
    provider.probe(Metric::BreakerState, move || match policy.breaker_state() {
        BreakerState::Closed => 0.0,
        BreakerState::HalfOpen => 1.0,
        BreakerState::Open => 2.0,
    });
}

impl Observer for ProviderMetrics {
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
            Event::BreakerWouldReject => {}
            Event::BreakerMoved(moved) => {
                tracing::warn!(from = ?moved.from, to = ?moved.to, "circuit breaker moved");
            }
            Event::Finished { ending, elapsed } => {
                self.calls.add(1);
                // A call that was abandoned brought no score either.
                self.failures.add(u64::from(ending != Ending::Answered));
                self.latency.record_ms(elapsed);
            }
        }
    }
}
