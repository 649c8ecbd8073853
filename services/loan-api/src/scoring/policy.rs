//! From the settings of the scoring client to its policy.

use resilience::{BreakerConfig, BreakerMode, BulkheadConfig, PolicyConfig, RetryConfig};
use schema::platform::{self, CircuitBreaker, ScoringClient};

/// The policy that `client` asks for. A call is made once: a retry here would multiply those that
/// scoring makes itself.
pub(super) fn config(client: &ScoringClient, target: &str) -> PolicyConfig {
    let timeout = client.timeout.get();
    PolicyConfig {
        target: target.to_owned(),
        timeout,
        attempt_timeout: timeout,
        retry: RetryConfig::NEVER,
        breaker: breaker(&client.circuit_breaker),
        bulkhead: BulkheadConfig {
            max_concurrent_calls: client.bulkhead.max_concurrent_calls.get(),
        },
    }
}

fn breaker(breaker: &CircuitBreaker) -> BreakerConfig {
    BreakerConfig {
        mode: match breaker.mode {
            platform::BreakerMode::Enabled => BreakerMode::Enabled,
            platform::BreakerMode::Disabled => BreakerMode::Disabled,
            platform::BreakerMode::MetricsOnly => BreakerMode::MetricsOnly,
            platform::BreakerMode::ForcedOpen => BreakerMode::ForcedOpen,
        },
        failure_rate_threshold: breaker.failure_rate_threshold.get(),
        slow_call_rate_threshold: breaker.slow_call_rate_threshold.get(),
        slow_call_duration_threshold: breaker.slow_call_duration_threshold.get(),
        consecutive_failures: breaker.consecutive_failures.get(),
        sliding_window: breaker.sliding_window.get(),
        minimum_number_of_calls: breaker.minimum_number_of_calls.get(),
        wait_duration_in_open_state: breaker.wait_duration_in_open_state.get(),
        max_wait_duration_in_open_state: breaker.max_wait_duration_in_open_state.get(),
        permitted_number_of_calls_in_half_open_state: breaker
            .permitted_number_of_calls_in_half_open_state
            .get(),
        max_wait_duration_in_half_open_state: breaker.max_wait_duration_in_half_open_state.get(),
    }
}
