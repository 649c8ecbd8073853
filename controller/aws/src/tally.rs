//! What is counted of the calls made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::quota::Family;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered,
    Throttled,
    Failed,
}

/// Calls of one family since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// All of them.
    pub made: u64,
    /// Refused because the account was over its quota.
    pub throttled: u64,
    /// Failed in another way.
    pub failed: u64,
}

/// Calls by family.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Mutex<BTreeMap<Family, Calls>>>);

impl Tally {
    /// The calls so far; families that were never called are left out.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<Family, Calls> {
        self.lock().clone()
    }

    pub(crate) fn count(&self, family: Family, outcome: Outcome) {
        let mut all = self.lock();
        let calls = all.entry(family).or_default();
        calls.made += 1;
        match outcome {
            Outcome::Answered => {}
            Outcome::Throttled => calls.throttled += 1,
            Outcome::Failed => calls.failed += 1,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Family, Calls>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
