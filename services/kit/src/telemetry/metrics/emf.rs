//! Metrics as CloudWatch embedded metric format: one JSON line per dimension set and interval.
//!
//! Format: Amazon CloudWatch User Guide, "Specification: Embedded metric format".

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::SystemTime;

use metrique::emf::{Emf, HighStorageResolution};
use metrique::writer::format::Format;
use metrique::writer::{
    Entry, EntryWriter, IoStreamError, MetricFlags, Observation, Unit, ValidationError, Value,
    ValueWriter,
};
use schema::signals::{
    DEPENDENCY_DIMENSION, Metric, NAMESPACE, PLATFORM_DIMENSION, SERVICE_DIMENSION,
};

use super::distribution::Snapshot;
use super::{Instrument, Metrics, unit};

/// CloudWatch takes no more values for one metric in one record.
const MAX_VALUES: usize = 100;

/// Emits what was recorded since it last did.
pub struct Emitter {
    metrics: Metrics,
    own: Emf,
    per_dependency: Emf,
    seen: BTreeMap<(Option<&'static str>, Metric), Seen>,
}

enum Seen {
    Count(u64),
    Distribution(Snapshot),
}

/// Why metrics were not emitted.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// Standard output does not take them.
    #[error("metrics cannot be written: {0}")]
    Write(#[from] io::Error),
    /// A record that CloudWatch would refuse.
    #[error("metrics make no valid record: {0}")]
    Invalid(#[from] ValidationError),
}

impl Emitter {
    /// An emitter of `metrics`.
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        let format = |dimensions: &[&str]| {
            let set = dimensions.iter().map(|name| (*name).to_owned()).collect();
            Emf::builder(NAMESPACE.to_owned(), vec![set]).build()
        };
        Self {
            metrics,
            own: format(&[PLATFORM_DIMENSION, SERVICE_DIMENSION]),
            per_dependency: format(&[PLATFORM_DIMENSION, SERVICE_DIMENSION, DEPENDENCY_DIMENSION]),
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
            let record = Record {
                now,
                platform: &self.metrics.platform,
                service: self.metrics.service,
                dependency,
                series,
            };
            let format = match dependency {
                Some(_) => &mut self.per_dependency,
                None => &mut self.own,
            };
            write_line(format, &record, output)?;
        }
        Ok(())
    }

    fn series(
        &mut self,
        dependency: Option<&'static str>,
        metric: Metric,
        instrument: &Instrument,
    ) -> Series {
        let key = (dependency, metric);
        let observations = match instrument {
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
                observations(&now.since(&before, MAX_VALUES))
            }
        };
        Series {
            metric,
            observations: HighStorageResolution::from(Observations {
                values: observations,
                unit: unit(metric),
            }),
        }
    }
}

/// One write per line, so that lines of other writers do not fall into it.
fn write_line(
    format: &mut Emf,
    record: &Record<'_>,
    output: &mut impl Write,
) -> Result<(), EmitError> {
    let mut line = Vec::with_capacity(2_048);
    format
        .format(record, &mut line)
        .map_err(|error| match error {
            IoStreamError::Io(error) => EmitError::Write(error),
            IoStreamError::Validation(error) => EmitError::Invalid(error),
        })?;
    output.write_all(&line)?;
    output.flush()?;
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of one interval are small"
)]
fn observations(values: &[(f64, u64)]) -> Vec<Observation> {
    let repeated = |(value, count): &(f64, u64)| Observation::Repeated {
        total: value * *count as f64,
        occurrences: *count,
    };
    values.iter().map(repeated).collect()
}

struct Record<'a> {
    now: SystemTime,
    platform: &'a str,
    service: &'a str,
    dependency: Option<&'a str>,
    series: Vec<Series>,
}

struct Series {
    metric: Metric,
    observations: HighStorageResolution<Observations>,
}

struct Observations {
    values: Vec<Observation>,
    unit: Unit,
}

impl Entry for Record<'_> {
    fn write<'a>(&'a self, writer: &mut impl EntryWriter<'a>) {
        writer.timestamp(self.now);
        writer.value(PLATFORM_DIMENSION, self.platform);
        writer.value(SERVICE_DIMENSION, self.service);
        if let Some(dependency) = self.dependency {
            writer.value(DEPENDENCY_DIMENSION, dependency);
        }
        for series in &self.series {
            writer.value(series.metric.name(), &series.observations);
        }
    }
}

impl Value for Observations {
    fn write(&self, writer: impl ValueWriter) {
        writer.metric(
            self.values.iter().copied(),
            self.unit,
            [],
            MetricFlags::empty(),
        );
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
