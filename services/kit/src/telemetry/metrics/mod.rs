//! Metrics: recorded with one atomic operation, emitted as EMF each interval, shown as Prometheus
//! text on the admin port.
//!
//! Instruments are cumulative; the emitter keeps what it saw last and emits the difference, so both
//! readers see the same numbers.

mod distribution;
mod emf;
mod emission;
mod golden;
mod prometheus;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schema::names::{PlatformName, ServiceName};
use schema::signals::Metric;

pub use distribution::Distribution;
pub use emf::{EmitError, Emitter, Record, Records, Series};
pub use emission::Emission;
pub use golden::{GoldenSignals, RequestInFlight};
pub use prometheus::text;

/// The metrics of this process.
#[derive(Clone, Debug)]
pub struct Metrics {
    platform: Arc<str>,
    service: &'static str,
    own: Scope,
    dependencies: Arc<Mutex<BTreeMap<&'static str, Scope>>>,
}

impl Metrics {
    /// The metrics of `service` in `platform`; none are registered yet.
    #[must_use]
    pub fn new(platform: &PlatformName, service: ServiceName) -> Self {
        Self {
            platform: platform.as_str().into(),
            service: service.kebab(),
            own: Scope::default(),
            dependencies: Arc::default(),
        }
    }

    /// Metrics of the service itself.
    #[must_use]
    pub fn own(&self) -> Scope {
        self.own.clone()
    }

    /// Metrics of the calls to one dependency, by a name of `schema::signals`.
    #[must_use]
    pub fn dependency(&self, name: &'static str) -> Scope {
        lock(&self.dependencies).entry(name).or_default().clone()
    }

    fn scopes(&self) -> Vec<(Option<&'static str>, Scope)> {
        let dependencies = lock(&self.dependencies);
        let called = dependencies
            .iter()
            .map(|(name, scope)| (Some(*name), scope.clone()));
        std::iter::once((None, self.own())).chain(called).collect()
    }
}

/// Metrics that share their dimensions. Registering a metric makes it appear, with zeros, from the
/// next interval on.
#[derive(Clone, Debug, Default)]
pub struct Scope(Arc<Mutex<BTreeMap<Metric, Instrument>>>);

impl Scope {
    /// The counter of `metric`.
    #[must_use]
    pub fn counter(&self, metric: Metric) -> Counter {
        let counter = Counter::default();
        match self.register(metric, Instrument::Counter(counter.clone())) {
            Instrument::Counter(counter) => counter,
            other => other.mismatch(metric, counter),
        }
    }

    /// The gauge of `metric`.
    #[must_use]
    pub fn gauge(&self, metric: Metric) -> Gauge {
        let gauge = Gauge::default();
        match self.register(metric, Instrument::Gauge(gauge.clone())) {
            Instrument::Gauge(gauge) => gauge,
            other => other.mismatch(metric, gauge),
        }
    }

    /// A gauge of `metric` whose value is asked for when it is read. `probe` must not block.
    pub fn probe(&self, metric: Metric, probe: impl Fn() -> f64 + Send + Sync + 'static) {
        self.register(metric, Instrument::Probe(Probe(Arc::new(probe))));
    }

    /// The distribution of `metric`, in the unit that its documentation names.
    #[must_use]
    pub fn distribution(&self, metric: Metric) -> Distribution {
        let distribution = Distribution::default();
        match self.register(metric, Instrument::Distribution(distribution.clone())) {
            Instrument::Distribution(distribution) => distribution,
            other => other.mismatch(metric, distribution),
        }
    }

    fn register(&self, metric: Metric, instrument: Instrument) -> Instrument {
        lock(&self.0).entry(metric).or_insert(instrument).clone()
    }

    fn instruments(&self) -> Vec<(Metric, Instrument)> {
        let instruments = lock(&self.0);
        instruments
            .iter()
            .map(|(metric, instrument)| (*metric, instrument.clone()))
            .collect()
    }
}

/// A count that only rises.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds `count`.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// All that was added so far.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A value that rises and falls.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicU64>);

impl Gauge {
    /// Sets the value.
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    /// Changes the value by `change`.
    pub fn add(&self, change: f64) {
        self.0.update(Ordering::Relaxed, Ordering::Relaxed, |bits| {
            (f64::from_bits(bits) + change).to_bits()
        });
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

#[derive(Clone)]
struct Probe(Arc<dyn Fn() -> f64 + Send + Sync>);

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

#[derive(Clone, Debug)]
enum Instrument {
    Counter(Counter),
    Gauge(Gauge),
    Probe(Probe),
    Distribution(Distribution),
}

impl Instrument {
    /// A metric registered as two kinds is a mistake in the program: the first one stays, what is
    /// recorded on the second is not shown.
    fn mismatch<T>(&self, metric: Metric, detached: T) -> T {
        tracing::error!(metric = metric.name(), registered = ?self, "metric has two kinds");
        detached
    }
}

/// Unit of a metric's values, by CloudWatch's names.
const fn unit(metric: Metric) -> metrique::writer::Unit {
    use metrique::writer::Unit;
    use metrique::writer::unit::{NegativeScale, PositiveScale};
    match metric {
        Metric::Latency | Metric::DatabaseLatency | Metric::CallLatency => {
            Unit::Second(NegativeScale::Milli)
        }
        Metric::OldestReceivedAge => Unit::Second(NegativeScale::One),
        Metric::RequestBytes => Unit::Byte(PositiveScale::One),
        Metric::SettingsEpoch
        | Metric::SettingsSequence
        | Metric::SettingsRefused
        | Metric::BreakerState => Unit::None,
        _ => Unit::Count,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing here panics half-way through a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_handle_of_a_metric_records_on_the_same_one() {
        let scope = Scope::default();
        scope.counter(Metric::Calls).add(2);
        scope.counter(Metric::Calls).add(3);
        assert_eq!(scope.counter(Metric::Calls).total(), 5);
    }

    #[test]
    fn a_gauge_rises_and_falls() {
        let gauge = Gauge::default();
        gauge.set(2.0);
        gauge.add(-0.5);
        assert!((gauge.value() - 1.5).abs() < f64::EPSILON);
    }
}
