//! ECS: services whose deployments take a while, and their task definitions. Nothing is scaled automatically.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::wire::{Refusal, Reply, seconds};

const ARN: &str = "arn:aws:ecs:eu-west-1:123456789012";
/// How long a deployment takes.
const ROLLING_OUT: Duration = Duration::from_secs(40);
/// Events that ECS tells of each service, always: a steady one says every six hours that it is so.
const EVENTS: usize = 100;
/// What a service is asked to be, and told to be by its deployment alone.
const OF_DEPLOYMENTS: &str = "serviceConnectConfiguration";
/// What is told of a service under its own names.
const OWN: [&str; 6] = [
    "cluster",
    "service",
    "serviceName",
    "taskDefinition",
    "desiredCount",
    "forceNewDeployment",
];

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Ecs {
    services: BTreeMap<String, Service>,
    /// Bodies of revisions by family, as JSON.
    task_definitions: BTreeMap<String, Vec<String>>,
    deployments: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Service {
    task_definition: String,
    desired: i64,
    deployment: u64,
    deployed_at: Timestamp,
    /// All else that it was asked to be, as JSON.
    rest: String,
}

/// The platform that was changed, if any was.
type Changed = Option<String>;

impl Ecs {
    pub(super) fn services(&self) -> usize {
        self.services.len()
    }

    pub(super) fn answer(
        &mut self,
        operation: &str,
        body: &[u8],
        now: Timestamp,
    ) -> (Reply, Changed) {
        let body: Value = serde_json::from_slice(body).unwrap();
        match operation {
            "DescribeServices" => (Ok(self.describe(&body, now)), None),
            "DescribeTaskDefinition" => (self.task_definition(&body), None),
            "DescribeScalableTargets" => (Ok(br#"{"ScalableTargets":[]}"#.to_vec()), None),
            "RegisterTaskDefinition" => {
                let family = text(&body, "family");
                (Ok(self.register(&family, body)), platform_of(&family))
            }
            "CreateService" => {
                let name = text(&body, "serviceName");
                (self.create(&name, &body, now), platform_of(&name))
            }
            "UpdateService" => {
                let name = text(&body, "service");
                (self.update(&name, &body, now), platform_of(&name))
            }
            "TagResource" => (Ok(b"{}".to_vec()), None),
            other => panic!("ECS is not asked for {other} here"),
        }
    }

    fn describe(&self, body: &Value, now: Timestamp) -> Vec<u8> {
        let names = body["services"].as_array().unwrap();
        assert!(names.len() <= 10, "ECS takes ten names a call");
        let (mut services, mut failures) = (Vec::new(), Vec::new());
        for name in names.iter().filter_map(Value::as_str) {
            match self.services.get(name) {
                Some(service) => services.push(service.told(name, now)),
                None => {
                    failures.push(json!({"arn": arn("service/loans", name), "reason": "MISSING"}));
                }
            }
        }
        let (services, failures) = (services.join(","), Value::from(failures));
        format!(r#"{{"services":[{services}],"failures":{failures}}}"#).into_bytes()
    }

    fn task_definition(&self, body: &Value) -> Reply {
        let named = text(body, "taskDefinition");
        let name = named.rsplit('/').next().unwrap_or_default();
        let (family, revision) = name.split_once(':').unwrap_or((name, ""));
        let revisions = self.task_definitions.get(family);
        let found = revisions.and_then(|all| match revision.parse::<usize>() {
            Ok(revision) => all.get(revision.checked_sub(1)?),
            Err(_) => all.last(),
        });
        let found = found.ok_or(Refusal {
            code: "ClientException",
            message: "Unable to describe task definition.",
        })?;
        Ok(format!(r#"{{"taskDefinition":{found}}}"#).into_bytes())
    }

    fn register(&mut self, family: &str, mut body: Value) -> Vec<u8> {
        let revisions = self.task_definitions.entry(family.to_owned()).or_default();
        let revision = revisions.len() + 1;
        body["taskDefinitionArn"] = arn("task-definition", &format!("{family}:{revision}")).into();
        body["revision"] = revision.into();
        body["status"] = "ACTIVE".into();
        let body = body.to_string();
        revisions.push(body.clone());
        format!(r#"{{"taskDefinition":{body}}}"#).into_bytes()
    }

    fn create(&mut self, name: &str, body: &Value, now: Timestamp) -> Reply {
        if self.services.contains_key(name) {
            return Err(Refusal {
                code: "InvalidParameterException",
                message: "Creation of service was not idempotent.",
            });
        }
        self.deployments += 1;
        let service = Service {
            task_definition: text(body, "taskDefinition"),
            desired: body["desiredCount"].as_i64().unwrap_or(1),
            deployment: self.deployments,
            deployed_at: now,
            rest: rest(Map::new(), body),
        };
        let told = service.told(name, now);
        self.services.insert(name.to_owned(), service);
        Ok(format!(r#"{{"service":{told}}}"#).into_bytes())
    }

    fn update(&mut self, name: &str, body: &Value, now: Timestamp) -> Reply {
        let service = self.services.get_mut(name).ok_or(Refusal {
            code: "ServiceNotFoundException",
            message: "Service not found.",
        })?;
        let wanted = body["taskDefinition"].as_str();
        let wanted = wanted.filter(|wanted| *wanted != service.task_definition);
        if let Some(task_definition) = wanted {
            self.deployments += 1;
            service.task_definition = task_definition.to_owned();
            service.deployment = self.deployments;
            service.deployed_at = now;
        }
        service.desired = body["desiredCount"].as_i64().unwrap_or(service.desired);
        let before = serde_json::from_str(&service.rest).unwrap();
        service.rest = rest(before, body);
        let told = service.told(name, now);
        Ok(format!(r#"{{"service":{told}}}"#).into_bytes())
    }
}

impl Service {
    fn told(&self, name: &str, now: Timestamp) -> String {
        let Self {
            task_definition,
            desired,
            deployment,
            deployed_at,
            rest,
        } = self;
        let is_done = *deployed_at + ROLLING_OUT <= now;
        let state = if is_done { "COMPLETED" } else { "IN_PROGRESS" };
        let rest: Map<String, Value> = serde_json::from_str(rest).unwrap();
        let connect = rest.get(OF_DEPLOYMENTS).unwrap_or(&Value::Null);
        let (at, arn) = (seconds(*deployed_at), arn("service/loans", name));
        let mut told = format!(
            r#"{{"serviceArn":"{arn}","serviceName":"{name}","status":"ACTIVE","desiredCount":{desired},"runningCount":{desired},"pendingCount":0,"taskDefinition":"{task_definition}","createdAt":{at},"clusterArn":"{ARN}:cluster/loans","deployments":[{{"id":"ecs-svc/{deployment}","status":"PRIMARY","taskDefinition":"{task_definition}","desiredCount":{desired},"pendingCount":0,"runningCount":{desired},"failedTasks":0,"createdAt":{at},"updatedAt":{at},"launchType":"FARGATE","platformVersion":"1.4.0","platformFamily":"Linux","rolloutState":"{state}","rolloutStateReason":"ECS deployment ecs-svc/{deployment} {state}.","serviceConnectConfiguration":{connect}}}],"events":["#,
        );
        for event in 0..EVENTS {
            let comma = if event == 0 { "" } else { "," };
            write!(
                told,
                r#"{comma}{{"id":"0b1e4e2d-6a8c-4e0a-9f43-{event:012}","createdAt":1772000000.5,"message":"(service {name}) has reached a steady state."}}"#
            )
            .unwrap();
        }
        told.push(']');
        for (field, value) in rest.iter().filter(|(field, _)| *field != OF_DEPLOYMENTS) {
            write!(told, r#","{field}":{value}"#).unwrap();
        }
        told.push('}');
        told
    }
}

/// What a service was asked to be, with what it is asked to be now.
fn rest(mut before: Map<String, Value>, body: &Value) -> String {
    let asked = body.as_object().into_iter().flatten();
    let asked = asked.filter(|(field, _)| !OWN.contains(&field.as_str()));
    before.extend(asked.map(|(field, value)| (field.clone(), value.clone())));
    Value::Object(before).to_string()
}

fn arn(kind: &str, name: &str) -> String {
    format!("{ARN}:{kind}/{name}")
}

/// Platforms of a benchmark have no dashes in their names.
fn platform_of(service: &str) -> Changed {
    service.split('-').next().map(str::to_owned)
}

fn text(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap_or_default().to_owned()
}
