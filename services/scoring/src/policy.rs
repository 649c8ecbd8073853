//! From the settings of the provider's client to its policy.

use std::time::Duration;

use resilience::{
    Backoff, BreakerConfig, BreakerMode, BudgetConfig, BulkheadConfig, Policy, PolicyConfig,
    RetryConfig,
};
use schema::platform::{self, CircuitBreaker, ProviderClient, Retry};
use schema::settings::{ScoringSettings, SettingsDocument};
use tokio::sync::watch;

use std::sync::Arc;

/// A retry that would have less time than this is not made: no provider answers as fast.
const MIN_ATTEMPT_TIME: Duration = Duration::from_millis(10);

/// The policy that `client` asks for.
#[must_use]
pub fn config(client: &ProviderClient) -> PolicyConfig {
    PolicyConfig {
        target: client.url.to_string(),
        timeout: client.timeout.get(),
        attempt_timeout: client.attempt_timeout.get(),
        retry: RetryConfig {
            min_attempt_time: MIN_ATTEMPT_TIME.min(client.attempt_timeout.get()),
            ..retry(&client.retry)
        },
        breaker: breaker(&client.circuit_breaker),
        bulkhead: BulkheadConfig {
            max_concurrent_calls: client.bulkhead.max_concurrent_calls.get(),
        },
    }
}

/// Applies every change of the settings to `policy`. What the breaker knows stays, where it still
/// means the same.
pub async fn follow(
    policy: Policy,
    mut changes: watch::Receiver<Arc<SettingsDocument<ScoringSettings>>>,
) {
    while changes.changed().await.is_ok() {
        let client = config(&changes.borrow_and_update().settings.provider);
        if client != *policy.config() {
            policy.reconfigure(client);
        }
    }
}

fn retry(retry: &Retry) -> RetryConfig {
    RetryConfig {
        max_attempts: retry.max_attempts.get(),
        backoff: Backoff {
            initial: retry.initial_backoff.get(),
            max: retry.max_backoff.get(),
            multiplier: retry.backoff_multiplier.get(),
        },
        budget: BudgetConfig {
            percent: retry.budget.percent.get(),
            interval: retry.budget.interval.get(),
            min_retries_per_second: retry.budget.min_retries_per_second.get(),
        },
        min_attempt_time: MIN_ATTEMPT_TIME,
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
