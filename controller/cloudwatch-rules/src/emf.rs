//! EMF, the embedded metric format: metrics inside a JSON log line.
//!
//! Source of the rules: Amazon CloudWatch User Guide, "Specification: Embedded metric format"; for
//! values, counts and the age of timestamps, CloudWatch API Reference, `MetricDatum`.

mod error;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::series::Dimensions;
pub use error::EmfError;

/// Bytes that a line may have.
pub const MAX_LINE_BYTES: usize = 256 * 1_024;
/// Metrics that one directive may name.
pub const MAX_METRICS: usize = 100;
/// Dimensions that one set may name.
pub const MAX_DIMENSIONS: usize = 30;
/// Values that one metric may have.
pub const MAX_VALUES: usize = 100;
/// How often one value of a metric may have come.
pub const MAX_COUNT: f64 = 4_294_967_295.0;
/// Characters that a name (namespace, metric, dimension) may have.
pub const MAX_NAME_CHARS: usize = 255;
/// Characters that a dimension's value may have.
pub const MAX_DIMENSION_VALUE_CHARS: usize = 1_024;
/// How far ahead a timestamp may lie.
pub const MAX_AHEAD_MS: i64 = 2 * 60 * 60 * 1_000;
/// How far back a timestamp may lie.
pub const MAX_BEHIND_MS: i64 = 14 * 24 * 60 * 60 * 1_000;
/// Metrics that one line may bring, all directives and dimension sets multiplied. The specification
/// names no limit; without one a short line could ask for millions.
pub const MAX_OBSERVATIONS: usize = 10_000;

/// What one line brought.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) at: Timestamp,
    pub(crate) observations: Vec<Observation>,
}

/// The values of one series.
#[derive(Debug)]
pub(crate) struct Observation {
    pub(crate) namespace: String,
    pub(crate) metric: String,
    pub(crate) dimensions: Dimensions,
    /// Values, with how often each came.
    pub(crate) values: Vec<(f64, u64)>,
}

/// Reads one line, received at `received_at`.
pub(crate) fn parse(line: &str, received_at: Timestamp) -> Result<Record, EmfError> {
    if line.len() > MAX_LINE_BYTES {
        return Err(EmfError::TooLong { bytes: line.len() });
    }
    let mut members: Map<String, Value> = serde_json::from_str(line).map_err(EmfError::NotJson)?;
    let metadata = members.remove("_aws").ok_or(EmfError::NotEmf)?;
    let metadata: Metadata = serde_json::from_value(metadata).map_err(EmfError::Metadata)?;
    let mut observations = Vec::new();
    for directive in metadata.directives {
        directive.read(&members, &mut observations)?;
    }
    Ok(Record {
        at: near(metadata.timestamp_ms, received_at)?,
        observations,
    })
}

fn near(timestamp_ms: i64, received_at: Timestamp) -> Result<Timestamp, EmfError> {
    let received_ms = received_at.as_millisecond();
    let allowed =
        received_ms.saturating_sub(MAX_BEHIND_MS)..=received_ms.saturating_add(MAX_AHEAD_MS);
    Timestamp::from_millisecond(timestamp_ms)
        .ok()
        .filter(|_| allowed.contains(&timestamp_ms))
        .ok_or(EmfError::Timestamp {
            timestamp_ms,
            received_at,
        })
}

/// The `_aws` member. Members that the specification does not name are ignored, as it asks.
#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "Timestamp")]
    timestamp_ms: i64,
    #[serde(rename = "CloudWatchMetrics")]
    directives: Vec<Directive>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: String,
    dimensions: Vec<Vec<String>>,
    metrics: Vec<MetricDefinition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetricDefinition {
    name: String,
    storage_resolution: Option<u32>,
}

impl Directive {
    fn read(
        self,
        members: &Map<String, Value>,
        observations: &mut Vec<Observation>,
    ) -> Result<(), EmfError> {
        named("namespace", &self.namespace, MAX_NAME_CHARS)?;
        at_most("metrics in a directive", self.metrics.len(), MAX_METRICS)?;
        at_most(
            "metrics in a line",
            observations.len() + self.metrics.len().saturating_mul(self.dimensions.len()),
            MAX_OBSERVATIONS,
        )?;
        let sets: Vec<Dimensions> = self
            .dimensions
            .iter()
            .map(|names| dimension_set(names, members))
            .collect::<Result<_, _>>()?;
        for metric in &self.metrics {
            let values = metric.values(members)?;
            observations.extend(sets.iter().map(|dimensions| Observation {
                namespace: self.namespace.clone(),
                metric: metric.name.clone(),
                dimensions: dimensions.clone(),
                values: values.clone(),
            }));
        }
        Ok(())
    }
}

impl MetricDefinition {
    fn values(&self, members: &Map<String, Value>) -> Result<Vec<(f64, u64)>, EmfError> {
        named("metric", &self.name, MAX_NAME_CHARS)?;
        if let Some(found) = self.storage_resolution.filter(|it| ![1, 60].contains(it)) {
            return Err(EmfError::StorageResolution {
                name: self.name.clone(),
                found,
            });
        }
        let target = members.get(&self.name).and_then(Measured::of);
        let values = target.ok_or_else(|| EmfError::Target {
            what: "metric",
            name: self.name.clone(),
            shape: "number, array of numbers, or `Values` with as many `Counts`",
        })?;
        at_most("values of a metric", values.0.len(), MAX_VALUES)?;
        Ok(values.0)
    }
}

/// The values of a metric's member, with how often each came.
struct Measured(Vec<(f64, u64)>);

impl Measured {
    fn of(member: &Value) -> Option<Self> {
        let values = match member {
            Value::Object(distribution) => weighted(distribution)?,
            Value::Array(values) => numbers(values)?.into_iter().map(|it| (it, 1)).collect(),
            single => vec![(single.as_f64()?, 1)],
        };
        Some(Self(values))
    }
}

/// Reads `{"Values":[…],"Counts":[…]}`; without counts each value came once.
fn weighted(distribution: &Map<String, Value>) -> Option<Vec<(f64, u64)>> {
    let values = numbers(distribution.get("Values")?.as_array()?)?;
    let Some(counts) = distribution.get("Counts") else {
        return Some(values.into_iter().map(|value| (value, 1)).collect());
    };
    let counts = counts.as_array()?;
    if counts.len() != values.len() {
        return None;
    }
    let counts: Option<Vec<u64>> = counts.iter().map(|count| whole(count.as_f64()?)).collect();
    Some(values.into_iter().zip(counts?).collect())
}

fn numbers(values: &[Value]) -> Option<Vec<f64>> {
    values.iter().map(Value::as_f64).collect()
}

/// A count: not negative, and small enough that no number of lines makes a bucket overflow. Part of
/// one counts as a whole one from a half on.
fn whole(count: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked first"
    )]
    (0.0..=MAX_COUNT)
        .contains(&count)
        .then(|| count.round() as u64)
}

fn dimension_set(names: &[String], members: &Map<String, Value>) -> Result<Dimensions, EmfError> {
    at_most("dimensions in a set", names.len(), MAX_DIMENSIONS)?;
    let mut set = BTreeMap::new();
    for name in names {
        named("dimension", name, MAX_NAME_CHARS)?;
        let value = members
            .get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| EmfError::Target {
                what: "dimension",
                name: name.clone(),
                shape: "text",
            })?;
        named("value of dimension", value, MAX_DIMENSION_VALUE_CHARS)?;
        set.insert(name.clone(), value.to_owned());
    }
    Ok(set)
}

const fn at_most(what: &'static str, found: usize, limit: usize) -> Result<(), EmfError> {
    if found <= limit {
        Ok(())
    } else {
        Err(EmfError::TooMany { what, found, limit })
    }
}

fn named(what: &'static str, name: &str, limit: usize) -> Result<(), EmfError> {
    /// Characters of a bad name that an error repeats.
    const SHOWN: usize = 40;
    if !name.is_empty() && name.chars().count() <= limit {
        return Ok(());
    }
    Err(EmfError::Name {
        what,
        name: name.chars().take(SHOWN).collect(),
        limit,
    })
}

#[cfg(test)]
mod tests;
