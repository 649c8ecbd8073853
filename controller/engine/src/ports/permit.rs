//! Permits: leave to make a change, as far as quotas go.

use std::fmt;

/// Leave to make one change. Waiting for it comes before the lease is looked at, so that no time of a call is
/// spent in a queue.
///
/// Dropped without being used, it is given back.
pub struct Permit(Option<Settle>);

type Settle = Box<dyn FnOnce(bool) + Send>;

impl Permit {
    /// A permit where there are no quotas.
    #[must_use]
    pub const fn free() -> Self {
        Self(None)
    }

    /// A permit of which `settle` hears in the end: whether it was used.
    pub fn new(settle: impl FnOnce(bool) + Send + 'static) -> Self {
        Self(Some(Box::new(settle)))
    }

    /// The change is being made.
    pub fn begin(mut self) {
        self.settle(true);
    }

    fn settle(&mut self, used: bool) {
        if let Some(settle) = self.0.take() {
            settle(used);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.settle(false);
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
