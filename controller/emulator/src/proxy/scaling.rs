//! Application Auto Scaling: moto has it, and scales only services that it knows itself.

use http::{HeaderValue, Request, header};
use serde_json::{Value, json};

use super::answer::{Refusal, json_type};
use super::asked::Asked;
use super::backend::{Backend, Reply};
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
    if !Ecs::new(ministack, asked).has(cluster, service).await {
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

/// The ECS of an emulator, in the region of the client.
struct Ecs<'a> {
    backend: &'a Backend,
    authorization: Option<HeaderValue>,
}

impl<'a> Ecs<'a> {
    fn new(backend: &'a Backend, asked: &Asked) -> Self {
        // moto believes the scope of the signature more than the target.
        let scoped = asked
            .header(&header::AUTHORIZATION)
            .and_then(|it| it.to_str().ok())
            .map(|it| it.replacen("/application-autoscaling/", "/ecs/", 1));
        Self {
            backend,
            authorization: scoped.and_then(|it| HeaderValue::try_from(it).ok()),
        }
    }

    async fn has(&self, cluster: &str, service: &str) -> bool {
        let asked = json!({ "cluster": cluster, "services": [service] });
        let reply = self.call("DescribeServices", &asked).await;
        let body = reply.and_then(|it| serde_json::from_slice::<Value>(&it.body).ok());
        body.is_some_and(|it| it["services"][0]["status"] == "ACTIVE")
    }

    /// What fails here, fails the call that needs it.
    async fn make(&self, cluster: &str, service: &str) {
        if self.has(cluster, service).await {
            return;
        }
        let body = json!({ "clusterName": cluster });
        self.call("CreateCluster", &body).await;
        let body = json!({ "cluster": cluster, "serviceName": service, "desiredCount": 0 });
        self.call("CreateService", &body).await;
    }

    async fn call(&self, operation: &str, body: &Value) -> Option<Reply> {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        let mut request = Request::post("/")
            .header("x-amz-target", target)
            .header(header::CONTENT_TYPE, json_type("1.1"));
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(body.to_string().into()).ok()?;
        self.backend.send(request).await.ok()
    }
}
