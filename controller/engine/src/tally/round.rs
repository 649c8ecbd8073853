//! A reconcile under way, as it is counted.

use schema::names::PlatformName;
use tokio::time::Instant;

use super::Tally;

/// A reconcile under way. One that is dropped before it ended was cut off, and is counted as neither.
#[derive(Debug)]
#[must_use]
pub(crate) struct Round<'a> {
    tally: &'a Tally,
    platform: PlatformName,
    began: Instant,
}

impl<'a> Round<'a> {
    pub(super) const fn new(tally: &'a Tally, platform: PlatformName, began: Instant) -> Self {
        Self {
            tally,
            platform,
            began,
        }
    }

    /// It went well, or failed.
    pub(crate) fn ends(self, succeeded: bool) {
        let mut kept = self.tally.lock();
        let counter = if succeeded {
            &mut kept.succeeded
        } else {
            &mut kept.failed
        };
        *counter += 1;
        kept.durations.record(self.began.elapsed());
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        self.tally.lock().reconciling.remove(&self.platform);
    }
}
