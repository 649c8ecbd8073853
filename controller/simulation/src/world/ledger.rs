//! The ledger: what the world itself remembers of what happened. Invariants are judged by it, never by
//! the engine's own word alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use cloudwatch_rules::Transition;
use engine::ports::{Listed, TaskTemplate};
use engine::state::PlatformState;
use jiff::Timestamp;
use schema::names::ServiceName;
use schema::platform::AlarmName;
use schema::revision::RevisionDigest;
use schema::status::{AlarmState, HistoryEntry, HistoryKind};
use serde::Deserialize;

use super::fleet::Fleet;
use super::monitor::Sample;
use crate::timeline::between;

/// How long samples are kept: longer than any world lasts, and so any bake in it.
const SAMPLES_KEPT: Duration = Duration::from_hours(24);

/// What the world remembers.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The state document as it was last written.
    pub(crate) state: Option<PlatformState>,
    /// Who holds the lease.
    pub(crate) lease: Option<Lease>,
    /// Every revision that was ever promoted.
    pub(crate) promoted: BTreeSet<RevisionDigest>,
    /// When changes were taken back because they were bad.
    pub(crate) rollbacks: Vec<Timestamp>,
    /// Every move of an alarm.
    pub(crate) transitions: Vec<Transition>,
    /// Every write and removal of an alarm, by whomever.
    pub(crate) alarm_writes: Vec<(AlarmName, Timestamp)>,
    /// When somebody last switched an alarm's actions off or on.
    pub(crate) muted_at: Option<Timestamp>,
    /// When somebody or something past the controller last gave a service another count.
    pub(crate) counts_touched_at: Option<Timestamp>,
    /// When somebody last changed scoring by hand.
    pub(crate) scoring_touched_at: Option<Timestamp>,
    /// The revision that all of scoring is on, and since when.
    pub(crate) live: Option<(RevisionDigest, Timestamp)>,
    /// What the platform served.
    pub(crate) samples: VecDeque<(Timestamp, Sample)>,
    /// Per controller: since when its listings lack the spec file, and how many did.
    pub(crate) missing: BTreeMap<String, Missing>,
    /// Mutating calls that landed, renewals of the lease and writes of the state left out.
    pub(crate) mutations: u64,
    /// Those calls in a plan's words, where somebody listens.
    pub(crate) heard: Option<Vec<String>>,
    /// Writes of the state.
    pub(crate) saves: u64,
}

/// Listings that lacked the spec file, one after another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Missing {
    pub(crate) since: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) listings: u32,
}

/// The lease as it lies in its document.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Lease {
    pub(crate) epoch: u64,
    #[serde(default)]
    pub(crate) holder: Option<String>,
}

impl Ledger {
    /// Takes in that `state` was written; returns what is new in its history.
    pub(crate) fn save(&mut self, state: PlatformState) -> Option<PlatformState> {
        self.saves += 1;
        let before = self.state.take();
        for entry in news(before.as_ref(), &state) {
            self.remember(entry);
        }
        self.state = Some(state);
        before
    }

    /// The platform is removed with everything that was known of it; one of the same name is another.
    pub(crate) fn forget_the_platform(&mut self) {
        self.state = None;
        self.promoted.clear();
        self.rollbacks.clear();
    }

    fn remember(&mut self, entry: &HistoryEntry) {
        let digest = |name: &Option<String>| name.clone().map(RevisionDigest);
        match entry.kind {
            HistoryKind::Promoted => self.promoted.extend(digest(&entry.to)),
            HistoryKind::RollbackStarted if entry.reason != "Withdrawn" => {
                self.rollbacks.push(entry.at);
            }
            _ => {}
        }
    }

    pub(crate) fn serve(&mut self, sample: Sample, now: Timestamp) {
        self.samples.push_back((now, sample));
        while self
            .samples
            .front()
            .is_some_and(|(at, _)| between(*at, now) > SAMPLES_KEPT)
        {
            self.samples.pop_front();
        }
    }

    /// What was served from `since` on.
    pub(crate) fn served_since(
        &self,
        since: Timestamp,
    ) -> impl Iterator<Item = &(Timestamp, Sample)> {
        let recent = self.samples.iter().rev();
        recent.take_while(move |(at, _)| *at >= since)
    }

    pub(crate) fn list(&mut self, holder: &str, listed: &[Listed], now: Timestamp) {
        if !listed.is_empty() {
            self.missing.remove(holder);
            return;
        }
        let fresh = Missing {
            since: now,
            last: now,
            listings: 0,
        };
        let missing = self.missing.entry(holder.to_owned()).or_insert(fresh);
        missing.last = now;
        missing.listings += 1;
    }

    /// The moves of `alarm` into `ALARM` after `since`.
    pub(crate) fn firings<'a>(
        &'a self,
        alarm: &'a AlarmName,
        since: Timestamp,
    ) -> impl Iterator<Item = &'a Transition> {
        let recent = self.transitions.iter().rev();
        recent
            .take_while(move |moved| moved.at > since)
            .filter(move |moved| moved.name == *alarm && moved.to == AlarmState::Alarm)
    }

    /// Finds out which revision all of scoring is on.
    pub(crate) fn look_at(&mut self, fleet: &Fleet, now: Timestamp) {
        let live = self.state.as_ref().and_then(|state| common(fleet, state));
        match (&self.live, live) {
            (Some((known, _)), Some(live)) if *known == live => {}
            (_, live) => self.live = live.map(|live| (live, now)),
        }
    }
}

/// The entries that `after` has and `before` has not, the oldest first.
pub(crate) fn news<'a>(
    before: Option<&PlatformState>,
    after: &'a PlatformState,
) -> impl Iterator<Item = &'a HistoryEntry> {
    let seen = before.and_then(|before| before.history.last()).cloned();
    let new = after
        .history
        .iter()
        .rev()
        .take_while(|entry| Some(*entry) != seen.as_ref())
        .count();
    let history = after.history.iter().map(Arc::as_ref);
    history.skip(after.history.len() - new)
}

/// The revision that every serving task of scoring and the loan API is on, both halves.
fn common(fleet: &Fleet, state: &PlatformState) -> Option<RevisionDigest> {
    let readers = [ServiceName::Scoring, ServiceName::LoanApi];
    let mut found: Option<&str> = None;
    for service in readers {
        for task in fleet.service(service)?.serving() {
            let revision = task.settings()?.scoring_revision.as_str();
            if found.is_some_and(|found| found != revision) {
                return None;
            }
            found = Some(revision);
        }
    }
    let digest = RevisionDigest(found?.to_owned());
    let template = TaskTemplate::of(&state.scoring.revisions.get(&digest)?.image);
    let mut tasks = fleet.service(ServiceName::Scoring)?.serving();
    tasks
        .all(|task| *task.template() == template)
        .then_some(digest)
}
