//! What an account might provide, for tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use aws_sdk_ecs::types::{TaskDefinition, TaskDefinitionStatus};
use engine::ports::TaskTemplate;
use schema::infrastructure::{
    Architecture, AuthSecrets, DashboardSources, Database, DatabaseAuthentication, Infrastructure,
    LoadBalancer, Network, Roles, Surroundings,
};
use schema::names::{PlatformName, ServiceName};
use schema::platform::Image;

use super::place::Place;

pub(crate) fn dev() -> PlatformName {
    PlatformName::try_from("dev").unwrap()
}

/// A place whose account provides everything.
pub(crate) fn place(service: ServiceName) -> Place {
    place_in(service, infrastructure())
}

pub(crate) fn place_in(service: ServiceName, infrastructure: Infrastructure) -> Place {
    Place::new(dev(), service, Arc::new(infrastructure))
}

pub(crate) fn template(image: &str) -> TaskTemplate {
    TaskTemplate {
        image: Image(image.to_owned()),
        cpu: 256,
        memory: 512,
    }
}

/// What ECS tells of a task definition once `input` was registered.
pub(crate) fn registered(input: &RegisterTaskDefinitionInput) -> TaskDefinition {
    TaskDefinition::builder()
        .task_definition_arn("arn:dev-scoring:7")
        .set_family(input.family.clone())
        .revision(7)
        .set_cpu(input.cpu.clone())
        .set_memory(input.memory.clone())
        .set_runtime_platform(input.runtime_platform.clone())
        .set_execution_role_arn(input.execution_role_arn.clone())
        .set_task_role_arn(input.task_role_arn.clone())
        .set_container_definitions(input.container_definitions.clone())
        .status(TaskDefinitionStatus::Active)
        .build()
}

pub(crate) fn infrastructure() -> Infrastructure {
    Infrastructure {
        region: "eu-west-1".to_owned(),
        defaults: Surroundings {
            cluster: "arn:aws:ecs:eu-west-1:123456789012:cluster/loans".to_owned(),
            registry: Some("registry.example".to_owned()),
            architecture: Architecture::X86_64,
            network: Network {
                subnets: vec!["subnet-b".to_owned(), "subnet-a".to_owned()],
                security_groups: of_each(|service| vec![format!("sg-{service}")]),
                assign_public_ip: false,
            },
            roles: Roles {
                execution: of_each(|service| format!("arn:execution-{service}")),
                tasks: of_each(|service| format!("arn:task-{service}")),
            },
            log_group: "/loans".to_owned(),
            service_connect_namespace: Some("loans".to_owned()),
            load_balancer: Some(LoadBalancer {
                target_group_arn: "arn:target-group".to_owned(),
                auth_target_group_arn: Some("arn:auth-target-group".to_owned()),
                target_group: "targetgroup/loan-api/1".to_owned(),
                name: "app/loan/1".to_owned(),
                endpoint: "https://loans.example".to_owned(),
            }),
            database: Some(Database {
                host: "db.example".to_owned(),
                port: 5432,
                name: "loans_db".to_owned(),
                authentication: DatabaseAuthentication {
                    secret: Some("arn:database".to_owned()),
                    iam_user: None,
                },
            }),
            auth: Some(AuthSecrets {
                clients: "arn:clients".to_owned(),
                signing_key: "arn:signing-key".to_owned(),
            }),
            notification_topic: None,
            trace_collector: None,
            dashboard: DashboardSources::default(),
        },
        platforms: BTreeMap::new(),
    }
}

fn of_each<T>(make: impl Fn(ServiceName) -> T) -> BTreeMap<ServiceName, T> {
    let one = |service| (service, make(service));
    ServiceName::ALL.map(one).into_iter().collect()
}
