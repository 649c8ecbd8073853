//! How one service calls another: timeouts, retries, breaker and bulkhead.
//!
//! Names follow resilience4j and the Gateway API; `maxAttempts` counts the first call.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::units::{Percent, Span, Whole};

/// Calls to auth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(inline)]
pub struct AuthClient {
    /// Longest wait for an answer, at most 200ms; past it the client gets 503.
    pub timeout: Span<1, 200>,
}

impl Default for AuthClient {
    fn default() -> Self {
        Self {
            timeout: Span::from_millis(200),
        }
    }
}

/// The loan API's calls to scoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(inline)]
pub struct ScoringClient {
    /// Longest wait for a score.
    pub timeout: Span<1, 30_000>,
    /// When to stop calling for a while.
    pub circuit_breaker: CircuitBreaker,
    /// How many calls may be under way at once.
    pub bulkhead: Bulkhead,
}

impl Default for ScoringClient {
    fn default() -> Self {
        Self {
            timeout: Span::from_millis(600),
            circuit_breaker: CircuitBreaker {
                slow_call_duration_threshold: Span::from_millis(550),
                ..CircuitBreaker::default()
            },
            bulkhead: Bulkhead::default(),
        }
    }
}

/// Scoring's calls to the score provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct ProviderClient {
    /// Base address of the provider; host names resolve within the platform first.
    #[schemars(
        regex(pattern = r"^https?://[^\s]+$"),
        length(max = 2048),
        extend("patternErrorMessage" = "write an http or https address, as in https://scores.example")
    )]
    pub url: Url,
    /// Longest wait for a score, all attempts together. Default 550ms.
    #[serde(default = "ProviderClient::default_timeout")]
    pub timeout: Span<1, 30_000>,
    /// Longest wait for one attempt. Default 250ms.
    #[serde(default = "ProviderClient::default_attempt_timeout")]
    pub attempt_timeout: Span<1, 30_000>,
    /// When and how often to try again.
    #[serde(default)]
    pub retry: Retry,
    /// When to stop calling for a while.
    #[serde(default)]
    pub circuit_breaker: CircuitBreaker,
    /// How many calls may be under way at once.
    #[serde(default)]
    pub bulkhead: Bulkhead,
}

impl ProviderClient {
    const fn default_timeout() -> Span<1, 30_000> {
        Span::from_millis(550)
    }

    const fn default_attempt_timeout() -> Span<1, 30_000> {
        Span::from_millis(250)
    }
}

/// Retries with exponential backoff, full jitter and a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(inline)]
pub struct Retry {
    /// Calls in all, the first included.
    pub max_attempts: Whole<1, 10>,
    /// Longest pause before the first retry; the pause is random up to it.
    pub initial_backoff: Span<1, 10_000>,
    /// Longest pause before any retry.
    pub max_backoff: Span<1, 60_000>,
    /// Growth of the pause from one retry to the next.
    pub backoff_multiplier: Whole<1, 10>,
    /// How many retries all calls together may make.
    pub budget: RetryBudget,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_attempts: Whole::new(2),
            initial_backoff: Span::from_millis(25),
            max_backoff: Span::from_millis(100),
            backoff_multiplier: Whole::new(2),
            budget: RetryBudget::default(),
        }
    }
}

/// Retries allowed to all calls together, as a share of first calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(inline)]
pub struct RetryBudget {
    /// Retries per hundred first calls.
    pub percent: Percent,
    /// Length over which both are counted.
    pub interval: Span<1_000, 60_000>,
    /// Retries a second allowed however few calls there are.
    pub min_retries_per_second: Whole<0, 1_000>,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self {
            percent: Whole::new(20),
            interval: Span::from_millis(10_000),
            min_retries_per_second: Whole::new(3),
        }
    }
}

/// A circuit breaker over an exact time window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(inline)]
pub struct CircuitBreaker {
    /// Whether the breaker acts, only measures, or is held open.
    pub mode: BreakerMode,
    /// Share of failed calls, in percent, at which it opens.
    pub failure_rate_threshold: Whole<1, 100>,
    /// Share of slow calls, in percent, at which it opens.
    pub slow_call_rate_threshold: Whole<1, 100>,
    /// A call that takes longer is slow.
    pub slow_call_duration_threshold: Span<1, 60_000>,
    /// Failures in a row at which it opens, however few calls there are.
    pub consecutive_failures: Whole<1, 10_000>,
    /// Length over which calls are counted.
    pub sliding_window: Span<1_000, 600_000>,
    /// Calls in the window below which the rates are not judged.
    pub minimum_number_of_calls: Whole<1, 100_000>,
    /// First pause before calls are let through again; it doubles with each further opening.
    pub wait_duration_in_open_state: Span<100, 600_000>,
    /// Longest such pause.
    pub max_wait_duration_in_open_state: Span<100, 3_600_000>,
    /// Calls let through to test the dependency.
    pub permitted_number_of_calls_in_half_open_state: Whole<1, 1_000>,
    /// Longest wait for those calls before it opens again.
    pub max_wait_duration_in_half_open_state: Span<100, 600_000>,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self {
            mode: BreakerMode::Enabled,
            failure_rate_threshold: Whole::new(50),
            slow_call_rate_threshold: Whole::new(80),
            slow_call_duration_threshold: Span::from_millis(200),
            consecutive_failures: Whole::new(10),
            sliding_window: Span::from_millis(30_000),
            minimum_number_of_calls: Whole::new(20),
            wait_duration_in_open_state: Span::from_millis(5_000),
            max_wait_duration_in_open_state: Span::from_millis(60_000),
            permitted_number_of_calls_in_half_open_state: Whole::new(3),
            max_wait_duration_in_half_open_state: Span::from_millis(5_000),
        }
    }
}

/// Whether a breaker acts on what it measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum BreakerMode {
    /// Measures and acts.
    #[default]
    Enabled,
    /// Lets every call through and measures nothing.
    Disabled,
    /// Measures, lets every call through: a dry run for new thresholds.
    MetricsOnly,
    /// Refuses every call.
    ForcedOpen,
}

/// A bound on calls under way at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(inline)]
pub struct Bulkhead {
    /// Calls under way at once, per task; more are refused at once.
    pub max_concurrent_calls: Whole<1, 10_000>,
}

impl Default for Bulkhead {
    fn default() -> Self {
        Self {
            max_concurrent_calls: Whole::new(64),
        }
    }
}
