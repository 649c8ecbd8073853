//! How to call a dependency that fails: deadline, bulkhead, retry with a budget, circuit breaker.
//!
//! A [`Policy`] wraps calls to one dependency in layers, outer to inner:
//!
//! ```text
//! deadline → bulkhead → retry (budget, full jitter) → circuit breaker → attempt timeout → call
//! ```
//!
//! - `max_attempts` includes the first attempt.
//! - The breaker is inside the retry, so that it judges every attempt. What breaker or bulkhead
//!   refuse is neither retried nor counted against the dependency.
//! - A retry is made only if it can start, and have a useful time left, before the deadline. A
//!   `Retry-After` of the dependency is waited for if it fits.
//! - An attempt that is cut short is dropped: its future, and with it the connection it uses.
//! - [`Policy::reconfigure`] swaps settings while calls are under way. What was measured under the
//!   old ones is kept where it still means the same (see there).
//!
//! The parts are plain data that take the time as an argument: [`Breaker`], [`Budget`],
//! [`Backoff`], [`Deadline`]. Only [`Policy`] reads a clock, tokio's, so tests can pause it.
//!
//! ```
//! use std::time::Duration;
//! use resilience::{CallError, Classified, Deadline, FailureClass, Policy, PolicyConfig};
//!
//! #[derive(Debug, thiserror::Error)]
//! #[error("HTTP status {0}")]
//! struct Status(u16);
//!
//! impl Classified for Status {
//!     fn class(&self) -> FailureClass {
//!         if self.0 >= 500 { FailureClass::Transient } else { FailureClass::Ignored }
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let policy = Policy::new(PolicyConfig::new("http://scores.example"), 7);
//! let score = policy
//!     .call(Deadline::NONE, |attempt| async move {
//!         let _url = attempt.target; // ask it
//!         if attempt.number == 1 { Err(Status(503)) } else { Ok(712) }
//!     })
//!     .await;
//! assert_eq!(score.unwrap(), 712);
//! # });
//! ```
//!
//! To use it without retries, as for a call that must not be repeated, give it
//! [`RetryConfig::NEVER`] and an `attempt_timeout` equal to `timeout`.

mod backoff;
mod breaker;
mod budget;
mod bulkhead;
mod classify;
mod counters;
mod deadline;
mod error;
#[cfg(test)]
mod models;
mod observe;
mod policy;
mod retry_after;
mod sync;
mod window;

pub use backoff::Backoff;
pub use breaker::{
    Breaker, BreakerConfig, BreakerMode, BreakerState, Held, History, Permit, Refused, Settled,
    SharedBreaker, Told, Transition,
};
pub use budget::{Budget, BudgetConfig};
pub use bulkhead::BulkheadConfig;
pub use classify::{Classified, FailureClass, Outcome};
pub use counters::{Counters, Counts};
pub use deadline::Deadline;
pub use error::CallError;
pub use observe::{Ending, Event, Observer};
pub use policy::{Attempt, Policy, PolicyConfig, RetryConfig};
pub use retry_after::parse_retry_after;
