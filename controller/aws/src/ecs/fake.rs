//! A small ECS and Application Auto Scaling in memory, for tests of the calls: they answer as AWS does, and count.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_sdk_ecs::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use engine::ports::Documents;
use object_store::memory::InMemory;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::documents::S3Documents;
use crate::world_clock::WorldClock;

/// What an API answers: its JSON, or code and message of an error.
type Answer = Result<Value, (&'static str, &'static str)>;

const ARN: &str = "arn:aws:ecs:eu-west-1:123456789012";

/// The account. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct FakeAws(Arc<Mutex<Account>>);

#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) services: BTreeMap<String, Value>,
    pub(crate) task_definitions: Vec<Value>,
    pub(crate) targets: BTreeMap<String, Value>,
    pub(crate) policies: BTreeMap<String, Value>,
    /// The controller's bucket.
    bucket: Arc<InMemory>,
    /// Names of the calls made, in their order.
    pub(crate) calls: Vec<String>,
    /// Code and message with which every call fails.
    pub(crate) fails_with: Option<(&'static str, &'static str)>,
    deployments: u32,
}

impl FakeAws {
    pub(crate) fn account(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap()
    }

    /// The calls since this was asked last.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.account().calls)
    }

    pub(crate) fn documents(&self) -> Arc<dyn Documents> {
        let bucket = Arc::clone(&self.account().bucket);
        Arc::new(S3Documents::on(bucket, "loans"))
    }

    pub(crate) fn connection(&self) -> Connection {
        let region = Region::new("eu-west-1");
        let credentials = Credentials::new("id", "secret", None, None, "test");
        let ecs = aws_sdk_ecs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region.clone())
            .credentials_provider(credentials.clone())
            .retry_config(RetryConfig::disabled())
            .http_client(self.clone())
            .build();
        let scaling = aws_sdk_applicationautoscaling::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region)
            .credentials_provider(credentials)
            .retry_config(RetryConfig::disabled())
            .http_client(self.clone())
            .build();
        let sdk = aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .build();
        Connection {
            ecs: aws_sdk_ecs::Client::from_conf(ecs),
            scaling: aws_sdk_applicationautoscaling::Client::from_conf(scaling),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&sdk),
            sqs: aws_sdk_sqs::Client::new(&sdk),
            clock: WorldClock::default(),
        }
    }
}

impl HttpClient for FakeAws {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for FakeAws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap();
        let api = target.rsplit('.').next().unwrap().to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let (status, answer) = match self.account().call(&api, &body) {
            Ok(answer) => (200_u16, answer),
            Err((code, message)) => (400, json!({"__type": code, "message": message})),
        };
        let body = SdkBody::from(answer.to_string());
        let answer = HttpResponse::new(status.try_into().unwrap(), body);
        HttpConnectorFuture::ready(Ok(answer))
    }
}

impl Account {
    fn call(&mut self, api: &str, body: &Value) -> Answer {
        self.calls.push(api.to_owned());
        if let Some(failure) = self.fails_with {
            return Err(failure);
        }
        match api {
            "RegisterTaskDefinition" => Ok(self.register(body)),
            "DescribeTaskDefinition" => self.task_definition(&text(body, "taskDefinition")),
            "DescribeServices" => Ok(self.describe(body)),
            "CreateService" => self.create(body),
            "UpdateService" => self.update(body),
            "DeleteService" => self.delete(body),
            "TagResource" => Ok(self.tag(body)),
            "RegisterScalableTarget" => Ok(keep(&mut self.targets, body)),
            "PutScalingPolicy" => Ok(keep(&mut self.policies, body)),
            "DeregisterScalableTarget" => self.deregister(body),
            "DescribeScalableTargets" => {
                Ok(json!({"ScalableTargets": told(&self.targets, body, "ResourceIds")}))
            }
            "DescribeScalingPolicies" => {
                Ok(json!({"ScalingPolicies": told(&self.policies, body, "ResourceId")}))
            }
            other => panic!("no such API: {other}"),
        }
    }

    fn register(&mut self, body: &Value) -> Value {
        let family = text(body, "family");
        let revisions = self.task_definitions.iter();
        let revision = revisions
            .filter(|it| it["family"] == family.as_str())
            .count()
            + 1;
        let mut definition = body.clone();
        definition["taskDefinitionArn"] =
            format!("{ARN}:task-definition/{family}:{revision}").into();
        definition["revision"] = revision.into();
        definition["status"] = "ACTIVE".into();
        self.task_definitions.push(definition.clone());
        json!({"taskDefinition": definition})
    }

    fn task_definition(&self, name: &str) -> Answer {
        let newest_first = self.task_definitions.iter().rev();
        let is_named = |it: &&Value| {
            let arn = text(it, "taskDefinitionArn");
            arn == name || arn.ends_with(&format!("/{name}")) || it["family"] == name
        };
        match newest_first.into_iter().find(is_named) {
            Some(found) => Ok(json!({"taskDefinition": found})),
            None => Err(("ClientException", "Unable to describe task definition.")),
        }
    }

    fn describe(&self, body: &Value) -> Value {
        let names = body["services"].as_array().unwrap();
        assert!(names.len() <= 10, "ECS takes ten names a call");
        let named = |name: &&Value| self.services.contains_key(name.as_str().unwrap());
        let (there, missing): (Vec<_>, Vec<_>) = names.iter().partition(named);
        let service = |name: &&Value| self.services[name.as_str().unwrap()].clone();
        let failure = |name: &&Value| json!({"arn": name, "reason": "MISSING"});
        json!({
            "services": there.iter().map(service).collect::<Vec<_>>(),
            "failures": missing.iter().map(failure).collect::<Vec<_>>(),
        })
    }

    fn create(&mut self, body: &Value) -> Answer {
        let name = text(body, "serviceName");
        let known = self.services.get(&name);
        if known.is_some_and(|service| service["status"] == "ACTIVE") {
            let message = "Creation of service was not idempotent.";
            return Err(("InvalidParameterException", message));
        }
        let mut service = body.clone();
        service["serviceArn"] = format!("{ARN}:service/loans/{name}").into();
        service["status"] = "ACTIVE".into();
        service["runningCount"] = body["desiredCount"].clone();
        service["enableECSManagedTags"] = true.into();
        self.deploy(&mut service);
        self.services.insert(name, service.clone());
        Ok(json!({"service": service}))
    }

    fn update(&mut self, body: &Value) -> Answer {
        let name = text(body, "service");
        let Some(mut service) = self.services.get(&name).cloned() else {
            return Err(("ServiceNotFoundException", "Service not found."));
        };
        let before = service.clone();
        for (field, value) in body.as_object().unwrap() {
            if field != "service" {
                service[field] = value.clone();
            }
        }
        service["runningCount"] = service["desiredCount"].clone();
        let is_forced = body["forceNewDeployment"] == true;
        if is_forced || service["taskDefinition"] != before["taskDefinition"] {
            self.deploy(&mut service);
        }
        self.services.insert(name, service.clone());
        Ok(json!({"service": service}))
    }

    fn deploy(&mut self, service: &mut Value) {
        self.deployments += 1;
        service["deployments"] = json!([{
            "id": format!("ecs-svc/{}", self.deployments),
            "status": "PRIMARY",
            "rolloutState": "COMPLETED",
            "taskDefinition": service["taskDefinition"],
            "serviceConnectConfiguration": service["serviceConnectConfiguration"],
        }]);
    }

    fn delete(&mut self, body: &Value) -> Answer {
        match self.services.get_mut(&text(body, "service")) {
            Some(service) => {
                service["status"] = "INACTIVE".into();
                Ok(json!({}))
            }
            None => Err(("ServiceNotFoundException", "Service not found.")),
        }
    }

    fn tag(&mut self, body: &Value) -> Value {
        let mut services = self.services.values_mut();
        let tagged = services.find(|it| it["serviceArn"] == body["resourceArn"]);
        let tagged = tagged.unwrap()["tags"].as_array_mut().unwrap();
        let new = body["tags"].as_array().unwrap();
        tagged.retain(|old| new.iter().all(|new| new["key"] != old["key"]));
        tagged.extend(new.iter().cloned());
        json!({})
    }

    fn deregister(&mut self, body: &Value) -> Answer {
        let id = text(body, "ResourceId");
        self.policies.remove(&id);
        match self.targets.remove(&id) {
            Some(_) => Ok(json!({})),
            None => Err(("ObjectNotFoundException", "No scalable target found.")),
        }
    }
}

fn keep(kept: &mut BTreeMap<String, Value>, body: &Value) -> Value {
    let mut value = body.clone();
    value["CreationTime"] = 0.into();
    value["RoleARN"] = "arn:role".into();
    value["PolicyARN"] = "arn:policy".into();
    kept.insert(text(body, "ResourceId"), value);
    json!({"PolicyARN": "arn:policy"})
}

/// Those that `body` names in `field`, or all.
fn told<'a>(kept: &'a BTreeMap<String, Value>, body: &Value, field: &str) -> Vec<&'a Value> {
    let named = |id: &str| match &body[field] {
        Value::Array(ids) => ids.iter().any(|it| it == id),
        Value::String(it) => it == id,
        _ => true,
    };
    let named = kept.iter().filter(|(id, _)| named(id));
    named.map(|(_, value)| value).collect()
}

fn text(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap_or_default().to_owned()
}
