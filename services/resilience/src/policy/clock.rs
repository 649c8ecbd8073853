//! The clock of one call.

use std::time::{Duration, Instant};

/// The clock of one call. Reading it is dear beside what is decided by it: so it is read where time
/// may have passed, and what was read is good until then.
#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    now: Instant,
}

impl Clock {
    /// Reads the clock for the first time.
    pub(super) fn start() -> Self {
        let now = read();
        Self { started: now, now }
    }

    /// When it was read last.
    pub(super) const fn now(&self) -> Instant {
        self.now
    }

    /// Reads it again, after a wait.
    pub(super) fn read(&mut self) -> Instant {
        self.now = read();
        self.now
    }

    /// Time from the first reading to the last.
    pub(super) fn elapsed(&self) -> Duration {
        self.now.saturating_duration_since(self.started)
    }
}

/// Tokio's clock, which tests can pause.
pub(super) fn read() -> Instant {
    tokio::time::Instant::now().into_std()
}
