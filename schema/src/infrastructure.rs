//! What the account provides: written by its bootstrap to `bootstrap/infrastructure.json`, and read by the
//! controller. Nothing of it is in a spec: engineers describe a platform, not an account.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::{PlatformName, ServiceName};

/// Where the document lies.
pub const INFRASTRUCTURE_PATH: &str = "bootstrap/infrastructure.json";

/// What the account provides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Infrastructure {
    /// Region of everything in it: `eu-west-1`.
    pub region: String,
    /// What every platform gets.
    pub defaults: Surroundings,
    /// What single platforms get instead: a load balancer's target group or a database of their own. A
    /// platform that is named here gets all of its surroundings from here.
    #[serde(default)]
    pub platforms: BTreeMap<PlatformName, Surroundings>,
}

/// What the services of a platform are put into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Surroundings {
    /// The ECS cluster, by name or ARN.
    pub cluster: String,
    /// Registry of images that a spec names without one: `123456789012.dkr.ecr.eu-west-1.amazonaws.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// Processors that the images are built for.
    #[serde(default)]
    pub architecture: Architecture,
    /// Where tasks are in the network.
    pub network: Network,
    /// What tasks may do.
    pub roles: Roles,
    /// CloudWatch Logs group of the services' output.
    pub log_group: String,
    /// Service Connect namespace in which services find each other by host name; absent: they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect_namespace: Option<String>,
    /// What leads clients to the loan API; absent: nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancer>,
    /// The loan API's database; absent: none, and the loan API is not ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Database>,
    /// Secrets of the auth service; absent: it has no clients and does not start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<AuthSecrets>,
    /// SNS topic that is told of alarms whose `onAlarm` has `Notify`; absent: nobody is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_topic: Option<String>,
    /// Address of an OpenTelemetry collector that takes the services' traces as `http/protobuf`, like
    /// `http://collector:4318`; absent: there are no traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_collector: Option<String>,
    /// What dashboards show beside the services.
    #[serde(default)]
    pub dashboard: DashboardSources,
}

/// Processors that images are built for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Architecture {
    /// 64-bit x86.
    #[default]
    X86_64,
    /// 64-bit ARM: Graviton.
    Arm64,
}

/// Where tasks are in the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Network {
    /// Subnets, one an availability zone.
    pub subnets: Vec<String>,
    /// Security groups of each service.
    pub security_groups: BTreeMap<ServiceName, Vec<String>>,
    /// Whether tasks get public addresses. Only where there is no NAT.
    #[serde(default)]
    pub assign_public_ip: bool,
}

/// What tasks may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Roles {
    /// ARN of the role with which ECS starts the tasks of each service: pulls its image, reads its secrets, writes its logs.
    pub execution: BTreeMap<ServiceName, String>,
    /// ARN of the role that the tasks of each service have.
    pub tasks: BTreeMap<ServiceName, String>,
}

/// What leads clients to the loan API, and to auth for their tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadBalancer {
    /// ARN of the target group that the loan API's tasks are put into.
    pub target_group_arn: String,
    /// ARN of the target group that auth's tasks are put into, for `/oauth/*`; absent: clients reach auth otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_target_group_arn: Option<String>,
    /// The target group in metrics: `targetgroup/loan-api/0123456789abcdef`.
    pub target_group: String,
    /// The load balancer in metrics: `app/loan/0123456789abcdef`.
    pub name: String,
    /// Address at which clients reach it: `https://loans.example.com`.
    pub endpoint: String,
}

/// The loan API's database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Database {
    /// Host name of its writer.
    pub host: String,
    /// TCP port.
    #[serde(default = "postgres_port")]
    pub port: u16,
    /// Name of the database.
    pub name: String,
    /// How the loan API says who it is.
    pub authentication: DatabaseAuthentication,
}

/// How a service says to a database who it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseAuthentication {
    /// ARN of a secret with `username` and `password`, as RDS keeps one for a cluster. Absent: IAM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// User to connect as by IAM authentication, with the task's role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iam_user: Option<String>,
}

/// Secrets of the auth service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuthSecrets {
    /// ARN of the secret with its clients: a JSON list of `{"id", "secretHash"}`.
    pub clients: String,
    /// ARN of the secret with its signing key: Ed25519, PKCS#8 PEM.
    pub signing_key: String,
}

/// What dashboards show beside the services, by the names that their metrics have as dimensions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DashboardSources {
    /// Aurora cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database_cluster: Option<String>,
    /// NAT gateways.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nat_gateways: Vec<String>,
    /// API Gateway, where one stands before the load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_gateway: Option<String>,
}

const fn postgres_port() -> u16 {
    5432
}

impl Infrastructure {
    /// What `platform` is put into.
    #[must_use]
    pub fn surroundings(&self, platform: &PlatformName) -> &Surroundings {
        self.platforms.get(platform).unwrap_or(&self.defaults)
    }
}

impl Surroundings {
    /// The cluster's name, the last part of an ARN.
    #[must_use]
    pub fn cluster_name(&self) -> &str {
        self.cluster.rsplit('/').next().unwrap_or(&self.cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kept equal to what the bootstrap writes by `infra/check`.
    const WRITTEN: &str = include_str!("../../infra/check/infrastructure.sample.json");

    #[test]
    fn what_the_bootstrap_writes_is_read_and_nothing_of_it_is_lost() {
        let read: Infrastructure = serde_json::from_str(WRITTEN).unwrap();
        let written: serde_json::Value = serde_json::from_str(WRITTEN).unwrap();
        let read = serde_json::to_value(&read).unwrap();
        assert_eq!(read["platforms"], written["platforms"]);
    }
}
