//! Counts what the controller does and how long ago it saw anything, for its own metrics.

mod durations;
mod round;
mod sight;
mod unannounced;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schema::names::PlatformName;
use tokio::time::Instant;

use crate::observed::Observed;
use crate::ports::Urgency;
pub use durations::Durations;
pub(crate) use round::Round;
use sight::Sight;
use unannounced::Unannounced;

/// Counts what the controller does.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Kept>);

/// What was counted until now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// The controller's term; 0 before it has begun.
    pub epoch: u64,
    /// Whether it holds the lease; else it stands by, or is ending.
    pub holds_lease: bool,
    /// Reconciles that went well.
    pub succeeded: u64,
    /// Reconciles that failed and were put off.
    pub failed: u64,
    /// How long reconciles took, waiting for quotas and for each other's batches included.
    pub durations: Durations,
    /// Platforms being reconciled.
    pub reconciling: usize,
    /// Platforms that a spec file or a hint told of and whose reconcile has not begun.
    pub waiting: usize,
    /// Platforms that were otherwise than wanted when they were looked at last.
    pub drifted_platforms: usize,
    /// Fields that were otherwise than wanted, of all platforms together.
    pub drifted_fields: usize,
    /// Time since the spec files were last listed; while it never succeeded, since the term began. None
    /// without a term.
    pub specs_age: Option<Duration>,
    /// Time since any platform was last looked at; while it never succeeded, since the first was about to be.
    /// None where there is no platform.
    pub platforms_age: Option<Duration>,
    /// Changes of spec files that a listing found and no hint told of. Those of one minute count once.
    pub missed_specs: u64,
    /// Changes of deployments and alarms that a resync found and no hint told of. Those of one platform in one
    /// minute count once.
    pub missed_platforms: u64,
}

#[derive(Debug, Default)]
struct Kept {
    epoch: u64,
    holds_lease: bool,
    began: Option<Instant>,
    succeeded: u64,
    failed: u64,
    durations: Durations,
    reconciling: BTreeSet<PlatformName>,
    waiting: BTreeSet<PlatformName>,
    differences: BTreeMap<PlatformName, usize>,
    specs_seen: Option<Instant>,
    platforms_seen: Option<Instant>,
    sights: BTreeMap<PlatformName, Sight>,
    specs: Unannounced<()>,
    platforms: Unannounced<PlatformName>,
}

impl Tally {
    /// The controller has begun term `epoch`.
    pub(crate) fn begin(&self, epoch: u64) {
        let mut kept = self.lock();
        kept.epoch = epoch;
        kept.holds_lease = true;
        kept.began = Some(Instant::now());
    }

    /// The lease was lost, or given back.
    pub(crate) fn end(&self) {
        self.lock().holds_lease = false;
    }

    /// A hint says that spec files may have changed.
    pub(crate) fn told_of_specs(&self) {
        self.lock().specs.tell((), Instant::now());
    }

    /// A hint says that `platform` may have changed.
    pub(crate) fn told_of(&self, platform: &PlatformName) {
        let mut kept = self.lock();
        kept.platforms.tell(platform.clone(), Instant::now());
        kept.waiting.insert(platform.clone());
    }

    /// `platform` is to be reconciled.
    pub(crate) fn waits(&self, platform: &PlatformName) {
        self.lock().waiting.insert(platform.clone());
    }

    /// The spec files were listed; `changed` since they last were.
    pub(crate) fn listed_specs(&self, changed: bool) {
        let (mut kept, now) = (self.lock(), Instant::now());
        kept.specs_seen = Some(now);
        if changed {
            kept.specs.find((), now);
        }
    }

    /// A reconcile of `platform` begins. It ends when what is returned is dropped.
    pub(crate) fn reconciles(&self, platform: &PlatformName) -> Round<'_> {
        let (mut kept, now) = (self.lock(), Instant::now());
        kept.waiting.remove(platform);
        kept.reconciling.insert(platform.clone());
        Round::new(self, platform.clone(), now)
    }

    /// A platform is about to be looked at.
    pub(crate) fn looks(&self) {
        self.lock().platforms_seen.get_or_insert_with(Instant::now);
    }

    /// `platform` was looked at.
    pub(crate) fn looked_at(&self, platform: &PlatformName, observed: &Observed, urgency: Urgency) {
        let (mut kept, now) = (self.lock(), Instant::now());
        kept.platforms_seen = Some(now);
        let before = kept.sights.remove(platform);
        let sight = Sight::of(observed, before.as_ref());
        // In other looks something is known to move: what they find need not be told of.
        let is_news = before.is_some_and(|before| sight.differs_from(&before));
        if is_news && urgency == Urgency::Resync {
            kept.platforms.find(platform.clone(), now);
        }
        kept.sights.insert(platform.clone(), sight);
    }

    /// The newest look at `platform` found so many differences from what is wanted.
    pub(crate) fn differs(&self, platform: &PlatformName, differences: usize) {
        let mut kept = self.lock();
        kept.differences.insert(platform.clone(), differences);
    }

    /// There is no `platform` any more.
    pub(crate) fn forget(&self, platform: &PlatformName) {
        let mut kept = self.lock();
        kept.differences.remove(platform);
        kept.sights.remove(platform);
        kept.platforms.forget(platform);
        if kept.sights.is_empty() {
            kept.platforms_seen = None;
        }
    }

    /// What was counted until now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.lock().counts(Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn counts(&mut self, now: Instant) -> Counts {
        let age = |seen: Option<Instant>| seen.map(|seen| now.duration_since(seen));
        Counts {
            epoch: self.epoch,
            holds_lease: self.holds_lease,
            succeeded: self.succeeded,
            failed: self.failed,
            durations: self.durations.clone(),
            reconciling: self.reconciling.len(),
            waiting: self.waiting.len(),
            drifted_platforms: self.differences.values().filter(|it| **it > 0).count(),
            drifted_fields: self.differences.values().sum(),
            specs_age: age(self.specs_seen.or(self.began)),
            platforms_age: age(self.platforms_seen),
            missed_specs: self.specs.missed(now),
            missed_platforms: self.platforms.missed(now),
        }
    }
}

#[cfg(test)]
mod tests;
