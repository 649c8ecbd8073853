//! Simulated time, as a date.

use jiff::Timestamp;
use tokio::time::Instant;

/// Tells the date by tokio's clock, which is paused and moves only while nothing else does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SimulatedClock {
    start: Timestamp,
    began: Instant,
}

impl SimulatedClock {
    pub(super) fn starting_at(start: Timestamp) -> Self {
        Self {
            start,
            began: Instant::now(),
        }
    }

    /// The date.
    pub(crate) fn now(&self) -> Timestamp {
        self.start + self.began.elapsed()
    }
}
