//! The alarm book: alarms, their states, and how they came to them.

mod alarm;
mod evidence;
mod reason;
mod record;

use std::collections::{BTreeMap, BTreeSet};

use engine::ports::{AlarmDefinition, BakeEvidence, ObservedAlarm};
use jiff::Timestamp;
use schema::names::PlatformName;
use schema::platform::AlarmName;

use crate::store::MetricStore;
use alarm::Alarm;
pub use record::{AlarmRecord, Snapshot, Transition};

/// Alarms that a book holds.
pub const MAX_ALARMS: usize = 1_000;
/// Transitions that a book remembers of each alarm; beyond it the oldest goes.
pub const MAX_TRANSITIONS: usize = 100;

/// A book that has no room for another alarm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{platform}/{name}: there are already {MAX_ALARMS} alarms; delete some first")]
pub struct BookFull {
    /// The alarm's platform.
    pub platform: PlatformName,
    /// The alarm.
    pub name: AlarmName,
}

/// Alarms, as CloudWatch keeps them.
///
/// An alarm is judged once for each of its periods, when the period has ended and a small allowance
/// for data under way has passed: [`Self::tick`] may be called as often or as seldom as one likes, the
/// outcome and the times in it are the same. A new or changed definition is judged at once, by the
/// data that is there.
///
/// # Restarts
/// A book is saved as a [`Snapshot`] and comes back with [`Self::restore`]: definitions, states,
/// times and transitions are those of before. The metrics are not saved, and what was measured before
/// the restart is *unknown* then, which is not the same as missing. So until the whole evaluation
/// range lies after the restart, an alarm that was restored treats what is missing as if it were set
/// to `Ignore`: it stays as it was unless data since the restart say otherwise. After that its own
/// setting holds: if there still is no data, `Missing` makes it `INSUFFICIENT_DATA`, `NotBreaching`
/// makes it `OK`, `Breaching` makes it `ALARM`, and `Ignore` leaves it as it is.
///
/// # Caveats
/// What an alarm looks at beyond the time that the store keeps values (three hours, by default) is
/// missing. A bake that spans a restart has evidence from after it only.
///
/// # Bounds
/// [`MAX_ALARMS`] alarms with [`MAX_TRANSITIONS`] transitions each.
#[derive(Debug)]
pub struct AlarmBook {
    alarms: BTreeMap<PlatformName, BTreeMap<AlarmName, Alarm>>,
    allowance_ms: i64,
}

impl AlarmBook {
    /// An empty book. A period is judged `allowance_ms` after its end, so that what was measured in
    /// it has time to come in.
    #[must_use]
    pub fn new(allowance_ms: u32) -> Self {
        Self {
            alarms: BTreeMap::new(),
            allowance_ms: i64::from(allowance_ms),
        }
    }

    /// The book that was saved, opened again at `now`.
    #[must_use]
    pub fn restore(snapshot: Snapshot, allowance_ms: u32, now: Timestamp) -> Self {
        let mut book = Self::new(allowance_ms);
        for record in snapshot.alarms.into_iter().take(MAX_ALARMS) {
            let definition = &record.definition;
            book.alarms
                .entry(definition.platform.clone())
                .or_default()
                .insert(definition.name.clone(), Alarm::restored(record, now));
        }
        book
    }

    /// What must be saved for the book to survive.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            alarms: self.all().map(|alarm| alarm.record().clone()).collect(),
        }
    }

    /// Writes a whole definition at `now`. The state of an alarm that is already there stays as it
    /// is; a new one starts in `INSUFFICIENT_DATA`.
    ///
    /// # Errors
    /// When it is a new one and there are [`MAX_ALARMS`] already.
    pub fn put(&mut self, definition: &AlarmDefinition, now: Timestamp) -> Result<(), BookFull> {
        let AlarmDefinition { platform, name, .. } = definition;
        if let Some(alarm) = self.find_mut(platform, name) {
            alarm.redefine(definition.clone(), now);
            return Ok(());
        }
        if self.all().count() >= MAX_ALARMS {
            return Err(BookFull {
                platform: platform.clone(),
                name: name.clone(),
            });
        }
        self.alarms
            .entry(platform.clone())
            .or_default()
            .insert(name.clone(), Alarm::new(definition.clone(), now));
        Ok(())
    }

    /// Removes an alarm. Whether it was there.
    pub fn delete(&mut self, platform: &PlatformName, name: &AlarmName) -> bool {
        let Some(alarms) = self.alarms.get_mut(platform) else {
            return false;
        };
        let found = alarms.remove(name).is_some();
        if alarms.is_empty() {
            self.alarms.remove(platform);
        }
        found
    }

    /// The alarms of `platforms`.
    #[must_use]
    pub fn observe(&self, platforms: &BTreeSet<PlatformName>) -> Vec<ObservedAlarm> {
        platforms
            .iter()
            .flat_map(|platform| self.of(platform))
            .map(Alarm::observed)
            .collect()
    }

    /// The transitions of an alarm that are still remembered, oldest first.
    pub fn history(
        &self,
        platform: &PlatformName,
        name: &AlarmName,
    ) -> impl Iterator<Item = &Transition> {
        self.alarms
            .get(platform)
            .and_then(|alarms| alarms.get(name))
            .into_iter()
            .flat_map(|alarm| &alarm.record().history)
    }

    /// Judges every alarm whose next period is complete at `now`, and returns what changed.
    pub fn tick(&mut self, store: &MetricStore, now: Timestamp) -> Vec<Transition> {
        let allowance_ms = self.allowance_ms;
        self.alarms
            .values_mut()
            .flat_map(BTreeMap::values_mut)
            .flat_map(|alarm| alarm.catch_up(&store.view(), now, allowance_ms))
            .collect()
    }

    /// What `store` has seen of `platform` since `since`, and its alarms have judged.
    #[must_use]
    pub fn evidence(
        &self,
        store: &MetricStore,
        platform: &PlatformName,
        since: Timestamp,
    ) -> BakeEvidence {
        evidence::collect(
            &store.view(),
            platform,
            self.of(platform),
            since.as_millisecond(),
        )
    }

    fn all(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.values().flat_map(BTreeMap::values)
    }

    fn of(&self, platform: &PlatformName) -> impl Iterator<Item = &Alarm> {
        self.alarms
            .get(platform)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    fn find_mut(&mut self, platform: &PlatformName, name: &AlarmName) -> Option<&mut Alarm> {
        self.alarms.get_mut(platform)?.get_mut(name)
    }
}

#[cfg(test)]
mod tests;
