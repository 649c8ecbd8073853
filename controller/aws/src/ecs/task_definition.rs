//! The task definition that a service's tasks are started from: built, digested, and put into ECS's words.

use std::collections::BTreeMap;

use aws_sdk_ecs::operation::register_task_definition::builders::RegisterTaskDefinitionInputBuilder;
use aws_sdk_ecs::types::{
    Compatibility, ContainerDefinition, KeyValuePair, NetworkMode, PortMapping, Secret,
    TransportProtocol,
};
use aws_smithy_types::error::operation::BuildError;
use engine::ports::TaskTemplate;
use schema::revision::digest_of;
use serde::Serialize;

use super::owner::tags;
use super::place::Place;
use super::tasks::TaskBody;
use super::unprovided::Unprovided;

/// Label with the image as the spec names it.
pub(crate) const IMAGE_LABEL: &str = "dev.lending.image";
/// Label with the digest of everything else: the same digest, the same task definition.
pub(crate) const DIGEST_LABEL: &str = "dev.lending.digest";
/// A task definition as it is wanted, with nothing in it whose order could differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskDefinitionBody {
    pub(crate) family: String,
    pub(crate) cpu: u32,
    pub(crate) memory: u32,
    /// As the spec names it.
    image: String,
    /// As it is pulled.
    pub(crate) pulled: String,
    pub(crate) tasks: TaskBody,
    tags: BTreeMap<String, String>,
}

impl TaskDefinitionBody {
    /// What tasks of `place` are started from, with their settings in `bucket`.
    ///
    /// # Errors
    /// Where the account provides no role for them.
    pub(crate) fn of(
        place: &Place,
        template: &TaskTemplate,
        bucket: &str,
    ) -> Result<Self, Unprovided> {
        Ok(Self {
            family: place.name(),
            cpu: template.cpu,
            memory: template.memory,
            image: template.image.0.clone(),
            pulled: place.pulled(&template.image.0),
            tasks: TaskBody::wanted(place, bucket)?,
            tags: tags(place),
        })
    }

    /// The same for nobody: called `family`, and without our tags.
    pub(crate) fn of_nobody(self, family: &str) -> Self {
        Self {
            family: family.to_owned(),
            tags: BTreeMap::new(),
            ..self
        }
    }

    /// Its digest. What is equal is registered once.
    pub(crate) fn digest(&self) -> String {
        digest_of(self)
    }

    /// It in ECS's words.
    ///
    /// # Errors
    /// Never: everything that ECS asks for is there.
    pub(crate) fn input(&self) -> Result<RegisterTaskDefinitionInputBuilder, BuildError> {
        Ok(RegisterTaskDefinitionInputBuilder::default()
            .family(&self.family)
            .requires_compatibilities(Compatibility::Fargate)
            .network_mode(NetworkMode::Awsvpc)
            .cpu(self.cpu.to_string())
            .memory(self.memory.to_string())
            .runtime_platform(self.tasks.runtime_platform())
            .execution_role_arn(&self.tasks.execution_role)
            .task_role_arn(&self.tasks.task_role)
            .container_definitions(self.container()?)
            // ECS refuses an empty list.
            .set_tags((!self.tags.is_empty()).then(|| super::owner::in_ecs(&self.tags))))
    }

    fn container(&self) -> Result<ContainerDefinition, BuildError> {
        let tasks = &self.tasks;
        let ports = tasks.ports.iter().map(|(name, port)| mapping(name, *port));
        let environment = tasks.environment.iter();
        let environment = environment
            .map(|(name, value)| KeyValuePair::builder().name(name).value(value).build());
        let secrets = tasks.secrets.iter();
        let secrets =
            secrets.map(|(name, arn)| Secret::builder().name(name).value_from(arn).build());
        Ok(ContainerDefinition::builder()
            .name(&tasks.container)
            .image(&self.pulled)
            .essential(true)
            .user(&tasks.user)
            .readonly_root_filesystem(tasks.read_only)
            .stop_timeout(tasks.stop_timeout_s)
            .set_port_mappings(Some(ports.collect()))
            .set_environment(Some(environment.collect()))
            .set_secrets(Some(secrets.collect::<Result<_, _>>()?))
            .health_check(tasks.health_check()?)
            .log_configuration(tasks.log_configuration()?)
            .docker_labels(IMAGE_LABEL, &self.image)
            .docker_labels(DIGEST_LABEL, self.digest())
            .build())
    }
}

/// Without an application protocol Service Connect passes connections on and leaves requests alone: how often
/// a call is made, and how long it may take, is decided by the resilience settings, and by nobody else.
fn mapping(name: &str, port: i32) -> PortMapping {
    PortMapping::builder()
        .name(name)
        .container_port(port)
        .host_port(port)
        .protocol(TransportProtocol::Tcp)
        .build()
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::CpuArchitecture;
    use schema::names::ServiceName;

    use super::*;
    use crate::ecs::fixture::{infrastructure, place, place_in, template};

    fn body(service: ServiceName, image: &str) -> TaskDefinitionBody {
        TaskDefinitionBody::of(&place(service), &template(image), "loans").unwrap()
    }

    #[test]
    fn a_task_definition_says_all_that_fargate_asks_for() {
        let input = body(ServiceName::Scoring, "scoring:1").input().unwrap();
        let input = input.build().unwrap();
        assert_eq!(input.family(), Some("dev-scoring"));
        assert_eq!((input.cpu(), input.memory()), (Some("256"), Some("512")));
        assert_eq!(input.network_mode(), Some(&NetworkMode::Awsvpc));
        assert_eq!(input.requires_compatibilities(), [Compatibility::Fargate]);
        assert_eq!(input.execution_role_arn(), Some("arn:execution-scoring"));
        assert_eq!(input.task_role_arn(), Some("arn:task-scoring"));
        let platform = input.runtime_platform().unwrap();
        assert_eq!(platform.cpu_architecture(), Some(&CpuArchitecture::X8664));
    }

    #[test]
    fn its_container_is_bounded_watched_and_cannot_write() {
        let input = body(ServiceName::Scoring, "scoring:1").input().unwrap();
        let input = input.build().unwrap();
        let [container] = input.container_definitions() else {
            panic!("one container");
        };
        assert_eq!(container.name(), Some("scoring"));
        assert_eq!(container.image(), Some("registry.example/scoring:1"));
        assert_eq!(container.readonly_root_filesystem(), Some(true));
        assert_eq!(container.user(), Some("65532:65532"));
        assert_eq!(container.stop_timeout(), Some(30));
        let ports = container.port_mappings().iter();
        let ports: Vec<_> = ports
            .map(|port| (port.name(), port.container_port()))
            .collect();
        assert_eq!(
            ports,
            [(Some("admin"), Some(9000)), (Some("scoring"), Some(8083))]
        );
        let log = container.log_configuration().unwrap().options().unwrap();
        assert_eq!(log["mode"], "non-blocking");
        assert_eq!(log["awslogs-group"], "/loans");
        assert_eq!(log["awslogs-stream-prefix"], "dev");
        let health = container.health_check().unwrap();
        assert_eq!(health.command(), ["CMD", "scoring", "check-health"]);
    }

    #[test]
    fn the_environment_comes_sorted() {
        let input = body(ServiceName::LoanApi, "loan-api:1").input().unwrap();
        let input = input.build().unwrap();
        let environment = input.container_definitions()[0].environment();
        let names: Vec<_> = environment.iter().map(|pair| pair.name()).collect();
        assert!(names.is_sorted(), "{names:?}");
    }

    #[test]
    fn the_digest_tells_whatever_a_task_would_notice() {
        let digest = body(ServiceName::Scoring, "scoring:1").digest();
        assert_eq!(digest, body(ServiceName::Scoring, "scoring:1").digest());
        assert_ne!(digest, body(ServiceName::Scoring, "scoring:2").digest());

        let mut elsewhere = infrastructure();
        let roles = &mut elsewhere.defaults.roles.execution;
        roles.insert(ServiceName::Scoring, "arn:another".to_owned());
        let place = place_in(ServiceName::Scoring, elsewhere);
        let other = TaskDefinitionBody::of(&place, &template("scoring:1"), "loans").unwrap();
        assert_ne!(digest, other.digest());
    }

    #[test]
    fn what_a_service_alone_is_put_into_makes_no_new_task_definition() {
        let mut elsewhere = infrastructure();
        elsewhere.defaults.network.subnets = vec!["subnet-c".to_owned()];
        let place = place_in(ServiceName::Scoring, elsewhere);
        let other = TaskDefinitionBody::of(&place, &template("scoring:1"), "loans").unwrap();
        assert_eq!(
            other.digest(),
            body(ServiceName::Scoring, "scoring:1").digest()
        );
    }

    #[test]
    fn a_missing_role_is_named() {
        let mut without = infrastructure();
        without.defaults.roles.tasks.clear();
        let place = place_in(ServiceName::Auth, without);
        let error = TaskDefinitionBody::of(&place, &template("auth:1"), "loans").unwrap_err();
        assert_eq!(
            error.keeps_from("deploy auth").to_string(),
            "cannot deploy auth: name a role for the tasks of auth under `roles.tasks` of \
             bootstrap/infrastructure.json"
        );
    }
}
