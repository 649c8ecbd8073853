//! Seats: what the world knows of each controller.

use std::sync::Arc;
use std::time::Duration;

/// At which moment of a call a controller crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Before the call has any effect.
    Before,
    /// After it has taken effect, before its answer.
    After,
}

/// What the world knows of a controller.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    /// Its present life; none while it is down.
    pub(crate) holder: Option<Arc<str>>,
    /// Until when it stands still.
    pub(crate) paused_until: Option<Duration>,
    /// For how long it is to stand still at its next look.
    pub(crate) pauses_next: Option<Duration>,
    /// Whether it has just crashed at a call.
    pub(crate) crashed: bool,
    /// Mutating calls that it has begun, the lease's left out.
    pub(crate) calls: u64,
    /// Such calls until it crashes at one.
    pub(crate) crash_at: Option<(u64, Crash)>,
}

/// How much later than its calls the rest of a controller wakes: threads wake in any order.
const DROWSY: Duration = Duration::from_secs(1);

impl Seat {
    /// When all of it is awake again, if it stood still.
    pub(crate) fn wakes_at(&self) -> Option<Duration> {
        self.paused_until.map(|until| until + DROWSY)
    }

    /// Stands still from now on, if it is to.
    pub(crate) fn falls_asleep(&mut self, passed: Duration) -> Option<Duration> {
        let still = self.pauses_next.take()?;
        self.paused_until = Some(passed + still);
        Some(still)
    }

    pub(crate) fn is_paused(&self, passed: Duration) -> bool {
        self.paused_until.is_some_and(|until| passed < until)
    }

    /// Counts a mutating call; whether it is the one to crash at.
    pub(crate) fn counts(&mut self) -> Option<Crash> {
        self.calls += 1;
        let (left, crash) = self.crash_at?;
        if left > 1 {
            self.crash_at = Some((left - 1, crash));
            return None;
        }
        self.crash_at = None;
        Some(crash)
    }
}
