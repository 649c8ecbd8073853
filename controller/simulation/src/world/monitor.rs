//! The monitor: CloudWatch, by the rules of `cloudwatch-rules`.

use std::collections::{BTreeMap, BTreeSet};

use cloudwatch_rules::{AlarmBook, MetricStore, Transition, dimensions};
use engine::ports::{AlarmDefinition, BakeEvidence, ObservedAlarm, PortError};
use jiff::Timestamp;
use schema::names::{PlatformName, ServiceName};
use schema::platform::AlarmName;
use schema::signals::{Metric, NAMESPACE, SCORING_DEPENDENCY};

/// Alarms and metrics of a platform.
#[derive(Debug)]
pub(crate) struct Monitor {
    platform: PlatformName,
    platforms: BTreeSet<PlatformName>,
    book: AlarmBook,
    store: MetricStore,
    muted: BTreeSet<AlarmName>,
}

/// What the platform did within one step of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sample {
    pub(crate) calls: u32,
    pub(crate) failures: u32,
    pub(crate) errors: u32,
}

impl Monitor {
    /// A monitor that judges a period `delay_ms` after its end.
    pub(crate) fn new(platform: PlatformName, delay_ms: u32) -> Self {
        Self {
            platforms: BTreeSet::from([platform.clone()]),
            platform,
            book: AlarmBook::new(delay_ms),
            store: MetricStore::default(),
            muted: BTreeSet::new(),
        }
    }

    pub(crate) fn observed(&self) -> Vec<ObservedAlarm> {
        let mut found = self.book.observe(&self.platforms);
        for alarm in &mut found {
            // CloudWatch judges on, whoever looks: nothing of its past is unknown.
            alarm.judged_since = Timestamp::UNIX_EPOCH;
            alarm.muted = self.muted.contains(&alarm.definition.name);
        }
        found
    }

    pub(crate) fn alarm(&self, name: &AlarmName) -> Option<ObservedAlarm> {
        let mut found = self.observed().into_iter();
        found.find(|alarm| alarm.definition.name == *name)
    }

    pub(crate) fn put(
        &mut self,
        definition: &AlarmDefinition,
        now: Timestamp,
    ) -> Result<(), PortError> {
        self.book
            .put(definition, now)
            .map_err(|full| PortError::refused("write an alarm", full.to_string()))
    }

    pub(crate) fn delete(&mut self, name: &AlarmName) {
        self.book.delete(&self.platform, name);
        self.muted.remove(name);
    }

    pub(crate) fn mute(&mut self, name: &AlarmName, muted: bool) {
        if muted {
            self.muted.insert(name.clone());
        } else {
            self.muted.remove(name);
        }
    }

    pub(crate) fn evidence(&self, since: Timestamp) -> BakeEvidence {
        self.book.evidence(&self.store, &self.platform, since)
    }

    /// Judges what is due.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Vec<Transition> {
        self.book.tick(&self.store, now)
    }

    /// Takes in what the loan API reports.
    pub(crate) fn record(&self, sample: Sample, at: Timestamp) {
        let scoring = dimensions::loan_platform(
            &self.platform,
            ServiceName::LoanApi,
            Some(SCORING_DEPENDENCY),
        );
        let own = dimensions::loan_platform(&self.platform, ServiceName::LoanApi, None);
        for (metric, pairs, value) in [
            (Metric::Calls, &scoring, sample.calls),
            (Metric::Failures, &scoring, sample.failures),
            (Metric::Requests, &own, sample.calls),
            (Metric::Errors, &own, sample.errors),
        ] {
            self.store
                .record(NAMESPACE, metric.name(), pairs, value.into(), at);
        }
    }

    /// Takes in that services are there at all.
    pub(crate) fn hear(&self, sequences: &BTreeMap<ServiceName, u64>, at: Timestamp) {
        for (service, sequence) in sequences {
            let pairs = dimensions::loan_platform(&self.platform, *service, None);
            let value = f64::from(u32::try_from(*sequence).unwrap_or(u32::MAX));
            let metric = Metric::SettingsSequence.name();
            self.store.record(NAMESPACE, metric, &pairs, value, at);
        }
    }
}
