//! The spec: one file per environment, written by engineers and never written back.

mod alarm;
mod clients;
mod decision;
mod rollout;
mod services;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use alarm::{
    Alarm, AlarmAction, AlarmName, Comparison, ForceBreakerOpen, ForceBreakerOpenClient,
    MetricSource, ScaleOut, Statistic, TreatMissingData, ingestion_ms,
};
pub use clients::{
    AuthClient, BreakerMode, Bulkhead, CircuitBreaker, ProviderClient, Retry, RetryBudget,
    ScoringClient,
};
pub use decision::{Decision, Rate, RateError, RiskBand, ScoreBand};
pub use rollout::{OnFiringAlarm, OnInconclusive, RollbackLimit, Rollout};
pub use services::{
    Auth, Cpu, DesiredCount, Image, Latency, LoanApi, LoanApiClients, Memory, Outages, RateLimit,
    Scaling, ScoreProvider, Scoring, ScoringClients, Services, Workload,
};

use crate::status::LoanPlatformStatus;

/// API group of [`LoanPlatform`].
pub const GROUP: &str = "lending.dev";
/// Version within [`GROUP`].
pub const VERSION: &str = "v1alpha1";
/// API version of [`LoanPlatform`], with its group, as written in a spec's `apiVersion`.
pub const API_VERSION: &str = "lending.dev/v1alpha1";
/// Annotation of a platform, as it is read: the spec file that it comes from.
pub const SOURCE: &str = "lending.dev/source";
/// Kind, as written in a spec's `kind`.
pub const KIND: &str = "LoanPlatform";

/// A whole loan platform: four services, the credit policy, the alarms, and how scoring changes are
/// rolled out.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "lending.dev",
    version = "v1alpha1",
    kind = "LoanPlatform",
    plural = "loanplatforms",
    shortname = "lp",
    category = "all",
    namespaced,
    status = "LoanPlatformStatus",
    derive = "PartialEq",
    doc = "One environment's loan platform: services, credit policy, alarms and rollout.",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Phase","type":"string","jsonPath":".status.scoring.phase","description":"Where the scoring rollout stands"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Generation","type":"integer","jsonPath":".metadata.generation","priority":1,"description":"Counts the edits of the spec file"}"#,
    printcolumn = r#"{"name":"Mode","type":"string","jsonPath":".spec.mode","priority":1,"description":"What the controller may do"}"#,
    printcolumn = r#"{"name":"Revision","type":"string","jsonPath":".status.scoring.liveRevision","priority":1,"description":"The scoring revision in force"}"#,
    printcolumn = r#"{"name":"Last good","type":"string","jsonPath":".status.scoring.lastGoodRevision","priority":1,"description":"The scoring revision that a rollback goes to"}"#,
    printcolumn = r#"{"name":"Endpoint","type":"string","jsonPath":".status.endpoint","priority":1,"description":"Address of the loan API"}"#,
    printcolumn = r#"{"name":"Waiting on","type":"string","jsonPath":".status.scoring.waitingOn","priority":1,"description":"What the scoring rollout waits for"}"#
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoanPlatformSpec {
    /// What the controller may do: `Enforce` makes reality match; `Observe` reports drift and
    /// changes nothing; `Suspend` holds new changes and keeps guarding the ones under way.
    #[serde(default)]
    pub mode: Mode,
    /// What becomes of the services, alarms and settings when the spec file is removed.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// The services and their settings.
    pub services: Services,
    /// The credit policy.
    pub decision: Decision,
    /// Alarms on the platform. An empty list is legal; scoring changes then bake unguarded.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub alarms: Vec<Alarm>,
    /// Whether a dashboard with the golden signals of the services is kept, where the home of the platform has
    /// dashboards: in AWS as `LoanPlatform-NAME` in CloudWatch.
    #[serde(default)]
    pub dashboard: bool,
    /// How a scoring change is rolled out, judged and taken back.
    #[serde(default)]
    pub rollout: Rollout,
}

impl LoanPlatformSpec {
    /// The alarms that judge scoring changes: those named in `rollout.rollbackAlarms`, else all whose
    /// `onAlarm` has `RollbackScoring`.
    #[must_use]
    pub fn gating_alarms(&self) -> Vec<&Alarm> {
        let named = self.rollout.rollback_alarms.as_ref();
        let gates = |alarm: &&Alarm| {
            named.map_or_else(|| alarm.rolls_back(), |names| names.contains(&alarm.name))
        };
        self.alarms.iter().filter(gates).collect()
    }
}

/// What the controller may do to a platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Mode {
    /// Make reality match the spec.
    #[default]
    Enforce,
    /// Report drift, change nothing. A change already under way is still rolled back on alarm.
    Observe,
    /// Hold new changes; keep guarding the ones under way.
    Suspend,
}

/// What becomes of a platform whose spec file is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum DeletionPolicy {
    /// Leave everything running, unmanaged.
    #[default]
    Retain,
    /// Stop the services and delete alarms and settings, under `mode: Enforce` only.
    Delete,
}
