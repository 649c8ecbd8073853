//! Metrics of platforms: what the board shows of each.

use std::sync::Arc;

use engine::board::PlatformObject;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use schema::status::{AlarmState, Phase};

use super::Labels;

pub(super) fn add(registry: &mut Registry, platforms: &[Arc<PlatformObject>]) {
    let ready = Family::<Labels, Gauge>::default();
    let failed = Family::<Labels, Gauge>::default();
    let running = Family::<Labels, Gauge>::default();
    let restarts = Family::<Labels, Gauge>::default();
    let firing = Family::<Labels, Gauge>::default();
    for platform in platforms {
        let name = platform.metadata.name.clone().unwrap_or_default();
        ready
            .get_or_create(&vec![("platform", name.clone())])
            .set(i64::from(platform.is_ready()));
        failed
            .get_or_create(&vec![("platform", name.clone())])
            .set(i64::from(
                platform.status.scoring.phase == Phase::RollbackFailed,
            ));
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
    registry.register(
        "rollback_failed",
        "1 while a change that was to be taken back could not be",
        failed,
    );
    registry.register("service_running_tasks", "Tasks that serve", running);
    registry.register(
        "service_restarts",
        "Tasks replaced because they ended",
        restarts,
    );
    registry.register("alarm_firing", "1 while an alarm fires", firing);
}
