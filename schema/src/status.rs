//! The status: what the controller found, decided and did, read everywhere alike.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::platform::AlarmName;
use crate::revision::{FieldChange, RevisionDigest};

/// What the controller found, decided and did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LoanPlatformStatus {
    /// Generation that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Newest generation that was valid: the one in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_good_generation: Option<i64>,
    /// Address of the loan API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// `Ready`, and `Reconciling` or `Stalled` while they are so.
    pub conditions: Vec<Condition>,
    /// The services, in the order in which they depend on each other.
    pub services: Vec<ServiceStatus>,
    /// Where the scoring rollout stands.
    pub scoring: ScoringStatus,
    /// The alarms.
    pub alarms: Vec<AlarmStatus>,
    /// Alarm actions in force for a while.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<RemedyStatus>,
    /// The last fifty changes, the oldest first.
    pub history: Vec<Arc<HistoryEntry>>,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct ServiceStatus {
    /// Its name, as in images and host names: `loan-api`.
    pub name: String,
    /// Tasks wanted; absent: unmanaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<u32>,
    /// Tasks that serve, those being drained left out.
    pub running: u32,
    /// Image that they run.
    pub image: String,
    /// Settings revision that every task has, or the one being brought to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_revision: Option<String>,
    /// Tasks replaced since the service was made because they ended by themselves.
    pub restarts: u64,
    /// Its tasks, those being drained left out.
    #[serde(default)]
    pub tasks: Vec<TaskStatus>,
}

/// One task of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct TaskStatus {
    /// Its id.
    pub id: String,
    /// Where it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Process id, on a laptop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// When it was started.
    pub started_at: Timestamp,
    /// Whether it serves.
    pub health: TaskHealth,
    /// Settings revision that it reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings_revision: Option<String>,
}

/// Whether a task serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum TaskHealth {
    /// Started, not ready yet.
    Starting,
    /// Ready.
    Healthy,
    /// Was ready and is not.
    Unhealthy,
    /// Finishing its requests.
    Draining,
}

/// Where a scoring rollout stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Phase {
    /// Nothing is being rolled out.
    #[default]
    Idle,
    /// A change waits until it is safe to begin.
    Preflight,
    /// A change is on its way to every task.
    Applying,
    /// A change is live and being watched.
    Baking,
    /// The last change proved good.
    Succeeded,
    /// A change is being taken back.
    RollingBack,
    /// A change was taken back and its alarm is expected to clear.
    Verifying,
    /// The last change was taken back, and its alarm cleared.
    RolledBack,
    /// The last change was taken back, but its alarm still fires: it may not have been the cause.
    RollbackUnconfirmed,
    /// The last change could not be taken back.
    RollbackFailed,
    /// Held; the condition says why.
    Paused,
    /// The bake ended without enough data; waits for `approve`.
    Inconclusive,
}

/// The scoring rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(inline)]
pub struct ScoringStatus {
    /// Where it stands.
    pub phase: Phase,
    /// Revision in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_revision: Option<RevisionDigest>,
    /// Newest revision that finished its bake: where a rollback goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_good_revision: Option<RevisionDigest>,
    /// Revision being rolled out or taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate_revision: Option<RevisionDigest>,
    /// What the rollout waits for, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_on: Option<String>,
    /// The bake under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bake: Option<BakeStatus>,
    /// Revisions that were taken back, and why.
    pub quarantined: Vec<Arc<Quarantined>>,
}

/// A bake under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct BakeStatus {
    /// When every task had the change.
    pub since: Timestamp,
    /// When it ends, if there is data enough.
    pub until: Timestamp,
    /// Scoring calls seen since.
    pub samples: u64,
}

/// A revision that was taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Quarantined {
    /// Its digest.
    pub revision: RevisionDigest,
    /// Alarm that fired; absent where the change failed to start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<AlarmName>,
    /// Value at which it fired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Its threshold then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Why, in words.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// Whether the alarm convicted it; otherwise it is merely held.
    pub convicted: bool,
    /// `rollout.retryToken` at that time: another one lets the revision try again.
    pub retry_token: String,
    /// Which attempt it was that was judged, over the platform's life.
    #[serde(default)]
    pub attempt: u64,
}

/// State of an alarm, by CloudWatch's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum AlarmState {
    /// Within the threshold.
    Ok,
    /// Firing.
    Alarm,
    /// Not enough datapoints to judge.
    #[default]
    InsufficientData,
}

/// One alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct AlarmStatus {
    /// Its name.
    pub name: AlarmName,
    /// Its state.
    pub state: AlarmState,
    /// Newest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Its threshold.
    pub threshold: f64,
    /// Since when it is in this state.
    pub since: Timestamp,
}

/// An alarm action in force for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct RemedyStatus {
    /// The alarm that fired.
    pub alarm: AlarmName,
    /// What was done, in words.
    pub action: String,
    /// When.
    pub since: Timestamp,
    /// When the spec's value holds again.
    pub until: Timestamp,
}

/// Who brought something about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Actor {
    /// The controller, by its own rules.
    #[default]
    Controller,
    /// Whoever edits the spec file.
    Spec,
    /// An alarm that fired.
    Alarm,
    /// What runs the tasks: ECS, or this machine.
    Runner,
    /// Somebody who changed things past the spec file.
    Outside,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum HistoryKind {
    /// A spec was accepted.
    SpecAccepted,
    /// A spec was refused.
    SpecRefused,
    /// A scoring change began.
    RolloutStarted,
    /// A scoring change proved good.
    Promoted,
    /// A scoring change was decided to be bad.
    RollbackStarted,
    /// A scoring change was taken back.
    RolledBack,
    /// A rollback did not clear its alarm, or failed.
    RollbackProblem,
    /// A scoring change is held.
    Held,
    /// A revision that was taken back was submitted again, and refused.
    Refused,
    /// What held a scoring change is over.
    Resumed,
    /// A gating alarm fired while no change was being judged; names the changes that may be behind it.
    Suspected,
    /// An alarm's action was taken; it lasts for a while.
    RemedyStarted,
    /// An alarm's action is over: the spec's value holds again.
    RemedyEnded,
    /// Someone is told of an alarm.
    Notified,
    /// Services were made, changed or removed.
    Applied,
    /// The platform was removed.
    Removed,
}

impl HistoryKind {
    /// Whether a person should look: something was refused, held or taken back, is remedied for now, or may be wrong.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        match self {
            Self::SpecRefused
            | Self::RollbackStarted
            | Self::RolledBack
            | Self::RollbackProblem
            | Self::Held
            | Self::Refused
            | Self::Suspected
            | Self::RemedyStarted
            | Self::Notified => true,
            Self::SpecAccepted
            | Self::RolloutStarted
            | Self::Promoted
            | Self::Resumed
            | Self::RemedyEnded
            | Self::Applied
            | Self::Removed => false,
        }
    }
}

/// One change: what, when, why, and on what evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub kind: HistoryKind,
    /// Who brought it about.
    #[serde(default)]
    pub by: Actor,
    /// Generation or revision before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Generation or revision after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Why, in one word for machines.
    pub reason: String,
    /// Why, in words for people.
    pub message: String,
    /// What it was decided on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// What a decision rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(inline)]
pub struct Evidence {
    /// Alarm that fired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm: Option<AlarmName>,
    /// Value at which it fired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Its threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// When it fired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fired_at: Option<Timestamp>,
    /// Scoring calls seen during the bake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
    /// Fields that the change changed.
    pub fields: Vec<FieldChange>,
}
