//! Calls to a dependency: from its settings to a [`resilience`] policy, and from what happens to
//! metrics.

mod config;
mod metrics;

pub use config::{breaker, bulkhead};
pub use metrics::{DependencyMetrics, EveryCall};

/// Header with the milliseconds that the caller still waits: an answer later than that helps nobody.
pub const DEADLINE_HEADER: &str = "x-request-deadline-ms";
