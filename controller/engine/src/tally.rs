//! Counts what the controller does, for its own metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts reconciles.
#[derive(Debug, Default)]
pub struct Tally {
    epoch: AtomicU64,
    succeeded: AtomicU64,
    failed: AtomicU64,
}

/// What was counted until now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// The controller's term; 0 before it has begun.
    pub epoch: u64,
    /// Reconciles that went well.
    pub succeeded: u64,
    /// Reconciles that failed and were put off.
    pub failed: u64,
}

impl Tally {
    /// The controller has begun term `epoch`.
    pub fn begin(&self, epoch: u64) {
        self.epoch.store(epoch, Ordering::Relaxed);
    }

    /// One more reconcile.
    pub fn count(&self, succeeded: bool) {
        let counter = if succeeded {
            &self.succeeded
        } else {
            &self.failed
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted until now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            epoch: self.epoch.load(Ordering::Relaxed),
            succeeded: self.succeeded.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }
}
