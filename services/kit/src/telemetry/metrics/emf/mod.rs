//! Metrics as CloudWatch embedded metric format: one JSON line per dimension set and interval.
//!
//! Format: Amazon CloudWatch User Guide, "Specification: Embedded metric format".

mod record;

use std::collections::BTreeMap;
use std::io::Write;
use std::time::SystemTime;

use metrique::writer::Observation;
use schema::signals::{
    DEPENDENCY_DIMENSION, Metric, NAMESPACE, PLATFORM_DIMENSION, SERVICE_DIMENSION,
};

use super::distribution::Snapshot;
use super::{Instrument, Metrics, unit};
use record::repeated;
pub use record::{EmitError, Record, Records, Series};

/// CloudWatch takes no more values for one metric in one record.
const MAX_VALUES: usize = 100;

/// Emits what was recorded since it last did.
pub struct Emitter {
    metrics: Metrics,
    own: Records,
    per_dependency: Records,
    seen: BTreeMap<(Option<&'static str>, Metric), Seen>,
}

enum Seen {
    Count(u64),
    Distribution(Snapshot),
}

impl Emitter {
    /// An emitter of `metrics`.
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        let own = [PLATFORM_DIMENSION, SERVICE_DIMENSION];
        let per_dependency = [PLATFORM_DIMENSION, SERVICE_DIMENSION, DEPENDENCY_DIMENSION];
        Self {
            metrics,
            own: Records::new(NAMESPACE, &own),
            per_dependency: Records::new(NAMESPACE, &per_dependency),
            seen: BTreeMap::new(),
        }
    }

    /// Writes one record per dimension set to `output`: counts with their zeros, gauges as they
    /// stand, distributions with the values of the interval.
    ///
    /// # Errors
    /// When `output` fails, or a record would be invalid.
    pub fn emit(&mut self, now: SystemTime, output: &mut impl Write) -> Result<(), EmitError> {
        for (dependency, scope) in self.metrics.scopes() {
            let series: Vec<Series> = scope
                .instruments()
                .into_iter()
                .map(|(metric, instrument)| self.series(dependency, metric, &instrument))
                .collect();
            if series.is_empty() {
                continue;
            }
            let mut dimensions = vec![
                (PLATFORM_DIMENSION, &*self.metrics.platform),
                (SERVICE_DIMENSION, self.metrics.service),
            ];
            dimensions.extend(dependency.map(|name| (DEPENDENCY_DIMENSION, name)));
            let record = Record {
                now,
                dimensions,
                series,
            };
            let records = match dependency {
                Some(_) => &mut self.per_dependency,
                None => &mut self.own,
            };
            records.write(&record, output)?;
        }
        Ok(())
    }

    fn series(
        &mut self,
        dependency: Option<&'static str>,
        metric: Metric,
        instrument: &Instrument,
    ) -> Series {
        let observations = self.observations((dependency, metric), instrument);
        Series::of(metric.name(), observations, unit(metric)).each_second()
    }

    fn observations(
        &mut self,
        key: (Option<&'static str>, Metric),
        instrument: &Instrument,
    ) -> Vec<Observation> {
        match instrument {
            Instrument::Counter(counter) => {
                let total = counter.total();
                let before = match self.seen.insert(key, Seen::Count(total)) {
                    Some(Seen::Count(before)) => before,
                    _ => 0,
                };
                vec![Observation::Unsigned(total.saturating_sub(before))]
            }
            Instrument::Gauge(gauge) => vec![Observation::Floating(gauge.value())],
            Instrument::Probe(probe) => vec![Observation::Floating((probe.0)())],
            Instrument::Distribution(distribution) => {
                let now = distribution.snapshot();
                let before = match self.seen.insert(key, Seen::Distribution(now.clone())) {
                    Some(Seen::Distribution(before)) => before,
                    _ => Snapshot::default(),
                };
                repeated(&now.since(&before, MAX_VALUES))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use schema::names::ServiceName;
    use serde_json::Value as Json;

    use super::*;

    fn emitted(emitter: &mut Emitter) -> Vec<Json> {
        let mut output = Vec::new();
        emitter.emit(SystemTime::UNIX_EPOCH, &mut output).unwrap();
        let lines = std::str::from_utf8(&output).unwrap().lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn metrics() -> Metrics {
        Metrics::new(&"local".try_into().unwrap(), ServiceName::LoanApi)
    }

    #[test]
    fn a_record_declares_its_dimensions_units_and_resolution() {
        let metrics = metrics();
        metrics.own().counter(Metric::Requests).add(3);
        metrics.own().distribution(Metric::Latency).record(10.0);
        let record = &emitted(&mut Emitter::new(metrics))[0];
        let directive = &record["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "LoanPlatform");
        assert_eq!(
            directive["Dimensions"],
            serde_json::json!([["Platform", "Service"]])
        );
        assert_eq!(
            directive["Metrics"][1],
            serde_json::json!({"Name": "Latency", "Unit": "Milliseconds", "StorageResolution": 1})
        );
        assert_eq!(record["Platform"], "local");
        assert_eq!(record["Service"], "loan-api");
        assert_eq!(record["Requests"], 3);
        assert_eq!(record["Latency"]["Counts"], serde_json::json!([1]));
    }

    #[test]
    fn counts_of_an_interval_are_emitted_once_and_then_as_zero() {
        let metrics = metrics();
        let calls = metrics.dependency("scoring").counter(Metric::Calls);
        let mut emitter = Emitter::new(metrics);
        calls.add(7);
        assert_eq!(emitted(&mut emitter)[0]["Calls"], 7);
        let quiet = &emitted(&mut emitter)[0];
        assert_eq!(quiet["Calls"], 0);
        assert_eq!(quiet["Dependency"], "scoring");
    }

    #[test]
    fn each_dependency_has_a_record_of_its_own() {
        let metrics = metrics();
        metrics.own().gauge(Metric::InFlight).set(2.0);
        metrics.dependency("auth").counter(Metric::Calls).add(1);
        metrics.dependency("scoring").counter(Metric::Calls).add(2);
        let records = emitted(&mut Emitter::new(metrics));
        assert_eq!(records.len(), 3);
        assert!(records[0].get("Dependency").is_none());
        assert_eq!(records[1]["Calls"], 1);
        assert_eq!(records[2]["Calls"], 2);
    }

    #[test]
    fn a_distribution_without_values_is_left_out() {
        let metrics = metrics();
        metrics.own().gauge(Metric::InFlight).set(0.0);
        let latency = metrics.own().distribution(Metric::Latency);
        latency.record(1.0);
        let mut emitter = Emitter::new(metrics);
        emitted(&mut emitter);
        assert!(emitted(&mut emitter)[0].get("Latency").is_none());
    }
}
