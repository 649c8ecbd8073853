//! Verifying that ECS takes services as the controller makes them: networks, roles, target groups, namespace, tags, scaling.

use engine::ports::PortError;
use schema::infrastructure::Infrastructure;

use super::Finding;
use crate::ecs::Probe;

pub(super) async fn finding(probe: &Probe, infrastructure: &Infrastructure) -> Finding {
    Finding::new("make services", words(probe, infrastructure).await)
}

async fn words(probe: &Probe, infrastructure: &Infrastructure) -> Result<String, PortError> {
    let made = probe.prove(infrastructure).await?;
    Ok(format!(
        "{made} without tasks were made, tagged, scaled and removed: subnets, security groups and target groups are there"
    ))
}
