//! Settings in the terms of the policy.

use resilience::{BreakerConfig, BreakerMode, BulkheadConfig};
use schema::platform::{self, Bulkhead, CircuitBreaker};

/// The breaker that `settings` ask for.
#[must_use]
pub fn breaker(settings: &CircuitBreaker) -> BreakerConfig {
    BreakerConfig {
        mode: match settings.mode {
            platform::BreakerMode::Enabled => BreakerMode::Enabled,
            platform::BreakerMode::Disabled => BreakerMode::Disabled,
            platform::BreakerMode::MetricsOnly => BreakerMode::MetricsOnly,
            platform::BreakerMode::ForcedOpen => BreakerMode::ForcedOpen,
        },
        failure_rate_threshold: settings.failure_rate_threshold.get(),
        slow_call_rate_threshold: settings.slow_call_rate_threshold.get(),
        slow_call_duration_threshold: settings.slow_call_duration_threshold.get(),
        consecutive_failures: settings.consecutive_failures.get(),
        sliding_window: settings.sliding_window.get(),
        minimum_number_of_calls: settings.minimum_number_of_calls.get(),
        wait_duration_in_open_state: settings.wait_duration_in_open_state.get(),
        max_wait_duration_in_open_state: settings.max_wait_duration_in_open_state.get(),
        permitted_number_of_calls_in_half_open_state: settings
            .permitted_number_of_calls_in_half_open_state
            .get(),
        max_wait_duration_in_half_open_state: settings.max_wait_duration_in_half_open_state.get(),
    }
}

/// The bulkhead that `settings` ask for.
#[must_use]
pub fn bulkhead(settings: Bulkhead) -> BulkheadConfig {
    BulkheadConfig {
        max_concurrent_calls: settings.max_concurrent_calls.get(),
    }
}
