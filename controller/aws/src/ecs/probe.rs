//! Services of nobody, made without tasks and removed at once: ECS then says whether it takes what the account
//! provides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::ServiceConnectConfiguration;
use engine::ports::{Documents, PortError, Remedy, TaskTemplate, Urgency};
use schema::infrastructure::{Infrastructure, Surroundings};
use schema::names::{PlatformName, ServiceName};
use schema::platform::{Image, Scaling};
use schema::units::Whole;

use super::changes::{remove, tag};
use super::definitions::Definitions;
use super::failure::change_error;
use super::names;
use super::notebook::Notebook;
use super::place::Place;
use super::service::ServiceBody;
use super::targets::Targets;
use super::task_definition::TaskDefinitionBody;
use crate::caller::Caller;
use crate::connection::Connection;
use crate::quota::Family;

/// Surroundings that are tried at most: with a thousand platforms that have their own, a few tell enough.
const TRIED: usize = 5;
/// How often a service is made at most: where one of its name was just removed, ECS may still be at it.
const ATTEMPTS: u32 = 5;
/// Pause before the next attempt.
const PAUSE: Duration = Duration::from_secs(3);
/// What a service takes: its removal, twice, its making, its tags, its scaling and an end to that.
const CALLS: [Family; 8] = [
    Family::TaskDefinitionModify,
    Family::ServiceModify,
    Family::ServiceModify,
    Family::ServiceModify,
    Family::TagModify,
    Family::Scaling,
    Family::Scaling,
    Family::Scaling,
];
/// A range in which a service without tasks stays without.
const SCALING: Scaling = Scaling {
    min_capacity: Whole::new(0),
    max_capacity: Whole::new(1),
    target_cpu_utilization: Whole::new(60),
};

/// Makes services of nobody.
#[derive(Debug)]
pub(crate) struct Probe {
    client: Client,
    caller: Arc<Caller>,
    definitions: Definitions,
    targets: Targets,
    bucket: String,
}

impl Probe {
    pub(crate) fn new(
        connection: &Connection,
        caller: &Arc<Caller>,
        documents: Arc<dyn Documents>,
        bucket: &str,
    ) -> Self {
        let client = connection.ecs.clone();
        let notebook = Notebook::new(documents);
        Self {
            definitions: Definitions::new(client.clone(), Arc::clone(caller), notebook),
            targets: Targets::new(connection.scaling.clone(), Arc::clone(caller)),
            client,
            caller: Arc::clone(caller),
            bucket: bucket.to_owned(),
        }
    }

    /// Makes, tags, scales and removes each service in each of the surroundings that differ. Returns how many there were.
    ///
    /// # Errors
    /// When ECS does not take one, with what it says.
    pub(crate) async fn prove(&self, infrastructure: &Infrastructure) -> Result<usize, PortError> {
        let mut made = 0;
        for (number, surroundings) in distinct(infrastructure).into_iter().enumerate() {
            for service in ServiceName::ALL
                .into_iter()
                .filter(|it| has_place(surroundings, *it))
            {
                let place = place(infrastructure, surroundings, service)?;
                self.prove_one(&place, &name(number, service)).await?;
                made += 1;
            }
        }
        Ok(made)
    }

    async fn prove_one(&self, place: &Place, name: &str) -> Result<(), PortError> {
        self.caller.permit(&CALLS, Urgency::Resync).await.begin();
        // One may be left of a try that was cut off.
        remove(&self.client, &self.caller, place, name).await?;
        let kept = self.keep(place, name).await;
        let removed = remove(&self.client, &self.caller, place, name).await;
        kept.and(removed)
    }

    /// Does with it what the controller does with the services of platforms.
    async fn keep(&self, place: &Place, name: &str) -> Result<(), PortError> {
        let arn = self.make_in_the_end(place, name).await?;
        tag(&self.client, &self.caller, place, &arn, &self.bucket).await?;
        let id = names::resource_id(place.surroundings().cluster_name(), name);
        let scaled = self.targets.bring_about(&id, Some(SCALING)).await;
        let left_alone = self.targets.bring_about(&id, None).await;
        scaled.and(left_alone)
    }

    /// Returns its ARN.
    async fn make_in_the_end(&self, place: &Place, name: &str) -> Result<String, PortError> {
        for _ in 1..ATTEMPTS {
            match self.make(place, name).await {
                Err(error) if error.remedy() == Remedy::Retry => tokio::time::sleep(PAUSE).await,
                made => return made,
            }
        }
        self.make(place, name).await
    }

    async fn make(&self, place: &Place, name: &str) -> Result<String, PortError> {
        let action = format!("make a service like {} without tasks", place.service);
        let service = ServiceBody::wanted(place).map_err(|error| error.keeps_from(&action))?;
        let tasks = TaskDefinitionBody::of(place, &template(), &self.bucket);
        let tasks = tasks.map_err(|error| error.keeps_from(&action))?;
        let tasks = tasks.of_nobody(name);
        self.definitions.look_for(&tasks, Urgency::Edit).await;
        let arn = self.definitions.registered(&tasks, None).await?;
        let create = service.create();
        let create = create.map_err(|error| PortError::unavailable(&action, error))?;
        let create = create
            .cluster(place.cluster())
            .service_name(name)
            .task_definition(arn)
            .desired_count(0)
            .set_tags(None)
            .set_service_connect_configuration(connected_as_nobody(place.surroundings()));
        let created = create.send_with(&self.client);
        let created = self.caller.change(Family::ServiceModify, created).await;
        let created = created
            .map_err(|error| change_error(&action, "ecs:CreateService, iam:PassRole", error))?;
        let arn = created.service().and_then(|service| service.service_arn());
        Ok(arn.unwrap_or(name).to_owned())
    }
}

/// In the namespace, and under no name that others call.
fn connected_as_nobody(surroundings: &Surroundings) -> Option<ServiceConnectConfiguration> {
    let namespace = surroundings.service_connect_namespace.as_ref()?;
    let connected = ServiceConnectConfiguration::builder().enabled(true);
    Some(connected.namespace(namespace).build())
}

/// A name that no platform's service can have: theirs have no underscore.
fn name(number: usize, service: ServiceName) -> String {
    format!("loanctl_verify_{number}_{service}")
}

/// Never started.
fn template() -> TaskTemplate {
    TaskTemplate {
        image: Image("loanctl-verify".to_owned()),
        cpu: 256,
        memory: 512,
    }
}

/// Whether `service` is put into `surroundings`: where the score provider is somebody else's, it has none.
fn has_place(surroundings: &Surroundings, service: ServiceName) -> bool {
    service != ServiceName::ScoreProvider
        || surroundings.roles.tasks.contains_key(&service)
        || surroundings.network.security_groups.contains_key(&service)
}

/// The surroundings that a service may notice to be others than those before.
fn distinct(infrastructure: &Infrastructure) -> Vec<&Surroundings> {
    let all = std::iter::once(&infrastructure.defaults).chain(infrastructure.platforms.values());
    let mut seen = BTreeSet::new();
    let mut found: Vec<&Surroundings> = Vec::new();
    for it in all {
        let groups: Vec<_> = it.network.security_groups.values().collect();
        let roles: Vec<_> = it
            .roles
            .tasks
            .values()
            .chain(it.roles.execution.values())
            .collect();
        let targets = it
            .load_balancer
            .as_ref()
            .map(|it| (&it.target_group_arn, &it.auth_target_group_arn));
        let reached_by = (targets, &it.service_connect_namespace);
        if seen.insert((&it.cluster, &it.network.subnets, groups, roles, reached_by)) {
            found.push(it);
        }
    }
    found.truncate(TRIED);
    found
}

/// The place of a service that is put into `surroundings`.
fn place(
    infrastructure: &Infrastructure,
    surroundings: &Surroundings,
    service: ServiceName,
) -> Result<Place, PortError> {
    let platform = PlatformName::try_from("verify");
    let platform =
        platform.map_err(|error| PortError::refused("name a platform", error.to_string()))?;
    let alone = Infrastructure {
        region: infrastructure.region.clone(),
        defaults: surroundings.clone(),
        platforms: BTreeMap::new(),
    };
    Ok(Place::new(platform, service, Arc::new(alone)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::fixture::{dev, infrastructure};
    use crate::ecs::names::parts_of;

    #[test]
    fn no_platform_has_a_service_of_its_name() {
        for service in ServiceName::ALL {
            assert_eq!(parts_of(&name(0, service)), None, "{service}");
        }
    }

    #[test]
    fn a_score_provider_of_somebody_elses_is_not_missed() {
        let mut surroundings = infrastructure().defaults;
        assert!(has_place(&surroundings, ServiceName::ScoreProvider));
        surroundings.roles.tasks.remove(&ServiceName::ScoreProvider);
        let groups = &mut surroundings.network.security_groups;
        groups.remove(&ServiceName::ScoreProvider);
        groups.remove(&ServiceName::Auth);
        surroundings.roles.tasks.remove(&ServiceName::Auth);
        assert!(!has_place(&surroundings, ServiceName::ScoreProvider));
        assert!(has_place(&surroundings, ServiceName::Auth));
    }

    #[test]
    fn surroundings_are_tried_once() {
        let mut infrastructure = infrastructure();
        let mut other = infrastructure.defaults.clone();
        infrastructure.platforms.insert(dev(), other.clone());
        assert_eq!(distinct(&infrastructure).len(), 1);
        other.network.subnets = vec!["subnet-c".to_owned()];
        infrastructure.platforms.insert(dev(), other);
        assert_eq!(distinct(&infrastructure).len(), 2);
    }
}
