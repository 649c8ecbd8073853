//! Settings of a policy.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::breaker::{BreakerConfig, History};
use crate::budget::BudgetConfig;
use crate::bulkhead::BulkheadConfig;

/// Settings of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyConfig {
    /// What is called: its address. Given to each attempt, and compared when settings change.
    pub target: String,
    /// Longest wait for an answer, all attempts together.
    pub timeout: Duration,
    /// Longest wait for one attempt.
    pub attempt_timeout: Duration,
    /// When and how often to try again.
    pub retry: RetryConfig,
    /// When to stop calling for a while.
    pub breaker: BreakerConfig,
    /// How many calls may be under way at once.
    pub bulkhead: BulkheadConfig,
}

/// When and how often to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryConfig {
    /// Attempts in all, the first included.
    pub max_attempts: u32,
    /// Pauses between attempts.
    pub backoff: Backoff,
    /// What all calls together may repeat.
    pub budget: BudgetConfig,
    /// A retry that would have less time than this before the deadline is not made.
    pub min_attempt_time: Duration,
}

impl RetryConfig {
    /// One attempt and no more.
    pub const NEVER: Self = Self {
        max_attempts: 1,
        backoff: Backoff {
            initial: Duration::ZERO,
            max: Duration::ZERO,
            multiplier: 1,
        },
        budget: BudgetConfig {
            percent: 0,
            interval: Duration::from_secs(1),
            min_retries_per_second: 0,
        },
        min_attempt_time: Duration::ZERO,
    };
}

impl PolicyConfig {
    /// Two attempts within a second, a retry budget of 20 %, 64 calls at once, the default breaker.
    #[must_use]
    pub fn new(target: impl Into<String>) -> Self {
        let timeout = Duration::from_secs(1);
        Self {
            target: target.into(),
            timeout,
            attempt_timeout: timeout / 2,
            retry: RetryConfig {
                max_attempts: 2,
                backoff: Backoff {
                    initial: Duration::from_millis(25),
                    max: Duration::from_millis(100),
                    multiplier: 2,
                },
                budget: BudgetConfig {
                    percent: 20,
                    interval: Duration::from_secs(10),
                    min_retries_per_second: 3,
                },
                min_attempt_time: Duration::from_millis(10),
            },
            breaker: BreakerConfig::default(),
            bulkhead: BulkheadConfig {
                max_concurrent_calls: 64,
            },
        }
    }

    /// What the breaker's history is worth once `newer` is in force: nothing where it was measured
    /// on another target or with other timeouts.
    pub(super) fn history_under(&self, newer: &Self) -> History {
        let comparable = self.target == newer.target
            && self.timeout == newer.timeout
            && self.attempt_timeout == newer.attempt_timeout;
        if comparable {
            History::Keep
        } else {
            History::Forget
        }
    }
}
