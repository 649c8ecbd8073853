//! The controller's metrics in Prometheus text, made from the board whenever they are asked for.

mod own;
mod platforms;

use std::fmt;
use std::sync::Arc;

use engine::board::PlatformObject;
use engine::tally::Counts;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) type Labels = Vec<(&'static str, String)>;

/// The metrics of `platforms` and of the controller itself.
///
/// `of_the_home` adds what the home counts itself.
pub(super) fn text(
    platforms: &[Arc<PlatformObject>],
    counts: &Counts,
    of_the_home: impl Fn(&mut Registry),
) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("loanctl");
    own::add(&mut registry, counts);
    platforms::add(&mut registry, platforms);
    of_the_home(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

/// Adds a gauge that stands at `value`.
pub(crate) fn add_gauge(registry: &mut Registry, name: &str, help: &str, value: u64) {
    let gauge: Gauge = Gauge::default();
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    registry.register(name, help, gauge);
}

/// Adds a counter that stands at `count`.
#[cfg_attr(
    not(feature = "aws"),
    expect(dead_code, reason = "only the home on AWS counts anything itself")
)]
pub(crate) fn add_counter(registry: &mut Registry, name: &str, help: &str, count: u64) {
    let counter: Counter = Counter::default();
    counter.inc_by(count);
    registry.register(name, help, counter);
}
