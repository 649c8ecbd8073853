//! What the controller remembers of a platform, saved before anything is done about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use schema::LoanPlatformSpec;
use schema::names::PlatformName;
use schema::platform::{AlarmName, DeletionPolicy, Mode};
use schema::revision::{FieldChange, RevisionDigest, ScoringRevision};
use schema::status::{AlarmState, HistoryEntry, LoanPlatformStatus, Phase, Quarantined};
use serde::{Deserialize, Serialize};

use crate::ports::TaskTemplate;
use crate::reactions::{LastBoost, Remedy};
use crate::reasons;
use crate::timing::later;

/// Good revisions kept to go back to.
pub const GOOD_REVISIONS_KEPT: usize = 3;
/// History entries kept.
pub const HISTORY_KEPT: usize = 50;
/// Rounds in a row without a look at the alarms after which a person is told.
///
/// Four, as Argo Rollouts' `consecutiveErrorLimit` has it.
pub const BLIND_ROUNDS_TOLERATED: u32 = 4;
/// Seconds of a bake that a crash may lose, to be watched again: the bake clock is saved this often.
pub const BAKE_SAVED_EVERY_S: i64 = 30;
/// Quarantined revisions kept; beyond it the oldest is forgotten.
pub const QUARANTINE_KEPT: usize = 100;

/// Everything remembered of one platform: `state/NAME.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlatformState {
    /// The platform.
    pub platform: PlatformName,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// Counts the edits seen, those refused included.
    pub generation: i64,
    /// Digest of the newest edit seen.
    pub seen_digest: String,
    /// File the spec comes from: `specs/local.yaml`.
    pub source: String,
    /// Labels of the newest valid spec file, for selecting platforms.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations of the newest valid spec file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// The newest valid spec.
    pub accepted: Option<AcceptedSpec>,
    /// The newest spec accepted under `mode: Enforce`: what `Suspend` goes on enforcing.
    pub enforced: Option<Arc<LoanPlatformSpec>>,
    /// Counts the settings documents written; never falls.
    pub settings_sequence: u64,
    /// The scoring rollout.
    pub scoring: ScoringState,
    /// The last changes, the oldest first.
    pub history: Vec<Arc<HistoryEntry>>,
    /// The status as it was last saved.
    pub status: Arc<LoanPlatformStatus>,
    /// Rounds in a row in which the alarms could not be read, up to [`BLIND_ROUNDS_TOLERATED`].
    #[serde(default)]
    pub blind_rounds: u32,
    /// The newest firing of each alarm that was reacted to; an alarm that never fired has none.
    #[serde(default)]
    pub firings_seen: BTreeMap<AlarmName, Option<Timestamp>>,
    /// What alarms have had done for a while.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<Remedy>,
    /// The last time each alarm had tasks added, for its cooldown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub last_boosts: BTreeMap<AlarmName, LastBoost>,
    /// When its spec file was found to be removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
}

/// A spec that was valid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedSpec {
    /// Its generation.
    pub generation: i64,
    /// Its content.
    pub spec: Arc<LoanPlatformSpec>,
}

/// What is remembered of a platform's scoring revisions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScoringState {
    /// Content of every revision named below.
    pub revisions: BTreeMap<RevisionDigest, Arc<ScoringRevision>>,
    /// Revision whose image half is in force.
    pub image: Option<RevisionDigest>,
    /// Revision whose settings half is in force.
    pub settings: Option<RevisionDigest>,
    /// Revisions that finished their bake with data, the newest last.
    pub good: Vec<RevisionDigest>,
    /// Where the rollout stands.
    pub phase: Phase,
    /// The change under way, or the last one.
    pub change: Option<ChangeRecord>,
    /// The change that is in force but has not proved good, while a newer one waits to replace it: it
    /// is judged until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<ChangeRecord>,
    /// The change that waits to replace one that could not be taken back everywhere: until it may begin,
    /// taking that one back goes on being tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<ChangeRecord>,
    /// How things stood before the change under way began, as long as its first call is still to be made:
    /// nothing of it is in force then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<Self>>,
    /// Counts the changes begun: a verdict belongs to one attempt.
    pub attempts: u64,
    /// Revisions that were taken back.
    pub quarantine: Vec<Arc<Quarantined>>,
    /// When automatic rollbacks happened.
    pub rollbacks: Vec<Timestamp>,
    /// Generation and revision whose refusal is already in the history.
    pub refused: Option<(i64, RevisionDigest)>,
    /// What somebody else did to scoring while a change was being judged: it is not fought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalChange>,
}

/// Somebody else's change of scoring's tasks, past the spec file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalChange {
    /// Generation under which it was found: the next one ends the hold.
    pub generation: i64,
    /// What the tasks are started from now.
    pub found: TaskTemplate,
    /// When it was found.
    pub at: Timestamp,
}

/// How much of a bake was watched.
///
/// It stands still while nothing can be judged. It is saved with every transition and every
/// [`BAKE_SAVED_EVERY_S`]; what a crash loses is watched again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BakeClock {
    /// Milliseconds that were watched.
    pub watched_ms: u64,
    /// The last look, by the world's clock.
    pub last_look: Timestamp,
}

/// One change of the scoring revision, written before the first call that makes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeRecord {
    /// Which attempt it is, over the platform's life.
    pub attempt: u64,
    /// The revision being brought in.
    pub candidate: RevisionDigest,
    /// The known-good revision to go back to; a platform's first revision has none.
    pub target: Option<RevisionDigest>,
    /// What differs between the two.
    pub fields: Vec<FieldChange>,
    /// `rollout.retryToken` when it was tried.
    pub retry_token: String,
    /// When the first call was about to be made.
    pub started_at: Timestamp,
    /// When scoring's tasks were first seen to be asked for its image: the call may have waited for quotas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    /// When every task had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Timestamp>,
    /// How much of its bake was watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bake: Option<BakeClock>,
    /// Since when everything but scoring has settled, where something of the same edit had to: its own
    /// effects show before scoring changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settling: Option<Settling>,
    /// The deployment that was there before the first call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_before: Option<String>,
    /// The deployment that brought the image half to every task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// What somebody else had scoring run before the newest edit: it is replaced, not held for again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<TaskTemplate>,
    /// A gating alarm that vanished, or was written by somebody else, while it judged: the bake cannot
    /// pass by itself any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_guard: Option<AlarmName>,
    /// Gating alarms as they were at the start.
    pub baseline: BTreeMap<AlarmName, Baseline>,
    /// Firing alarms that a person acknowledged; each gates again once it is clear.
    pub acknowledged: BTreeSet<AlarmName>,
    /// Whether something else was changed while it baked: its verdict is then weak.
    pub disturbed: bool,
    /// Why it is taken back, once that is decided; never undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// When the taking back was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_at: Option<Timestamp>,
    /// Its target would not start, so the image half was left where it runs: when it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_retry_at: Option<Timestamp>,
}

/// How far everything but scoring has settled before a scoring change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Settling {
    /// Something is still on its way.
    Moving,
    /// All of it has settled, at this time.
    Since(Timestamp),
}

/// A gating alarm as it was when a change began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Baseline {
    /// Its state.
    pub state: AlarmState,
    /// When its definition was last written.
    pub configured_at: Timestamp,
    /// When it had last fired. A firing is told from an older one by this, not by a clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_fired_at: Option<Timestamp>,
}

/// Why a change is taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// On what grounds.
    pub cause: Cause,
    /// Whether the change is certainly to blame: it is then convicted, otherwise merely held.
    pub strong: bool,
    /// In words.
    pub reason: String,
    /// When it was decided.
    pub at: Timestamp,
}

/// Grounds for taking a change back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// A gating alarm fired.
    Alarm {
        /// Which.
        alarm: AlarmName,
        /// At what value.
        value: Option<f64>,
        /// Its threshold then.
        threshold: f64,
        /// When.
        fired_at: Timestamp,
    },
    /// Its tasks did not become ready.
    DeploymentFailed,
    /// The services fell silent with it: what the alarms judge by is gone.
    SourceGone {
        /// An alarm that has no data any more.
        alarm: AlarmName,
    },
    /// It did not reach every task in time.
    NotEffective,
    /// Its bake ended without enough data, and the spec asks for rollback then.
    Inconclusive,
    /// The spec asks for the known-good revision again.
    Withdrawn,
}

impl PlatformState {
    /// What is known of a platform when it is first seen.
    #[must_use]
    pub fn new(platform: PlatformName, now: Timestamp) -> Self {
        Self {
            platform,
            created_at: now,
            generation: 0,
            seen_digest: String::new(),
            source: String::new(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            accepted: None,
            enforced: None,
            settings_sequence: 0,
            scoring: ScoringState::default(),
            history: Vec::new(),
            status: Arc::default(),
            blind_rounds: 0,
            firings_seen: BTreeMap::new(),
            remedies: Vec::new(),
            last_boosts: BTreeMap::new(),
            removed_at: None,
        }
    }

    /// Whether nothing would be lost if `self` was saved and `newer` was not, beside a little of a bake
    /// that would be watched again.
    #[must_use]
    pub fn is_as_good_as(&self, newer: &Self) -> bool {
        let (saved, ahead) = (self.bake_clock(), newer.bake_clock());
        if saved == ahead {
            return self == newer;
        }
        let (Some(saved), Some(ahead)) = (saved, ahead) else {
            return false;
        };
        let mut newer = newer.clone();
        newer.set_bake_clock(saved);
        // Whole steps, so that it does not matter how often it was looked at in between. An inconclusive
        // bake waits for a person, and needs no clock.
        let is_at_rest = newer.scoring.phase == Phase::Inconclusive;
        (is_at_rest || saved.step() == ahead.step()) && *self == newer
    }

    fn bake_clock(&self) -> Option<BakeClock> {
        self.scoring.change.as_ref()?.bake
    }

    fn set_bake_clock(&mut self, clock: BakeClock) {
        if let Some(change) = &mut self.scoring.change {
            change.bake = Some(clock);
        }
    }

    /// What becomes of the platform when its spec file is removed, by the last good spec. Whoever chose another mode
    /// than `Enforce` wants nothing changed, and least of all everything removed.
    #[must_use]
    pub fn deletion_policy(&self) -> DeletionPolicy {
        let accepted = self.accepted.as_ref().map(|accepted| &accepted.spec);
        let enforced = accepted.filter(|spec| spec.mode == Mode::Enforce);
        enforced.map_or(DeletionPolicy::Retain, |spec| spec.deletion_policy)
    }

    /// Adds to the history; beyond [`HISTORY_KEPT`] the oldest entry goes.
    pub fn record(&mut self, entry: HistoryEntry) {
        debug_assert!(
            reasons::event(entry.kind, &entry.reason).is_some(),
            "{:?} {} is not in the catalogue of reasons",
            entry.kind,
            entry.reason
        );
        self.history.push(Arc::new(entry));
        let excess = self.history.len().saturating_sub(HISTORY_KEPT);
        self.history.drain(..excess);
    }
}

impl BakeClock {
    /// When `bake_ms` will have been watched, if nothing holds it up.
    #[must_use]
    pub fn expected_end(self, bake_ms: u64) -> Timestamp {
        later(self.last_look, bake_ms.saturating_sub(self.watched_ms))
    }

    /// Which step of [`BAKE_SAVED_EVERY_S`] it is in.
    fn step(self) -> i64 {
        self.last_look.as_second() / BAKE_SAVED_EVERY_S
    }
}

impl ScoringState {
    /// The revision in force, when both halves agree.
    #[must_use]
    pub fn live(&self) -> Option<&RevisionDigest> {
        if self.image == self.settings {
            self.settings.as_ref()
        } else {
            None
        }
    }

    /// The newest revision that proved good.
    #[must_use]
    pub fn last_good(&self) -> Option<&RevisionDigest> {
        self.good.last()
    }

    /// The revision whose settings are in force.
    #[must_use]
    pub fn settings_revision(&self) -> Option<&ScoringRevision> {
        self.revision(self.settings.as_ref()?)
    }

    /// The revision whose image is in force.
    #[must_use]
    pub fn image_revision(&self) -> Option<&ScoringRevision> {
        self.revision(self.image.as_ref()?)
    }

    /// The content of the revision `digest`, as long as something names it.
    #[must_use]
    pub fn revision(&self, digest: &RevisionDigest) -> Option<&ScoringRevision> {
        self.revisions.get(digest).map(Arc::as_ref)
    }

    /// The digest of `revision`; one that is known is recognised by its content.
    #[must_use]
    pub fn digest_of(&self, revision: &ScoringRevision) -> RevisionDigest {
        let known = self
            .revisions
            .iter()
            .find(|(_, known)| ***known == *revision);
        known.map_or_else(|| revision.digest(), |(digest, _)| digest.clone())
    }

    /// The change that waits to begin.
    #[must_use]
    pub const fn waiting(&self) -> Option<&ChangeRecord> {
        match self.phase {
            Phase::Preflight => self.change.as_ref(),
            Phase::RollbackFailed => self.next.as_ref(),
            _ => None,
        }
    }

    /// Whether a change is on its way, being watched, or being taken back.
    #[must_use]
    pub const fn is_moving(&self) -> bool {
        self.external.is_some()
            || matches!(
                self.phase,
                Phase::Preflight
                    | Phase::Applying
                    | Phase::Baking
                    | Phase::Inconclusive
                    | Phase::RollingBack
                    | Phase::Verifying
            )
    }

    /// Whether a change is being taken back.
    #[must_use]
    pub const fn is_taking_back(&self) -> bool {
        matches!(self.phase, Phase::RollingBack | Phase::RollbackFailed)
    }

    /// Marks `digest` as good: the newest place to go back to.
    pub fn promote(&mut self, digest: &RevisionDigest) {
        self.good.retain(|known| known != digest);
        self.good.push(digest.clone());
        let excess = self.good.len().saturating_sub(GOOD_REVISIONS_KEPT);
        self.good.drain(..excess);
    }

    /// The entry that keeps `digest` out under `retry_token`, if any.
    #[must_use]
    pub fn quarantined(&self, digest: &RevisionDigest, retry_token: &str) -> Option<&Quarantined> {
        self.quarantine
            .iter()
            .rev()
            .find(|entry| &entry.revision == digest && entry.retry_token == retry_token)
            .map(Arc::as_ref)
    }

    /// Keeps `entry` out from now on; it replaces an earlier entry of the same revision.
    pub fn keep_out(&mut self, entry: Quarantined) {
        self.quarantine
            .retain(|known| known.revision != entry.revision);
        self.quarantine.push(Arc::new(entry));
        let excess = self.quarantine.len().saturating_sub(QUARANTINE_KEPT);
        self.quarantine.drain(..excess);
    }

    /// Forgets the content of revisions that nothing names any more.
    pub fn forget_unused(&mut self) {
        let changes = self.change.iter().chain(&self.standing).chain(&self.next);
        let in_changes = changes.flat_map(|it| std::iter::once(&it.candidate).chain(&it.target));
        let used: BTreeSet<&RevisionDigest> = self
            .good
            .iter()
            .chain(&self.image)
            .chain(&self.settings)
            .chain(in_changes)
            .collect();
        self.revisions.retain(|digest, _| used.contains(digest));
    }
}
