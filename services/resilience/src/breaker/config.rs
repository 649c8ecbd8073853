//! Settings of a circuit breaker.

use std::time::Duration;

/// Settings of a circuit breaker. Names follow resilience4j.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Whether it acts on what it measures.
    pub mode: BreakerMode,
    /// Share of failed attempts, in percent, at which it opens.
    pub failure_rate_threshold: u32,
    /// Share of slow attempts, in percent, at which it opens.
    pub slow_call_rate_threshold: u32,
    /// An attempt that takes longer is slow, however it ends.
    pub slow_call_duration_threshold: Duration,
    /// Failures in a row at which it opens, however few attempts there are.
    pub consecutive_failures: u32,
    /// Length over which attempts are counted.
    pub sliding_window: Duration,
    /// Attempts in the window below which the rates are not judged.
    pub minimum_number_of_calls: u32,
    /// Pause before the dependency is tested; it doubles with each opening that follows a failed
    /// test. What is waited is random between four fifths of it and all of it.
    pub wait_duration_in_open_state: Duration,
    /// Longest such pause.
    pub max_wait_duration_in_open_state: Duration,
    /// Attempts let through to test the dependency.
    pub permitted_number_of_calls_in_half_open_state: u32,
    /// Longest wait for one of these to settle before it opens again.
    pub max_wait_duration_in_half_open_state: Duration,
}

/// Whether a breaker acts on what it measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerMode {
    /// It measures and acts.
    Enabled,
    /// It lets everything through and measures nothing.
    Disabled,
    /// It measures and changes its state as if enabled, but lets everything through.
    MetricsOnly,
    /// It refuses everything.
    ForcedOpen,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            mode: BreakerMode::Enabled,
            failure_rate_threshold: 50,
            slow_call_rate_threshold: 80,
            slow_call_duration_threshold: Duration::from_millis(200),
            consecutive_failures: 10,
            sliding_window: Duration::from_secs(30),
            minimum_number_of_calls: 20,
            wait_duration_in_open_state: Duration::from_secs(5),
            max_wait_duration_in_open_state: Duration::from_secs(60),
            permitted_number_of_calls_in_half_open_state: 3,
            max_wait_duration_in_half_open_state: Duration::from_secs(5),
        }
    }
}
