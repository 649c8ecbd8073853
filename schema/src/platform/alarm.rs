//! Alarms: what is measured, when it fires, and what is then done.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::names::ServiceName;
use crate::signals::Signal;
use crate::units::{PATTERN_HELP_KEYWORD, Span, Whole};

/// An alarm by CloudWatch's rules: it fires when `datapointsToAlarm` of the last `evaluationPeriods`
/// datapoints breach the threshold.
///
/// Source of the rules: Amazon CloudWatch User Guide, "Using Amazon CloudWatch alarms".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Alarm {
    /// Name, unique within the platform.
    pub name: AlarmName,
    /// A signal of the catalogue. Either this or `metric`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<Signal>,
    /// Any CloudWatch metric. Either this or `signal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<MetricSource>,
    /// The service measured, for signals that need one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// How a value is compared with the threshold. Default `GreaterThanThreshold`.
    #[serde(default)]
    pub comparison: Comparison,
    /// Value compared with, in the signal's unit.
    pub threshold: f64,
    /// Length of one datapoint: 10s, 20s, 30s, or whole minutes. Under 60s on high-resolution
    /// metrics only. Default 1m.
    #[serde(default = "Alarm::default_period")]
    pub period: Span<10_000, 86_400_000>,
    /// Datapoints looked at, 1 to 1440. Default 1.
    #[serde(default = "Alarm::default_evaluation_periods")]
    pub evaluation_periods: Whole<1, 1_440>,
    /// Datapoints among them that must breach. Absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datapoints_to_alarm: Option<Whole<1, 1_440>>,
    /// Samples below which a datapoint counts as missing, 0 to 1000000. Default 0.
    #[serde(default)]
    pub min_samples: Whole<0, 1_000_000>,
    /// What a missing datapoint means. Default `Missing`.
    #[serde(default)]
    pub treat_missing_data: TreatMissingData,
    /// What is done when the alarm fires.
    #[serde(default)]
    #[schemars(length(max = 4))]
    pub on_alarm: Vec<AlarmAction>,
    /// Parameters of `ScaleOut`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_out: Option<ScaleOut>,
    /// Parameters of `ForceBreakerOpen`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force_breaker_open: Option<ForceBreakerOpen>,
}

impl Alarm {
    const fn default_period() -> Span<10_000, 86_400_000> {
        Span::from_millis(60_000)
    }

    const fn default_evaluation_periods() -> Whole<1, 1_440> {
        Whole::new(1)
    }

    /// Breaching datapoints that make it fire: `datapointsToAlarm`, or all that are looked at.
    #[must_use]
    pub fn datapoints_to_alarm(&self) -> u32 {
        self.datapoints_to_alarm
            .unwrap_or(self.evaluation_periods)
            .get()
    }

    /// Milliseconds of data that one judgement looks at.
    #[must_use]
    pub fn window_ms(&self) -> u64 {
        self.period.as_millis() * u64::from(self.evaluation_periods.get())
    }

    /// Milliseconds until CloudWatch has a datapoint of its period.
    #[must_use]
    pub const fn ingestion_ms(&self) -> u64 {
        ingestion_ms(self.period.as_millis())
    }

    /// Whether scoring changes are taken back when it fires.
    #[must_use]
    pub fn rolls_back(&self) -> bool {
        self.on_alarm.contains(&AlarmAction::RollbackScoring)
    }
}

/// Periods shorter than this, in milliseconds, are on high-resolution metrics.
const STANDARD_RESOLUTION_MS: u64 = 60_000;
/// Until a high-resolution metric can be seen, in milliseconds.
const FAST_INGESTION_MS: u64 = 15_000;
/// Until any other metric can be seen, in milliseconds.
const SLOW_INGESTION_MS: u64 = 120_000;

/// Milliseconds until CloudWatch has a datapoint of a period of `period_ms`.
#[must_use]
pub const fn ingestion_ms(period_ms: u64) -> u64 {
    if period_ms < STANDARD_RESOLUTION_MS {
        FAST_INGESTION_MS
    } else {
        SLOW_INGESTION_MS
    }
}

/// Name of an alarm: letters, digits, dashes, underscores and dots, 100 characters at most.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlarmName(pub String);

impl fmt::Display for AlarmName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for AlarmName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AlarmName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
            PATTERN_HELP_KEYWORD: "start with a letter or digit, go on with letters, digits, dots, \
                                   dashes or underscores, 100 characters at most",
        })
    }
}

/// A CloudWatch metric by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct MetricSource {
    /// Namespace, as in `AWS/RDS`.
    #[schemars(length(min = 1, max = 255))]
    pub namespace: String,
    /// Metric name, as in `DatabaseConnections`.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// How the samples of a period become one value.
    pub statistic: Statistic,
    /// Dimensions, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dimensions: BTreeMap<String, String>,
}

/// How the samples of a period become one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Statistic {
    /// Mean of the samples.
    Average,
    /// Sum of the samples.
    Sum,
    /// Smallest sample.
    Minimum,
    /// Largest sample.
    Maximum,
    /// Number of samples.
    SampleCount,
    /// Half the samples are below.
    #[serde(rename = "p50")]
    P50,
    /// 90 in 100 samples are below.
    #[serde(rename = "p90")]
    P90,
    /// 95 in 100 samples are below.
    #[serde(rename = "p95")]
    P95,
    /// 99 in 100 samples are below.
    #[serde(rename = "p99")]
    P99,
    /// 999 in 1000 samples are below.
    #[serde(rename = "p99.9")]
    P999,
}

/// How a datapoint is compared with the threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Comparison {
    /// Breaches above the threshold.
    #[default]
    GreaterThanThreshold,
    /// Breaches at or above the threshold.
    GreaterThanOrEqualToThreshold,
    /// Breaches below the threshold.
    LessThanThreshold,
    /// Breaches at or below the threshold.
    LessThanOrEqualToThreshold,
}

impl Comparison {
    /// Whether `value` breaches `threshold`.
    #[must_use]
    pub fn breaches(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::GreaterThanThreshold => value > threshold,
            Self::GreaterThanOrEqualToThreshold => value >= threshold,
            Self::LessThanThreshold => value < threshold,
            Self::LessThanOrEqualToThreshold => value <= threshold,
        }
    }

    /// The comparison as a sign: `>`.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::GreaterThanThreshold => ">",
            Self::GreaterThanOrEqualToThreshold => ">=",
            Self::LessThanThreshold => "<",
            Self::LessThanOrEqualToThreshold => "<=",
        }
    }
}

/// What a missing datapoint means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum TreatMissingData {
    /// Nothing: with too few datapoints the state is `INSUFFICIENT_DATA`.
    #[default]
    Missing,
    /// Within the threshold.
    NotBreaching,
    /// Beyond the threshold.
    Breaching,
    /// The state stays as it is.
    Ignore,
}

/// What is done when an alarm fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum AlarmAction {
    /// The scoring change under way is taken back.
    RollbackScoring,
    /// More tasks for a while; parameters in `scaleOut`.
    ScaleOut,
    /// A client's breaker is held open for a while; parameters in `forceBreakerOpen`.
    ForceBreakerOpen,
    /// Someone is told.
    Notify,
}

/// More tasks for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct ScaleOut {
    /// The service that gets them.
    pub service: ServiceName,
    /// Tasks added, 1 to 50.
    pub step: Whole<1, 50>,
    /// Most tasks it may have, 1 to 200.
    pub max_count: Whole<1, 200>,
    /// Shortest time between two additions.
    pub cooldown: Span<10_000, 86_400_000>,
    /// How long they stay.
    #[serde(rename = "for")]
    pub lasting: Span<10_000, 86_400_000>,
}

/// A breaker held open for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct ForceBreakerOpen {
    /// The calling service.
    pub service: ServiceName,
    /// The client whose breaker it is.
    pub client: ForceBreakerOpenClient,
    /// How long it stays open. What fires meanwhile does not prolong it: the refusals themselves may have it
    /// fire, and the dependency would never be tried again.
    #[serde(rename = "for")]
    pub lasting: Span<1_000, 86_400_000>,
}

/// A client with a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum ForceBreakerOpenClient {
    /// The loan API's client of scoring.
    Scoring,
    /// Scoring's client of the provider.
    Provider,
}
