//! What ministack does not keep of ECS services, or not of their updates: remembered here, and told with them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use super::asked::Asked;
use super::backend::Reply;
use crate::api::Service;

/// Told of a service.
const OF_SERVICES: [&str; 3] = [
    "availabilityZoneRebalancing",
    "enableECSManagedTags",
    "propagateTags",
];
/// Told of its deployments.
const OF_DEPLOYMENTS: [&str; 1] = ["serviceConnectConfiguration"];

/// What services were asked to be, by their ARNs.
#[derive(Debug, Default)]
pub(super) struct Services(Mutex<BTreeMap<String, Map<String, Value>>>);

impl Services {
    pub(super) fn forget(&self) {
        self.all().clear();
    }

    /// `reply` with what ministack has left out of it.
    pub(super) fn complete(&self, asked: &Asked, reply: Reply) -> Reply {
        let tells = ["CreateService", "UpdateService", "DescribeServices"];
        let operation = &*asked.api.operation;
        let is_told = tells.contains(&operation) && reply.status.is_success();
        if asked.api.service != Service::Ecs || !is_told {
            return reply;
        }
        let body = serde_json::from_slice::<Value>(&reply.body);
        let Some((asked, mut body)) = asked.json().zip(body.ok()) else {
            return reply;
        };
        self.note(operation, &asked, &body["service"]);
        self.add_to(&mut body["service"]);
        for service in body["services"].as_array_mut().into_iter().flatten() {
            self.add_to(service);
        }
        Reply {
            body: body.to_string().into(),
            ..reply
        }
    }

    /// What an update is silent of stays.
    fn note(&self, operation: &str, asked: &Value, told: &Value) {
        let Some(arn) = told["serviceArn"].as_str() else {
            return;
        };
        let mut all = self.all();
        let kept = all.entry(arn.to_owned()).or_default();
        if operation == "CreateService" {
            kept.clear();
        }
        for field in OF_SERVICES.iter().chain(&OF_DEPLOYMENTS) {
            if let Some(value) = asked.get(*field) {
                kept.insert((*field).to_owned(), value.clone());
            }
        }
    }

    fn add_to(&self, service: &mut Value) {
        let all = self.all();
        let kept = service["serviceArn"].as_str().and_then(|arn| all.get(arn));
        for (field, value) in kept.into_iter().flatten() {
            if OF_SERVICES.contains(&field.as_str()) {
                service[field] = value.clone();
                continue;
            }
            for deployment in service["deployments"].as_array_mut().into_iter().flatten() {
                deployment[field] = value.clone();
            }
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Map<String, Value>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
