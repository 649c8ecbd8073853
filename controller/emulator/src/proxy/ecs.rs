//! ECS as the proxy itself asks it.

use http::{HeaderValue, Request, header};
use serde_json::{Value, json};

use super::answer::{Refusal, json_type};
use super::asked::Asked;
use super::backend::Backend;
use crate::api::Service;

/// Why AWS would refuse to run what a service is to run; ministack takes anything.
pub(super) async fn refused(asked: &Asked, ministack: &Backend) -> Option<Refusal> {
    let writes = ["CreateService", "UpdateService"].contains(&&*asked.api.operation);
    if asked.api.service != Service::Ecs || !writes {
        return None;
    }
    let body = asked.json()?;
    let ecs = Ecs::new(ministack, asked);
    let cluster = body["cluster"].as_str().unwrap_or("default");
    if !ecs.has_cluster(cluster).await {
        let message = "Cluster not found.";
        return Some(Refusal::new(400, "ClusterNotFoundException", message));
    }
    match ecs.definition(body["taskDefinition"].as_str()?).await {
        Some(status) if status == "ACTIVE" => None,
        Some(_) => Some(client_error("TaskDefinition is inactive")),
        None => Some(client_error("TaskDefinition not found.")),
    }
}

fn client_error(message: &str) -> Refusal {
    Refusal::new(400, "ClientException", message)
}

/// The ECS of an emulator, in the region of a client.
pub(super) struct Ecs<'a> {
    backend: &'a Backend,
    authorization: Option<HeaderValue>,
}

impl<'a> Ecs<'a> {
    pub(super) fn new(backend: &'a Backend, asked: &Asked) -> Self {
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

    pub(super) async fn has_service(&self, cluster: &str, service: &str) -> bool {
        let asked = json!({ "cluster": cluster, "services": [service] });
        let found = self.call("DescribeServices", &asked).await;
        found.is_some_and(|it| it["services"][0]["status"] == "ACTIVE")
    }

    async fn has_cluster(&self, cluster: &str) -> bool {
        let asked = json!({ "clusters": [cluster] });
        let found = self.call("DescribeClusters", &asked).await;
        found.is_some_and(|it| it["clusters"][0]["status"] == "ACTIVE")
    }

    /// The status of a task definition, if there is such a one.
    async fn definition(&self, name: &str) -> Option<String> {
        let asked = json!({ "taskDefinition": name });
        let found = self.call("DescribeTaskDefinition", &asked).await?;
        let status = found["taskDefinition"]["status"].as_str()?;
        Some(status.to_owned())
    }

    /// Makes a service that runs nothing, and its cluster. What fails here, fails the call that
    /// needs it.
    pub(super) async fn make(&self, cluster: &str, service: &str) {
        if self.has_service(cluster, service).await {
            return;
        }
        let body = json!({ "clusterName": cluster });
        self.call("CreateCluster", &body).await;
        let body = json!({ "cluster": cluster, "serviceName": service, "desiredCount": 0 });
        self.call("CreateService", &body).await;
    }

    async fn call(&self, operation: &str, body: &Value) -> Option<Value> {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        let mut request = Request::post("/")
            .header("x-amz-target", target)
            .header(header::CONTENT_TYPE, json_type("1.1"));
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(body.to_string().into()).ok()?;
        let reply = self.backend.send(request).await.ok()?;
        serde_json::from_slice(&reply.body).ok()
    }
}
