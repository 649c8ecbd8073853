//! Metrics as Prometheus text, for people and scrapers near the process.

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::{Instrument, Metrics};
use schema::signals::Metric;

/// Upper bounds of histogram buckets: milliseconds around the service level objective, and bytes.
const BOUNDS: [f64; 14] = [
    1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1_500.0, 5_000.0, 15_000.0,
    60_000.0,
];

/// All metrics as text (OpenMetrics 1.0), with the settings revision in force.
///
/// # Errors
/// Never in practice: writing into a string does not fail.
pub fn text(metrics: &Metrics, settings_revision: Option<&str>) -> Result<String, Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Shown(metrics.clone())));
    if let Some(revision) = settings_revision {
        let info = Info::new([("revision".to_owned(), revision.to_owned())]);
        registry.register("settings_revision", "Settings in force", info);
    }
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Shown(Metrics);

impl Collector for Shown {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let scopes: Vec<_> = (self.0.scopes().into_iter())
            .map(|(dependency, scope)| (dependency, scope.instruments()))
            .collect();
        for metric in Metric::ALL {
            let family: Vec<_> = (scopes.iter())
                .flat_map(|(dependency, all)| {
                    all.iter().map(move |(name, one)| (dependency, name, one))
                })
                .filter(|(_, name, _)| *name == metric)
                .map(|(dependency, _, instrument)| (*dependency, instrument))
                .collect();
            encode_family(&mut encoder, *metric, &family)?;
        }
        Ok(())
    }
}

fn encode_family(
    encoder: &mut DescriptorEncoder<'_>,
    metric: Metric,
    family: &[(Option<&'static str>, &Instrument)],
) -> Result<(), Error> {
    let Some((_, first)) = family.first() else {
        return Ok(());
    };
    let name = snake_case(metric.name());
    let mut described =
        encoder.encode_descriptor(&name, metric.name(), None, first.metric_type())?;
    if let [(None, own)] = family {
        return own.encode(described);
    }
    for (dependency, instrument) in family {
        let labels = [("dependency", dependency.unwrap_or_default())];
        instrument.encode(described.encode_family(&labels)?)?;
    }
    Ok(())
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

impl EncodeMetric for Instrument {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), Error> {
        match self {
            Self::Counter(counter) => {
                encoder.encode_counter::<NoLabelSet, _, u64>(&counter.total(), None)
            }
            Self::Gauge(gauge) => encoder.encode_gauge(&gauge.value()),
            Self::Probe(probe) => encoder.encode_gauge(&(probe.0)()),
            Self::Distribution(distribution) => {
                let snapshot = distribution.snapshot();
                let buckets = snapshot.histogram(&BOUNDS);
                encoder.encode_histogram::<NoLabelSet>(
                    snapshot.sum(),
                    snapshot.count(),
                    &buckets,
                    None,
                )
            }
        }
    }

    fn metric_type(&self) -> MetricType {
        match self {
            Self::Counter(_) => MetricType::Counter,
            Self::Gauge(_) | Self::Probe(_) => MetricType::Gauge,
            Self::Distribution(_) => MetricType::Histogram,
        }
    }
}

#[cfg(test)]
mod tests {
    use schema::names::ServiceName;

    use super::*;

    #[test]
    fn every_metric_is_shown_with_its_dependency() {
        let metrics = Metrics::new(&"local".try_into().unwrap(), ServiceName::LoanApi);
        metrics.own().gauge(Metric::SettingsSequence).set(7.0);
        metrics.dependency("scoring").counter(Metric::Calls).add(2);
        metrics.own().distribution(Metric::Latency).record(7.0);
        let text = text(&metrics, Some("abc")).unwrap();
        for line in [
            "settings_sequence 7.0",
            "calls_total{dependency=\"scoring\"} 2",
            "latency_bucket{le=\"5.0\"} 0",
            "latency_bucket{le=\"10.0\"} 1",
            "latency_bucket{le=\"+Inf\"} 1",
            "settings_revision_info{revision=\"abc\"} 1",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
