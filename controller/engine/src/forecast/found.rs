//! The world as it is found, taken at its best.

use std::collections::BTreeSet;

use schema::status::AlarmState;

use super::obedient::settle_tasks;
use crate::observe::{by_name, by_service, observe_settings};
use crate::observed::Observed;
use crate::ports::{Alarms, Compute, DeploymentState, Documents, PortError, Urgency};
use crate::state::PlatformState;

/// What there is of the platform now, what people changed by hand included. What is on its way is taken as arrived, and
/// an alarm without data as one that is quiet.
///
/// # Errors
/// When services, alarms or settings cannot be read.
pub async fn as_found(
    compute: &dyn Compute,
    alarms: &dyn Alarms,
    documents: &dyn Documents,
    state: &PlatformState,
) -> Result<Observed, PortError> {
    let platform = &state.platform;
    let platforms = BTreeSet::from([platform.clone()]);
    let services = compute.observe(&platforms, Urgency::Edit).await?;
    let found = alarms.observe(&platforms, Urgency::Edit).await?;
    let at = services.at.max(found.at);
    let mut world = Observed {
        services: by_service(services.found),
        alarms: by_name(found.found),
        settings: observe_settings(documents, platform).await?,
        dashboard: alarms.dashboard(platform, true).await?,
        ..Observed::nothing(at)
    };
    assume_the_best(&mut world);
    Ok(world)
}

fn assume_the_best(world: &mut Observed) {
    for service in world.services.values_mut() {
        service.summary = None;
        if service.deployment.state == DeploymentState::InProgress {
            service.deployment.state = DeploymentState::Completed;
        }
    }
    for alarm in world.alarms.values_mut() {
        if alarm.state == AlarmState::InsufficientData {
            alarm.state = AlarmState::Ok;
        }
    }
    settle_tasks(world, world.at);
}
