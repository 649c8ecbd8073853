//! How a scoring change is rolled out, judged and taken back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alarm::AlarmName;
use crate::units::{Span, Whole};

/// How a scoring change is rolled out, judged and taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(inline)]
pub struct Rollout {
    /// How long a change is watched before it counts as good. At least the longest gating alarm's
    /// window, ingestion and two polls.
    pub bake_time: Span<1_000, 86_400_000>,
    /// Longest time a bake may wait for samples.
    pub max_bake_time: Span<1_000, 604_800_000>,
    /// Scoring calls that a bake must have seen.
    pub min_samples: Whole<0, 1_000_000_000>,
    /// Alarms that judge a change. Absent: every alarm whose `onAlarm` has `RollbackScoring`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 50))]
    pub rollback_alarms: Option<Vec<AlarmName>>,
    /// What happens to a change while a gating alarm already fires.
    pub on_firing_alarm: OnFiringAlarm,
    /// Firing alarms that do not block, with `onFiringAlarm: Ignore`.
    #[schemars(length(max = 50))]
    pub acknowledge_firing_alarms: Vec<AlarmName>,
    /// What happens when a bake ends without enough data.
    pub on_inconclusive: OnInconclusive,
    /// Automatic rollbacks after which new scoring changes wait for a person.
    pub max_automatic_rollbacks: RollbackLimit,
    /// Change it to try a revision that was taken back again.
    #[schemars(length(max = 200))]
    pub retry_token: String,
    /// A revision's digest: promotes an inconclusive bake by hand.
    #[schemars(length(max = 64))]
    pub approve: String,
}

impl Default for Rollout {
    fn default() -> Self {
        Self {
            bake_time: Span::from_millis(600_000),
            max_bake_time: Span::from_millis(3_600_000),
            min_samples: Whole::new(200),
            rollback_alarms: None,
            on_firing_alarm: OnFiringAlarm::Block,
            acknowledge_firing_alarms: Vec::new(),
            on_inconclusive: OnInconclusive::Pause,
            max_automatic_rollbacks: RollbackLimit::default(),
            retry_token: String::new(),
            approve: String::new(),
        }
    }
}

/// What happens to a change while a gating alarm already fires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum OnFiringAlarm {
    /// The change waits until it is clear.
    #[default]
    Block,
    /// The alarms named in `acknowledgeFiringAlarms` do not block.
    Ignore,
}

/// What happens when a bake ends without enough data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum OnInconclusive {
    /// The change stays live and waits for `approve`.
    #[default]
    Pause,
    /// The change is taken back.
    Rollback,
    /// The change counts as good.
    Promote,
}

/// Automatic rollbacks after which new scoring changes wait for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(inline)]
pub struct RollbackLimit {
    /// Rollbacks within `interval`.
    pub count: Whole<1, 100>,
    /// Length over which they are counted.
    pub interval: Span<60_000, 2_592_000_000>,
}

impl Default for RollbackLimit {
    fn default() -> Self {
        Self {
            count: Whole::new(3),
            interval: Span::from_millis(86_400_000),
        }
    }
}
