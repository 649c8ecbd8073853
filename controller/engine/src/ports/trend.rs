//! Trends: what was measured over some time, for people to look at. Nothing is decided by them.

use jiff::Timestamp;
use schema::golden::GoldenSignal;
use schema::names::ServiceName;
use schema::platform::{AlarmName, Comparison};
use serde::{Deserialize, Serialize};

/// Minutes that trends go back.
pub const TREND_MINUTES: u32 = 60;

/// What one thing was over the last hour, period by period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trend {
    /// What it is of.
    pub of: TrendOf,
    /// Unit of its values, as shown to people; empty where they count something.
    pub unit: String,
    /// Start of the first period.
    pub start: Timestamp,
    /// Length of a period in milliseconds.
    pub period_ms: u64,
    /// The value of each period, the oldest first; absent where nothing was measured.
    pub values: Vec<Option<f64>>,
}

/// What a trend is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum TrendOf {
    /// What an alarm measures.
    Alarm {
        /// The alarm.
        name: AlarmName,
        /// How a value is compared.
        comparison: Comparison,
        /// Value compared with.
        threshold: f64,
        /// Samples below which a value counts as missing.
        min_samples: u32,
    },
    /// A golden signal of a service.
    Golden {
        /// The service.
        service: ServiceName,
        /// The signal.
        signal: GoldenSignal,
    },
}
