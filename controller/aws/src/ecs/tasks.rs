//! Tasks as their home keeps them: everything of a task definition but its template.
//!
//! One plain form for both sides, wanted and registered, with ECS's defaults filled in. What ECS adds to a task definition
//! when it tells of it is none of its fields, and so never a difference.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::{
    ContainerDefinition, CpuArchitecture, HealthCheck, LogConfiguration, PortMapping,
    RuntimePlatform, TaskDefinition,
};
use aws_smithy_types::error::operation::BuildError;
use schema::infrastructure::Architecture;
use serde::{Deserialize, Serialize};

use super::environment::{ADMIN_PORT, is_told, secrets, variables};
use super::health::Health;
use super::place::Place;
use super::unprovided::Unprovided;

/// Stands for what somebody else wrote: it differs from anything of ours, and what it says may be a secret.
pub(crate) const HIDDEN: &str = "…";
/// Name of the admin port's mapping.
const ADMIN: &str = "admin";
/// Tasks stop by themselves within 25 s of being told to; ECS kills what is left after this. ECS's own default too.
///
/// Source: Amazon ECS API Reference, `ContainerDefinition`.
const STOP_TIMEOUT_S: i32 = 30;
/// User and group of the tasks: nobody in particular, as images without a shell have it.
const USER: &str = "65532:65532";
/// Log lines that may wait for CloudWatch. What comes beyond them is lost; a service never waits for its log.
const LOG_BUFFER: &str = "8m";
/// Names of a log driver's options that hold nothing secret.
const LOG_OPTIONS: [&str; 5] = [
    "awslogs-group",
    "awslogs-region",
    "awslogs-stream-prefix",
    "max-buffer-size",
    "mode",
];

/// Everything of a task definition that its home decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskBody {
    pub(crate) architecture: String,
    pub(crate) execution_role: String,
    pub(crate) task_role: String,
    pub(crate) container: String,
    pub(crate) user: String,
    pub(crate) read_only: bool,
    pub(crate) stop_timeout_s: i32,
    pub(crate) ports: BTreeMap<String, i32>,
    pub(crate) environment: BTreeMap<String, String>,
    /// Where the values are, never the values.
    pub(crate) secrets: BTreeMap<String, String>,
    pub(crate) health_check: Health,
    pub(crate) log_driver: String,
    pub(crate) log: BTreeMap<String, String>,
    /// What is in it that we never put there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) additions: BTreeMap<String, String>,
}

impl TaskBody {
    /// What tasks of `place` are to be, with their settings in `bucket`.
    ///
    /// # Errors
    /// Where the account provides no role for them.
    pub(crate) fn wanted(place: &Place, bucket: &str) -> Result<Self, Unprovided> {
        let (service, surroundings) = (place.service, place.surroundings());
        let execution_role = surroundings.roles.execution.get(&service).cloned();
        let task_role = surroundings.roles.tasks.get(&service).cloned();
        Ok(Self {
            architecture: architecture(surroundings.architecture).as_str().to_owned(),
            execution_role: execution_role.ok_or(Unprovided::ExecutionRole(service))?,
            task_role: task_role.ok_or(Unprovided::TaskRole(service))?,
            container: service.kebab().to_owned(),
            user: USER.to_owned(),
            read_only: true,
            stop_timeout_s: STOP_TIMEOUT_S,
            ports: BTreeMap::from([
                (service.kebab().to_owned(), service.port().into()),
                (ADMIN.to_owned(), ADMIN_PORT.into()),
            ]),
            environment: owned(variables(place, bucket)),
            secrets: owned(secrets(place)),
            health_check: Health::of(service.kebab()),
            log_driver: "awslogs".to_owned(),
            log: owned(BTreeMap::from([
                ("awslogs-group", surroundings.log_group.clone()),
                ("awslogs-region", place.region().to_owned()),
                ("awslogs-stream-prefix", place.platform.to_string()),
                ("mode", "non-blocking".to_owned()),
                ("max-buffer-size", LOG_BUFFER.to_owned()),
            ])),
            additions: BTreeMap::new(),
        })
    }

    /// The same of a task definition as it was `found`, whose own container is `container`.
    pub(crate) fn found(found: &TaskDefinition, container: &ContainerDefinition) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let log = container.log_configuration();
        Self {
            architecture: found_architecture(found.runtime_platform()),
            execution_role: text(found.execution_role_arn()),
            task_role: text(found.task_role_arn()),
            container: text(container.name()),
            user: text(container.user()),
            read_only: container.readonly_root_filesystem() == Some(true),
            stop_timeout_s: container.stop_timeout().unwrap_or(STOP_TIMEOUT_S),
            ports: container.port_mappings().iter().map(port).collect(),
            environment: found_environment(container),
            secrets: found_secrets(container),
            health_check: Health::found(container.health_check()),
            log_driver: text(log.map(|log| log.log_driver().as_str())),
            log: log.map(found_log).unwrap_or_default(),
            additions: additions(found, container),
        }
    }

    pub(crate) fn runtime_platform(&self) -> RuntimePlatform {
        RuntimePlatform::builder()
            .operating_system_family(aws_sdk_ecs::types::OsFamily::Linux)
            .cpu_architecture(self.architecture.as_str().into())
            .build()
    }

    pub(crate) fn log_configuration(&self) -> Result<LogConfiguration, BuildError> {
        LogConfiguration::builder()
            .log_driver(self.log_driver.as_str().into())
            .set_options(Some(self.log.clone().into_iter().collect()))
            .build()
    }

    pub(crate) fn health_check(&self) -> Result<HealthCheck, BuildError> {
        self.health_check.in_ecs()
    }
}

fn owned(values: BTreeMap<&'static str, String>) -> BTreeMap<String, String> {
    let owned = |(name, value): (&str, String)| (name.to_owned(), value);
    values.into_iter().map(owned).collect()
}

const fn architecture(architecture: Architecture) -> CpuArchitecture {
    match architecture {
        Architecture::X86_64 => CpuArchitecture::X8664,
        Architecture::Arm64 => CpuArchitecture::Arm64,
    }
}

/// What ECS takes where nothing is said.
///
/// Source: Amazon ECS Developer Guide, "Task definition parameters for Fargate", runtime platform.
fn found_architecture(platform: Option<&RuntimePlatform>) -> String {
    let said = platform.and_then(RuntimePlatform::cpu_architecture);
    said.unwrap_or(&CpuArchitecture::X8664).as_str().to_owned()
}

/// A mapping without a name goes by its number.
fn port(mapping: &PortMapping) -> (String, i32) {
    let number = mapping.container_port().unwrap_or_default();
    let name = mapping.name().map(str::to_owned);
    (name.unwrap_or_else(|| number.to_string()), number)
}

fn found_environment(container: &ContainerDefinition) -> BTreeMap<String, String> {
    let pairs = container.environment().iter();
    let pair = pairs.filter_map(|pair| Some((pair.name()?, pair.value().unwrap_or_default())));
    let shown = |(name, value): (&str, &str)| {
        let value = if is_told(name) { value } else { HIDDEN };
        (name.to_owned(), value.to_owned())
    };
    pair.map(shown).collect()
}

fn found_secrets(container: &ContainerDefinition) -> BTreeMap<String, String> {
    let secrets = container.secrets().iter();
    let secrets = secrets.map(|it| (it.name().to_owned(), it.value_from().to_owned()));
    secrets.collect()
}

fn found_log(log: &LogConfiguration) -> BTreeMap<String, String> {
    let shown = |(name, value): (&String, &String)| {
        let is_known = LOG_OPTIONS.contains(&name.as_str());
        let value = if is_known { value } else { HIDDEN };
        (name.clone(), value.to_owned())
    };
    let options = log.options().into_iter().flatten().map(shown);
    let secrets = log.secret_options().iter();
    let secrets = secrets.map(|it| (it.name().to_owned(), it.value_from().to_owned()));
    options.chain(secrets).collect()
}

/// What somebody put into a task definition that none of ours has.
fn additions(found: &TaskDefinition, own: &ContainerDefinition) -> BTreeMap<String, String> {
    let containers = found.container_definitions().iter();
    let others = containers.filter(|other| other.name() != own.name());
    let sidecars = others.map(|other| {
        let image = other.image().unwrap_or_default();
        let name = other.name().unwrap_or_default();
        (format!("containers.{name}"), image.to_owned())
    });
    let written = [
        ("command", !own.command().is_empty()),
        ("entryPoint", !own.entry_point().is_empty()),
        ("environmentFiles", !own.environment_files().is_empty()),
        ("mountPoints", !own.mount_points().is_empty()),
        ("privileged", own.privileged() == Some(true)),
        ("volumes", !found.volumes().is_empty()),
    ];
    let written = written.into_iter().filter(|(_, is_there)| *is_there);
    let written = written.map(|(name, _)| (name.to_owned(), HIDDEN.to_owned()));
    sidecars.chain(written).collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{KeyValuePair, LogDriver, MountPoint, VolumeFrom};
    use schema::names::ServiceName;
    use schema::revision::leaf_changes;

    use super::*;
    use crate::ecs::fixture::{place, registered, template};
    use crate::ecs::task_definition::TaskDefinitionBody;

    fn wanted() -> TaskBody {
        TaskBody::wanted(&place(ServiceName::Auth), "loans").unwrap()
    }

    /// What ECS tells of a task definition that was registered as wanted, its container edited by `edit`.
    fn found(edit: impl FnOnce(&mut ContainerDefinition)) -> TaskBody {
        let place = place(ServiceName::Auth);
        let body = TaskDefinitionBody::of(&place, &template("auth:1"), "loans").unwrap();
        let input = body.input().unwrap().build().unwrap();
        let mut found = registered(&input);
        let container = &mut found.container_definitions.as_mut().unwrap()[0];
        edit(container);
        let container = found.container_definitions()[0].clone();
        TaskBody::found(&found, &container)
    }

    fn changes(edit: impl FnOnce(&mut ContainerDefinition)) -> Vec<String> {
        let changes = leaf_changes(&found(edit), &wanted());
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_ecs_fills_in_by_itself_is_no_difference() {
        let filled_in = |container: &mut ContainerDefinition| {
            container.cpu = 0;
            container.mount_points = Some(Vec::<MountPoint>::new());
            container.volumes_from = Some(Vec::<VolumeFrom>::new());
            container.system_controls = Some(Vec::new());
            container.environment_files = Some(Vec::new());
            container.environment.as_mut().unwrap().reverse();
            container.secrets.as_mut().unwrap().reverse();
            container.port_mappings.as_mut().unwrap().reverse();
        };
        assert_eq!(found(filled_in), wanted());
    }

    #[test]
    fn what_is_not_said_is_what_ecs_takes_for_it() {
        let silent = |container: &mut ContainerDefinition| container.stop_timeout = None;
        assert_eq!(found(silent), wanted());
    }

    #[test]
    fn a_secret_is_told_by_where_it_is() {
        let moved = changes(|container| {
            container.secrets.as_mut().unwrap()[0].value_from = "arn:other".to_owned();
        });
        assert_eq!(moved, ["secrets.LOAN_CLIENTS: arn:other → arn:clients"]);
    }

    #[test]
    fn what_others_wrote_is_named_and_not_shown() {
        let extra = changes(|container| {
            let secret = KeyValuePair::builder().name("PASSWORD").value("hunter2");
            let clients = KeyValuePair::builder().name("LOAN_CLIENTS").value("[]");
            let environment = container.environment.as_mut().unwrap();
            environment.extend([secret.build(), clients.build()]);
            container.command = Some(vec!["--password=hunter2".to_owned()]);
            let log = LogConfiguration::builder().log_driver(LogDriver::Awslogs);
            let log = log.set_options(Some(wanted().log.into_iter().collect()));
            let log = log.options("splunk-token", "hunter2").build();
            container.log_configuration = Some(log.unwrap());
            let check = HealthCheck::builder().command("curl -u u:hunter2");
            container.health_check = Some(check.build().unwrap());
        });
        assert_eq!(
            extra,
            [
                "additions.command: … → nothing",
                "environment.LOAN_CLIENTS: … → nothing",
                "environment.PASSWORD: … → nothing",
                "healthCheck.command: … → CMD auth check-health",
                "healthCheck.intervalS: 30 → 5",
                "healthCheck.retries: 3 → 6",
                "healthCheck.startPeriodS: 0 → 60",
                "healthCheck.timeoutS: 5 → 3",
                "log.splunk-token: … → nothing",
            ]
        );
    }
}
