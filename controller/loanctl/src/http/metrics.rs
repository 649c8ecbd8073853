//! The controller's metrics in Prometheus text, made from the board whenever they are asked for.

use std::fmt;

use engine::board::PlatformObject;
use engine::tally::Counts;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use schema::status::AlarmState;

pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) type Labels = Vec<(&'static str, String)>;

/// The metrics of `platforms` and of the controller itself.
///
/// `of_the_home` adds what the home counts itself.
pub(super) fn text(
    platforms: &[PlatformObject],
    counts: Counts,
    of_the_home: impl Fn(&mut Registry),
) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("loanctl");
    add_controller(&mut registry, counts);
    add_platforms(&mut registry, platforms);
    of_the_home(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn add_controller(registry: &mut Registry, counts: Counts) {
    let epoch: Gauge = Gauge::default();
    epoch.set(i64::try_from(counts.epoch).unwrap_or(i64::MAX));
    registry.register("epoch", "The controller's term", epoch);
    let reconciles = Family::<Labels, Counter>::default();
    for (result, count) in [("succeeded", counts.succeeded), ("failed", counts.failed)] {
        reconciles
            .get_or_create(&vec![("result", result.to_owned())])
            .inc_by(count);
    }
    registry.register("reconciles", "Reconciles, by result", reconciles);
}

fn add_platforms(registry: &mut Registry, platforms: &[PlatformObject]) {
    let ready = Family::<Labels, Gauge>::default();
    let running = Family::<Labels, Gauge>::default();
    let restarts = Family::<Labels, Gauge>::default();
    let firing = Family::<Labels, Gauge>::default();
    for platform in platforms {
        let name = platform.metadata.name.clone().unwrap_or_default();
        let is_ready = platform
            .status
            .conditions
            .iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True");
        ready
            .get_or_create(&vec![("platform", name.clone())])
            .set(i64::from(is_ready));
        for service in &platform.status.services {
            let labels = vec![
                ("platform", name.clone()),
                ("service", service.name.clone()),
            ];
            running
                .get_or_create(&labels)
                .set(i64::from(service.running));
            restarts
                .get_or_create(&labels)
                .set(i64::try_from(service.restarts).unwrap_or(i64::MAX));
        }
        for alarm in &platform.status.alarms {
            let labels = vec![
                ("platform", name.clone()),
                ("alarm", alarm.name.to_string()),
            ];
            firing
                .get_or_create(&labels)
                .set(i64::from(alarm.state == AlarmState::Alarm));
        }
    }
    registry.register(
        "platform_ready",
        "1 when a platform is as its spec asks",
        ready,
    );
    registry.register("service_running_tasks", "Tasks that serve", running);
    registry.register(
        "service_restarts",
        "Tasks replaced because they ended",
        restarts,
    );
    registry.register("alarm_firing", "1 while an alarm fires", firing);
}
