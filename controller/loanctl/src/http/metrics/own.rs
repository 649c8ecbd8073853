//! Metrics of the controller itself.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use engine::tally::{Counts, Durations};
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{Labels, add_gauge};

pub(super) fn add(registry: &mut Registry, counts: &Counts) {
    let held = u64::from(counts.holds_lease);
    let about_lease = "1 while it holds the lease, 0 while it stands by";
    add_gauge(registry, "epoch", "The controller's term", counts.epoch);
    add_gauge(registry, "lease_held", about_lease, held);
    add_reconciles(registry, counts);
    for (name, help, value) in [
        (
            "workqueue_depth",
            "Platforms that a spec file or a hint told of and whose reconcile has not begun",
            counts.waiting,
        ),
        (
            "active_reconciles",
            "Platforms being reconciled",
            counts.reconciling,
        ),
        (
            "drifted_platforms",
            "Platforms that were otherwise than wanted when they were looked at last",
            counts.drifted_platforms,
        ),
        (
            "drifted_fields",
            "Fields that were otherwise than wanted; what is missing or too much counts as one",
            counts.drifted_fields,
        ),
    ] {
        add_gauge(registry, name, help, value as u64);
    }
    let about_specs = "Time since the spec files were last listed";
    add_age(registry, "specs_age_seconds", about_specs, counts.specs_age);
    let about_platforms = "Time since any platform was last looked at";
    let age = counts.platforms_age;
    add_age(registry, "platforms_age_seconds", about_platforms, age);
}

fn add_reconciles(registry: &mut Registry, counts: &Counts) {
    let reconciles = Family::<Labels, Counter>::default();
    for (result, count) in [("succeeded", counts.succeeded), ("failed", counts.failed)] {
        reconciles
            .get_or_create(&vec![("result", result.to_owned())])
            .inc_by(count);
    }
    registry.register("reconciles", "Reconciles, by result", reconciles);
    registry.register(
        "reconcile_duration_seconds",
        "How long reconciles took, waiting for quotas included",
        Histogram(counts.durations.clone()),
    );
}

/// What never could be seen has no age.
fn add_age(registry: &mut Registry, name: &str, help: &str, age: Option<Duration>) {
    if let Some(age) = age {
        let gauge = Gauge::<f64, AtomicU64>::default();
        gauge.set(age.as_secs_f64());
        registry.register(name, help, gauge);
    }
}

/// Durations that were counted elsewhere.
#[derive(Debug)]
struct Histogram(Durations);

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let buckets: Vec<(f64, u64)> = self.0.buckets().collect();
        let (sum, count) = (self.0.sum().as_secs_f64(), self.0.count());
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}
