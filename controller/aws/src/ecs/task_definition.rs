//! The task definition that a service's tasks are started from: built, digested, and put into ECS's words.

use std::collections::BTreeMap;

use aws_sdk_ecs::operation::register_task_definition::builders::RegisterTaskDefinitionInputBuilder;
use aws_sdk_ecs::types::{
    Compatibility, ContainerDefinition, CpuArchitecture, HealthCheck, KeyValuePair,
    LogConfiguration, LogDriver, NetworkMode, OsFamily, PortMapping, RuntimePlatform, Secret,
    TransportProtocol,
};
use aws_smithy_types::error::operation::BuildError;
use engine::ports::TaskTemplate;
use schema::infrastructure::Architecture;
use schema::revision::digest_of;
use serde::Serialize;

use super::environment::{ADMIN_PORT, Variables, secrets, variables};
use super::owner::tags;
use super::place::Place;
use super::unprovided::Unprovided;

/// Label with the image as the spec names it.
pub(crate) const IMAGE_LABEL: &str = "dev.lending.image";
/// Label with the digest of everything else: the same digest, the same task definition.
pub(crate) const DIGEST_LABEL: &str = "dev.lending.digest";
/// Name of the admin port's mapping.
const ADMIN: &str = "admin";
/// Tasks stop by themselves within 25 s of being told to; ECS kills what is left after this.
const STOP_TIMEOUT_S: i32 = 30;
/// User and group of the tasks: nobody in particular, as images without a shell have it.
const USER: &str = "65532:65532";
/// Log lines that may wait for CloudWatch. What comes beyond them is lost; a service never waits for its log.
const LOG_BUFFER: &str = "8m";

/// A task definition as it is wanted, with nothing in it whose order could differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskDefinitionBody {
    pub(crate) family: String,
    cpu: u32,
    memory: u32,
    architecture: Architecture,
    execution_role: String,
    task_role: String,
    container: Container,
    tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    name: String,
    /// As the spec names it.
    image: String,
    /// As it is pulled.
    pulled: String,
    user: &'static str,
    stop_timeout_s: i32,
    ports: BTreeMap<String, u16>,
    environment: Variables,
    secrets: Variables,
    health_check: Health,
    log: BTreeMap<&'static str, String>,
}

/// When ECS takes a container for healthy: the service's own program asks its admin port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Health {
    command: Vec<String>,
    interval_s: i32,
    timeout_s: i32,
    retries: i32,
    start_period_s: i32,
}

impl Health {
    /// A deployment counts a task only when it is healthy, so the check is frequent. Replacing a task takes far
    /// longer than half a minute: one that hangs is given that long.
    fn of(program: &str) -> Self {
        Self {
            command: ["CMD", program, "check-health"].map(str::to_owned).to_vec(),
            interval_s: 5,
            timeout_s: 3,
            retries: 6,
            start_period_s: 60,
        }
    }
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
        let (roles, service) = (&place.surroundings().roles, place.service);
        let execution_role = roles.execution.get(&service).cloned();
        let task_role = roles.tasks.get(&service).cloned();
        Ok(Self {
            family: place.name(),
            cpu: template.cpu,
            memory: template.memory,
            architecture: place.surroundings().architecture,
            execution_role: execution_role.ok_or(Unprovided::ExecutionRole(service))?,
            task_role: task_role.ok_or(Unprovided::TaskRole(service))?,
            container: Container::of(place, template, bucket),
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
        let platform = RuntimePlatform::builder()
            .operating_system_family(OsFamily::Linux)
            .cpu_architecture(match self.architecture {
                Architecture::X86_64 => CpuArchitecture::X8664,
                Architecture::Arm64 => CpuArchitecture::Arm64,
            });
        Ok(RegisterTaskDefinitionInputBuilder::default()
            .family(&self.family)
            .requires_compatibilities(Compatibility::Fargate)
            .network_mode(NetworkMode::Awsvpc)
            .cpu(self.cpu.to_string())
            .memory(self.memory.to_string())
            .runtime_platform(platform.build())
            .execution_role_arn(&self.execution_role)
            .task_role_arn(&self.task_role)
            .container_definitions(self.container.definition(self.digest())?)
            // ECS refuses an empty list.
            .set_tags((!self.tags.is_empty()).then(|| super::owner::in_ecs(&self.tags))))
    }
}

impl Container {
    fn of(place: &Place, template: &TaskTemplate, bucket: &str) -> Self {
        let (service, surroundings) = (place.service, place.surroundings());
        Self {
            name: service.kebab().to_owned(),
            image: template.image.0.clone(),
            pulled: place.pulled(&template.image.0),
            user: USER,
            stop_timeout_s: STOP_TIMEOUT_S,
            ports: BTreeMap::from([
                (service.kebab().to_owned(), service.port()),
                (ADMIN.to_owned(), ADMIN_PORT),
            ]),
            environment: variables(place, bucket),
            secrets: secrets(place),
            health_check: Health::of(service.kebab()),
            log: BTreeMap::from([
                ("awslogs-group", surroundings.log_group.clone()),
                ("awslogs-region", place.region().to_owned()),
                ("awslogs-stream-prefix", place.platform.to_string()),
                ("mode", "non-blocking".to_owned()),
                ("max-buffer-size", LOG_BUFFER.to_owned()),
            ]),
        }
    }

    fn definition(&self, digest: String) -> Result<ContainerDefinition, BuildError> {
        let ports = self.ports.iter().map(|(name, port)| mapping(name, *port));
        let environment = self.environment.iter();
        let environment = environment
            .map(|(name, value)| KeyValuePair::builder().name(*name).value(value).build());
        let secrets = self.secrets.iter();
        let secrets =
            secrets.map(|(name, arn)| Secret::builder().name(*name).value_from(arn).build());
        Ok(ContainerDefinition::builder()
            .name(&self.name)
            .image(&self.pulled)
            .essential(true)
            .user(self.user)
            .readonly_root_filesystem(true)
            .stop_timeout(self.stop_timeout_s)
            .set_port_mappings(Some(ports.collect()))
            .set_environment(Some(environment.collect()))
            .set_secrets(Some(secrets.collect::<Result<_, _>>()?))
            .health_check(self.health_check.definition()?)
            .log_configuration(self.log_configuration()?)
            .docker_labels(IMAGE_LABEL, &self.image)
            .docker_labels(DIGEST_LABEL, digest)
            .build())
    }

    fn log_configuration(&self) -> Result<LogConfiguration, BuildError> {
        let owned = |(name, value): (&&str, &String)| ((*name).to_owned(), value.clone());
        LogConfiguration::builder()
            .log_driver(LogDriver::Awslogs)
            .set_options(Some(self.log.iter().map(owned).collect()))
            .build()
    }
}

impl Health {
    fn definition(&self) -> Result<HealthCheck, BuildError> {
        HealthCheck::builder()
            .set_command(Some(self.command.clone()))
            .interval(self.interval_s)
            .timeout(self.timeout_s)
            .retries(self.retries)
            .start_period(self.start_period_s)
            .build()
    }
}

/// Without an application protocol Service Connect passes connections on and leaves requests alone: how often
/// a call is made, and how long it may take, is decided by the resilience settings, and by nobody else.
fn mapping(name: &str, port: u16) -> PortMapping {
    PortMapping::builder()
        .name(name)
        .container_port(port.into())
        .host_port(port.into())
        .protocol(TransportProtocol::Tcp)
        .build()
}

#[cfg(test)]
mod tests {
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
