//! The world's time: a fixed beginning plus what has passed on tokio's paused clock.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Seconds since the epoch at which every world begins: 2026-03-02T08:00:00Z.
const BEGINNING_S: i64 = 1_772_438_400;

/// Tells the world's time. Copies tell the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeline {
    began: Instant,
}

impl Timeline {
    /// A world that begins now. Must be called within a tokio runtime.
    #[must_use]
    pub(crate) fn begin() -> Self {
        Self {
            began: Instant::now(),
        }
    }

    /// The world's time.
    #[must_use]
    pub(crate) fn now(self) -> Timestamp {
        beginning() + self.passed()
    }

    /// How long the world has existed.
    #[must_use]
    pub(crate) fn passed(self) -> Duration {
        self.began.elapsed()
    }

    /// When the world will have existed for `passed`.
    #[must_use]
    pub(crate) fn at(self, passed: Duration) -> Instant {
        self.began + passed
    }
}

/// When every world begins.
#[must_use]
pub(crate) fn beginning() -> Timestamp {
    Timestamp::from_second(BEGINNING_S).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `at` plus `length`; the end of time where that is beyond it.
pub(crate) fn after(at: Timestamp, length: Duration) -> Timestamp {
    at.checked_add(length).unwrap_or(Timestamp::MAX)
}

/// `at` less `length`; the beginning of time where that is before it.
pub(crate) fn earlier(at: Timestamp, length: Duration) -> Timestamp {
    at.checked_sub(length).unwrap_or(Timestamp::MIN)
}

/// How much later `to` is than `from`; nothing when it is not.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> Duration {
    let length: SignedDuration = to.duration_since(from);
    Duration::try_from(length).unwrap_or_default()
}
