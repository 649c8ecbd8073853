//! Alarms and the metrics behind them: CloudWatch, or its rules applied on this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;
use schema::names::{PlatformName, ServiceName};
use schema::platform::{AlarmName, Comparison, MetricSource, TreatMissingData};
use schema::signals::Signal;
use schema::status::AlarmState;
use schema::units::format_millis;
use serde::{Deserialize, Serialize};

use super::error::PortError;
use super::permit::Permit;
use super::seen::Seen;
use super::trend::Trend;
use super::urgency::Urgency;

/// What an alarm measures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AlarmSource {
    /// A signal of the catalogue.
    Signal {
        /// Which.
        signal: Signal,
        /// The service, for signals that need one.
        service: Option<ServiceName>,
    },
    /// A CloudWatch metric by name.
    Metric(MetricSource),
}

/// An alarm as it is wanted, with every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmDefinition {
    /// Its platform.
    pub platform: PlatformName,
    /// Its name within the platform.
    pub name: AlarmName,
    /// What it measures.
    pub source: AlarmSource,
    /// How a datapoint is compared.
    pub comparison: Comparison,
    /// Value compared with.
    pub threshold: f64,
    /// Length of a datapoint in milliseconds.
    pub period_ms: u64,
    /// Datapoints looked at.
    pub evaluation_periods: u32,
    /// Datapoints among them that must breach.
    pub datapoints_to_alarm: u32,
    /// Samples below which a datapoint counts as missing.
    pub min_samples: u32,
    /// What a missing datapoint means.
    pub treat_missing_data: TreatMissingData,
    /// Whether people are told when it fires, where their home has a way to tell them.
    #[serde(default)]
    pub notifies: bool,
}

impl AlarmDefinition {
    /// What has it fire: `ScoringFailureRatio > 20 in 2 of 3 datapoints of 10s`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let measured = match &self.source {
            AlarmSource::Signal { signal, service } => {
                let of = service.map_or_else(String::new, |service| format!(" of {service}"));
                format!("{signal:?}{of}")
            }
            AlarmSource::Metric(metric) => {
                format!(
                    "{:?} of {} {}",
                    metric.statistic, metric.namespace, metric.name
                )
            }
        };
        format!(
            "{measured} {} {} in {} of {} datapoints of {}",
            self.comparison.sign(),
            self.threshold,
            self.datapoints_to_alarm,
            self.evaluation_periods,
            format_millis(self.period_ms),
        )
    }
}

/// An alarm as it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedAlarm {
    /// Its definition.
    pub definition: AlarmDefinition,
    /// Its state.
    pub state: AlarmState,
    /// When it came into that state.
    pub since: Timestamp,
    /// When its definition was last written.
    pub configured_at: Timestamp,
    /// Newest value, whatever its sample guard made of it.
    pub value: Option<f64>,
    /// Its newest move into `ALARM`, whatever its state is now: a short firing between two looks
    /// must not be missed.
    pub last_firing: Option<Firing>,
    /// Since when it has been judged without a gap and every firing is known. In AWS as far back as
    /// the alarm's history goes; on one machine since its judge was last started.
    pub judged_since: Timestamp,
    /// Whether a person has switched its actions off: it still is judged, but does not count.
    pub muted: bool,
}

impl ObservedAlarm {
    /// What `firing` of it says: `Alarm scoring-failures fired at …: 63.50 > 20.`
    #[must_use]
    pub fn firing_in_words(&self, firing: &Firing) -> String {
        let definition = &self.definition;
        let value = firing
            .value
            .map_or_else(|| "missing data".to_owned(), |value| format!("{value:.2}"));
        format!(
            "Alarm {} fired at {:.0}: {value} {} {}.",
            definition.name,
            firing.at,
            definition.comparison.sign(),
            definition.threshold,
        )
    }
}

/// A move into `ALARM`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Firing {
    /// When.
    pub at: Timestamp,
    /// Value of the newest breaching datapoint; absent where missing data counted as breaching.
    pub value: Option<f64>,
    /// Start of the first breaching datapoint among those it was judged on.
    pub first_breach_at: Option<Timestamp>,
    /// Start of the last one.
    #[serde(default)]
    pub last_breach_at: Option<Timestamp>,
}

/// What a bake has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BakeEvidence {
    /// Scoring calls made by the loan API.
    pub scoring_calls: u64,
    /// Per alarm, datapoints that met its own sample guard. Beyond `evaluationPeriods` of them need not be
    /// counted.
    pub judged_datapoints: BTreeMap<AlarmName, u32>,
    /// How many of those breach. With little traffic they may lie too far apart for the alarm to fire.
    pub breaching_datapoints: BTreeMap<AlarmName, u32>,
    /// When each service last reported anything: zeros are reported too, so silence means that the
    /// source of the metrics is gone, not that there is no traffic.
    pub last_report: BTreeMap<ServiceName, Timestamp>,
}

/// A platform's dashboard as it was found, compared with the one that its home would write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DashboardState {
    /// Its home keeps none.
    #[default]
    NotKept,
    /// Not known for now.
    Unknown,
    /// There is none.
    Absent,
    /// There is one with another content, or one that is not wanted.
    Differs,
    /// It is as its home would write it.
    AsWanted,
}

/// Keeps alarms and their metrics, and shows them on dashboards.
#[async_trait]
pub trait Alarms: Debug + Send + Sync {
    /// These alarms were there, or were to be, when an earlier term ended. A home that would have to search for them
    /// can look them up instead; what else there is it still finds by itself.
    fn recall(&self, _known: &BTreeMap<PlatformName, BTreeSet<AlarmName>>) {}

    /// The alarms of `platforms`, in one batch.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn observe(
        &self,
        platforms: &BTreeSet<PlatformName>,
        urgency: Urgency,
    ) -> Result<Seen<ObservedAlarm>, PortError>;

    /// Waits until the quotas have room for one change of an alarm. At once where there are none.
    async fn permit(&self, _urgency: Urgency) -> Permit {
        Permit::free()
    }

    /// Writes a whole definition. The state of an alarm that is already there stays as it is; a new
    /// one starts in `INSUFFICIENT_DATA`.
    ///
    /// # Errors
    /// When it cannot be written.
    async fn put(&self, definition: &AlarmDefinition, permit: Permit) -> Result<(), PortError>;

    /// Removes an alarm. Removing one that is not there is no error.
    ///
    /// # Errors
    /// When it cannot be removed.
    async fn delete(
        &self,
        platform: &PlatformName,
        name: &AlarmName,
        permit: Permit,
    ) -> Result<(), PortError>;

    /// The dashboard of `platform`, from memory as far as it serves: where none is `wanted`, it is seldom looked
    /// for.
    ///
    /// # Errors
    /// When it cannot be read. It is not tried again for some minutes: until then it is not known.
    async fn dashboard(
        &self,
        _platform: &PlatformName,
        _wanted: bool,
    ) -> Result<DashboardState, PortError> {
        Ok(DashboardState::NotKept)
    }

    /// Waits until the quotas have room for one change of a dashboard. At once where there are none.
    async fn permit_dashboard(&self, _urgency: Urgency) -> Permit {
        Permit::free()
    }

    /// Writes the dashboard of `platform` where one is `wanted`, else removes it. Removing one that is not there is
    /// no error.
    ///
    /// # Errors
    /// When it cannot be written or removed.
    async fn keep_dashboard(
        &self,
        _platform: &PlatformName,
        _wanted: bool,
        _permit: Permit,
    ) -> Result<(), PortError> {
        Ok(())
    }

    /// What was seen of `platform` since `since`.
    ///
    /// # Errors
    /// When the metrics cannot be read.
    async fn evidence(
        &self,
        platform: &PlatformName,
        since: Timestamp,
        urgency: Urgency,
    ) -> Result<BakeEvidence, PortError>;

    /// What was measured of `platform` over the last hour, for people: its alarms and the golden signals of its
    /// services. None where its home has no way to tell. It may be some minutes old.
    ///
    /// # Errors
    /// When the metrics cannot be read.
    async fn trends(&self, _platform: &PlatformName) -> Result<Vec<Trend>, PortError> {
        Ok(Vec::new())
    }
}
