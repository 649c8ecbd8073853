//! Application Auto Scaling: moto has it, and scales only services that it knows itself.

use serde_json::Value;

use super::answer::Refusal;
use super::asked::Asked;
use super::backend::Backend;
use super::ecs::Ecs;
use crate::api::Service;

/// Makes the service that is to be scaled known to moto; refuses the call if there is none.
pub(super) async fn introduce(
    asked: &Asked,
    ministack: &Backend,
    moto: &Backend,
) -> Result<(), Refusal> {
    if asked.api.service != Service::ApplicationAutoScaling
        || asked.api.operation != "RegisterScalableTarget"
    {
        return Ok(());
    }
    let body = asked.json().unwrap_or_default();
    let Some((cluster, service)) = service_of(&body) else {
        return Ok(());
    };
    if !Ecs::new(ministack, asked)
        .has_service(cluster, service)
        .await
    {
        let message = format!("ECS service doesn't exist: service/{cluster}/{service}");
        return Err(Refusal::new(400, "ValidationException", message));
    }
    Ecs::new(moto, asked).make(cluster, service).await;
    Ok(())
}

/// `service/CLUSTER/SERVICE`.
fn service_of(body: &Value) -> Option<(&str, &str)> {
    let resource = body["ResourceId"].as_str()?;
    resource.strip_prefix("service/")?.split_once('/')
}
