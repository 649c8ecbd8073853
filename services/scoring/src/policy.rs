//! From the settings of the provider's client to its policy.

use std::sync::Arc;
use std::time::Duration;

use resilience::{Backoff, BudgetConfig, Policy, PolicyConfig, RetryConfig};
use schema::platform::ProviderClient;
use schema::settings::{ScoringSettings, SettingsDocument};
use service_kit::dependency;
use tokio::sync::watch;

/// A retry that would have less time than this is not made: no provider answers as fast.
const MIN_ATTEMPT_TIME: Duration = Duration::from_millis(10);

/// The policy that `client` asks for.
#[must_use]
pub fn config(client: &ProviderClient) -> PolicyConfig {
    PolicyConfig {
        target: client.url.to_string(),
        timeout: client.timeout.get(),
        attempt_timeout: client.attempt_timeout.get(),
        retry: retry(client),
        breaker: dependency::breaker(&client.circuit_breaker),
        bulkhead: dependency::bulkhead(client.bulkhead),
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

fn retry(client: &ProviderClient) -> RetryConfig {
    let retry = client.retry;
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
        min_attempt_time: MIN_ATTEMPT_TIME.min(client.attempt_timeout.get()),
    }
}

#[cfg(test)]
mod tests {
    use resilience::{
        BreakerConfig, BreakerMode, BreakerState, BulkheadConfig, Classified, Deadline,
        FailureClass,
    };
    use serde_json::{Value, json};
    use service_kit::Settings;

    use super::*;

    #[derive(Debug)]
    struct Down;

    impl Classified for Down {
        fn class(&self) -> FailureClass {
            FailureClass::Transient
        }
    }

    fn document(client: &Value) -> SettingsDocument<ScoringSettings> {
        serde_json::from_value(json!({
            "platform": "test", "service": "scoring", "epoch": 1, "sequence": 1,
            "revision": "a", "scoringRevision": "b",
            "settings": {
                "provider": client,
                "decision": { "bands": [
                    { "riskBand": "LOW", "minScore": 700, "interestRate": "11.90" },
                ]},
            },
        }))
        .unwrap()
    }

    #[test]
    fn every_setting_arrives_where_it_belongs() {
        let client = document(&json!({
            "url": "https://scores.example/api",
            "timeout": "1001ms",
            "attemptTimeout": "1002ms",
            "retry": {
                "maxAttempts": 3, "initialBackoff": "1004ms", "maxBackoff": "1005ms",
                "backoffMultiplier": 6,
                "budget": { "percent": 7, "interval": "1008ms", "minRetriesPerSecond": 9 },
            },
            "circuitBreaker": {
                "mode": "MetricsOnly", "failureRateThreshold": 10, "slowCallRateThreshold": 11,
                "slowCallDurationThreshold": "1012ms", "consecutiveFailures": 13,
                "slidingWindow": "1014ms", "minimumNumberOfCalls": 15,
                "waitDurationInOpenState": "1016ms", "maxWaitDurationInOpenState": "1017ms",
                "permittedNumberOfCallsInHalfOpenState": 18,
                "maxWaitDurationInHalfOpenState": "1019ms",
            },
            "bulkhead": { "maxConcurrentCalls": 20 },
        }));
        let ms = Duration::from_millis;
        let expected = PolicyConfig {
            target: "https://scores.example/api".to_owned(),
            timeout: ms(1001),
            attempt_timeout: ms(1002),
            retry: RetryConfig {
                max_attempts: 3,
                backoff: Backoff {
                    initial: ms(1004),
                    max: ms(1005),
                    multiplier: 6,
                },
                budget: BudgetConfig {
                    percent: 7,
                    interval: ms(1008),
                    min_retries_per_second: 9,
                },
                min_attempt_time: MIN_ATTEMPT_TIME,
            },
            breaker: BreakerConfig {
                mode: BreakerMode::MetricsOnly,
                failure_rate_threshold: 10,
                slow_call_rate_threshold: 11,
                slow_call_duration_threshold: ms(1012),
                consecutive_failures: 13,
                sliding_window: ms(1014),
                minimum_number_of_calls: 15,
                wait_duration_in_open_state: ms(1016),
                max_wait_duration_in_open_state: ms(1017),
                permitted_number_of_calls_in_half_open_state: 18,
                max_wait_duration_in_half_open_state: ms(1019),
            },
            bulkhead: BulkheadConfig {
                max_concurrent_calls: 20,
            },
        };
        assert_eq!(config(&client.settings.provider), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn new_thresholds_reach_the_policy_and_leave_its_breaker_open() {
        let with = |failures: u32| {
            document(&json!({
                "url": "http://score-provider:8084",
                "circuitBreaker": { "consecutiveFailures": failures },
            }))
        };
        let settings = Settings::new(with(1));
        let policy = Policy::new(config(&settings.load().settings.provider), 1);
        let following = tokio::spawn(follow(policy.clone(), settings.watch()));
        let call = policy.call(Deadline::NONE, |_| async { Err::<(), _>(Down) });
        assert!(call.await.is_err());
        assert_eq!(policy.breaker_state(), BreakerState::Open);

        settings.replace(with(100));
        drop(settings);
        following.await.unwrap();
        assert_eq!(policy.config().breaker.consecutive_failures, 100);
        assert_eq!(policy.breaker_state(), BreakerState::Open);
    }
}
