//! Why a call brought no answer.

use std::time::Duration;

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError<E> {
    /// As many calls as allowed are under way. Nothing was sent.
    #[error("refused by the bulkhead: as many calls as allowed are under way")]
    BulkheadFull,
    /// The circuit breaker lets no call through. Nothing was sent.
    #[error("refused by the circuit breaker")]
    BreakerOpen {
        /// When it will test the dependency again, where that is known.
        retry_after: Option<Duration>,
    },
    /// No answer came in time.
    #[error("no answer in time after {attempts} attempts")]
    TimedOut {
        /// Attempts sent; none if the deadline had passed before the first.
        attempts: u32,
    },
    /// The last attempt failed.
    #[error("attempt {attempts} failed and was the last")]
    Failed {
        /// Attempts sent.
        attempts: u32,
        /// Why the last one failed.
        #[source]
        source: E,
    },
}
