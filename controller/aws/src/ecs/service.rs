//! A service as its home keeps it: everything of it but its count, its template and its scaling.
//!
//! One plain form for both sides, wanted and found, with ECS's defaults filled in and nothing in it whose order
//! could differ. So two of them differ only where a person would say so, and calls are made from the very form
//! that is compared.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::operation::create_service::builders::CreateServiceInputBuilder;
use aws_sdk_ecs::operation::update_service::builders::UpdateServiceInputBuilder;
use aws_sdk_ecs::types::{
    AssignPublicIp, AvailabilityZoneRebalancing, AwsVpcConfiguration, DeploymentCircuitBreaker,
    DeploymentConfiguration, LaunchType, LoadBalancer, NetworkConfiguration, PropagateTags,
    ServiceConnectClientAlias, ServiceConnectConfiguration, ServiceConnectService,
};
use aws_smithy_types::error::operation::BuildError;
use schema::names::ServiceName;
use serde::Serialize;

use super::owner;
use super::place::Place;
use super::unprovided::Unprovided;

/// How long the load balancer's word on a new task does not count, in seconds: it checks its tasks every few
/// seconds, and a task is ready some seconds after it runs.
const GRACE_PERIOD_S: i32 = 60;

/// Everything of a service that its home decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceBody {
    pub(crate) network: Network,
    pub(crate) deployments: Deployments,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) service_connect: Option<ServiceConnect>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) load_balancer: Option<Target>,
    /// How long the load balancer's word on a new task does not count, in seconds; absent where none leads to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grace_period_s: Option<i32>,
    pub(crate) availability_zone_rebalancing: bool,
    pub(crate) managed_tags: bool,
    pub(crate) tags_from: String,
    pub(crate) tags: BTreeMap<String, String>,
}

/// Where tasks are in the network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Network {
    pub(crate) subnets: BTreeSet<String>,
    pub(crate) security_groups: BTreeSet<String>,
    pub(crate) assign_public_ip: bool,
}

/// How tasks are replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deployments {
    pub(crate) circuit_breaker: bool,
    pub(crate) rollback: bool,
    pub(crate) minimum_healthy_percent: i32,
    pub(crate) maximum_percent: i32,
}

/// What other services find it by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceConnect {
    pub(crate) namespace: String,
    /// By the name of a port of the container.
    pub(crate) endpoints: BTreeMap<String, Endpoint>,
}

/// A name that others call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Endpoint {
    pub(crate) discovery_name: String,
    pub(crate) host: String,
    pub(crate) port: i32,
}

/// What leads clients to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Target {
    pub(crate) target_group: String,
    pub(crate) container: String,
    pub(crate) port: i32,
}

impl Deployments {
    /// Each new task serves before an old one goes, and where new ones do not become healthy ECS itself goes
    /// back, also while no controller runs.
    const OURS: Self = Self {
        circuit_breaker: true,
        rollback: true,
        minimum_healthy_percent: 100,
        maximum_percent: 200,
    };
}

impl ServiceBody {
    /// The service of `place` as it should be.
    ///
    /// # Errors
    /// Where the account does not provide what it takes.
    pub(crate) fn wanted(place: &Place) -> Result<Self, Unprovided> {
        let load_balancer = Target::wanted(place);
        Ok(Self {
            network: Network::wanted(place)?,
            deployments: Deployments::OURS,
            service_connect: ServiceConnect::wanted(place),
            grace_period_s: load_balancer.is_some().then_some(GRACE_PERIOD_S),
            load_balancer,
            availability_zone_rebalancing: true,
            managed_tags: true,
            tags_from: PropagateTags::Service.as_str().to_owned(),
            tags: owner::tags(place),
        })
    }

    /// What makes it, but for its template and count.
    ///
    /// # Errors
    /// Never: everything that ECS asks for is there.
    pub(crate) fn create(&self) -> Result<CreateServiceInputBuilder, BuildError> {
        let target = self.load_balancer.as_ref();
        Ok(CreateServiceInputBuilder::default()
            .launch_type(LaunchType::Fargate)
            .network_configuration(self.network.in_ecs()?)
            .deployment_configuration(self.deployments.in_ecs())
            .set_service_connect_configuration(
                self.service_connect
                    .as_ref()
                    .map(ServiceConnect::in_ecs)
                    .transpose()?,
            )
            .set_load_balancers(target.map(|target| vec![target.in_ecs()]))
            .set_health_check_grace_period_seconds(self.grace_period_s)
            .availability_zone_rebalancing(self.rebalancing())
            .enable_ecs_managed_tags(self.managed_tags)
            .propagate_tags(self.tags_from.as_str().into())
            .set_tags(Some(owner::in_ecs(&self.tags))))
    }

    /// What brings all of it about in a service that is there, but for its tags, which are put on by a call of
    /// their own. What is to be gone is said too: what an update is silent of stays.
    ///
    /// # Errors
    /// Never: everything that ECS asks for is there.
    pub(crate) fn update(&self) -> Result<UpdateServiceInputBuilder, BuildError> {
        let target = self.load_balancer.as_ref();
        let connect = match &self.service_connect {
            Some(connect) => connect.in_ecs()?,
            None => ServiceConnectConfiguration::builder()
                .enabled(false)
                .build(),
        };
        Ok(UpdateServiceInputBuilder::default()
            .network_configuration(self.network.in_ecs()?)
            .deployment_configuration(self.deployments.in_ecs())
            .service_connect_configuration(connect)
            .set_load_balancers(Some(target.map(Target::in_ecs).into_iter().collect()))
            .set_health_check_grace_period_seconds(self.grace_period_s)
            .availability_zone_rebalancing(self.rebalancing())
            .enable_ecs_managed_tags(self.managed_tags)
            .propagate_tags(self.tags_from.as_str().into()))
    }

    /// What brings it about in a service that is there and was `found`, as [`update`](Self::update) does, and says
    /// nothing that would have ECS replace tasks and is as it should be.
    ///
    /// Source: Amazon ECS API Reference, `UpdateService`: what of it starts a new deployment.
    ///
    /// # Errors
    /// Never: everything that ECS asks for is there.
    pub(crate) fn repair(&self, found: &Self) -> Result<UpdateServiceInputBuilder, BuildError> {
        let mut update = self.update()?;
        if found.network == self.network {
            update = update.set_network_configuration(None);
        }
        if found.service_connect == self.service_connect {
            update = update.set_service_connect_configuration(None);
        }
        if found.load_balancer == self.load_balancer {
            update = update.set_load_balancers(None);
        }
        Ok(update)
    }

    const fn rebalancing(&self) -> AvailabilityZoneRebalancing {
        if self.availability_zone_rebalancing {
            AvailabilityZoneRebalancing::Enabled
        } else {
            AvailabilityZoneRebalancing::Disabled
        }
    }
}

impl Network {
    fn wanted(place: &Place) -> Result<Self, Unprovided> {
        let network = &place.surroundings().network;
        let groups = network.security_groups.get(&place.service);
        let groups = groups.filter(|groups| !groups.is_empty());
        if network.subnets.is_empty() {
            return Err(Unprovided::Subnets);
        }
        Ok(Self {
            subnets: network.subnets.iter().cloned().collect(),
            security_groups: groups
                .ok_or(Unprovided::SecurityGroups(place.service))?
                .iter()
                .cloned()
                .collect(),
            assign_public_ip: network.assign_public_ip,
        })
    }

    fn in_ecs(&self) -> Result<NetworkConfiguration, BuildError> {
        let public = if self.assign_public_ip {
            AssignPublicIp::Enabled
        } else {
            AssignPublicIp::Disabled
        };
        let vpc = AwsVpcConfiguration::builder()
            .set_subnets(Some(self.subnets.iter().cloned().collect()))
            .set_security_groups(Some(self.security_groups.iter().cloned().collect()))
            .assign_public_ip(public)
            .build()?;
        Ok(NetworkConfiguration::builder()
            .awsvpc_configuration(vpc)
            .build())
    }
}

impl Deployments {
    fn in_ecs(&self) -> DeploymentConfiguration {
        let breaker = DeploymentCircuitBreaker::builder()
            .enable(self.circuit_breaker)
            .rollback(self.rollback);
        DeploymentConfiguration::builder()
            .deployment_circuit_breaker(breaker.build())
            .minimum_healthy_percent(self.minimum_healthy_percent)
            .maximum_percent(self.maximum_percent)
            .build()
    }
}

impl ServiceConnect {
    fn wanted(place: &Place) -> Option<Self> {
        let namespace = place.surroundings().service_connect_namespace.clone()?;
        let endpoint = Endpoint {
            discovery_name: place.name(),
            host: place.name(),
            port: place.service.port().into(),
        };
        let port_name = place.service.kebab().to_owned();
        Some(Self {
            namespace,
            endpoints: BTreeMap::from([(port_name, endpoint)]),
        })
    }

    fn in_ecs(&self) -> Result<ServiceConnectConfiguration, BuildError> {
        let services = self.endpoints.iter();
        let services = services.map(|(port_name, endpoint)| endpoint.in_ecs(port_name));
        Ok(ServiceConnectConfiguration::builder()
            .enabled(true)
            .namespace(&self.namespace)
            .set_services(Some(services.collect::<Result<_, _>>()?))
            .build())
    }
}

impl Endpoint {
    fn in_ecs(&self, port_name: &str) -> Result<ServiceConnectService, BuildError> {
        let alias = ServiceConnectClientAlias::builder()
            .dns_name(&self.host)
            .port(self.port)
            .build()?;
        ServiceConnectService::builder()
            .port_name(port_name)
            .discovery_name(&self.discovery_name)
            .client_aliases(alias)
            .build()
    }
}

impl Target {
    /// Clients outside ask the loan API, and auth for their tokens.
    fn wanted(place: &Place) -> Option<Self> {
        let balancer = place.surroundings().load_balancer.as_ref()?;
        let target_group = match place.service {
            ServiceName::LoanApi => balancer.target_group_arn.clone(),
            ServiceName::Auth => balancer.auth_target_group_arn.clone()?,
            ServiceName::Scoring | ServiceName::ScoreProvider => return None,
        };
        Some(Self {
            target_group,
            container: place.service.kebab().to_owned(),
            port: place.service.port().into(),
        })
    }

    fn in_ecs(&self) -> LoadBalancer {
        LoadBalancer::builder()
            .target_group_arn(&self.target_group)
            .container_name(&self.container)
            .container_port(self.port)
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::fixture::{infrastructure, place, place_in};

    #[test]
    fn a_new_service_goes_back_by_itself_and_never_serves_with_less() {
        let body = ServiceBody::wanted(&place(ServiceName::Scoring)).unwrap();
        let input = body.create().unwrap().build().unwrap();
        let deployments = input.deployment_configuration().unwrap();
        let breaker = deployments.deployment_circuit_breaker().unwrap();
        assert!(breaker.enable() && breaker.rollback());
        assert_eq!(deployments.minimum_healthy_percent(), Some(100));
        assert_eq!(deployments.maximum_percent(), Some(200));
        assert_eq!(input.launch_type(), Some(&LaunchType::Fargate));
        assert_eq!(input.propagate_tags(), Some(&PropagateTags::Service));
        assert_eq!(input.tags().len(), 3);
    }

    #[test]
    fn what_clients_ask_is_put_behind_the_load_balancer() {
        let mut without_auth = infrastructure();
        let balancer = without_auth.defaults.load_balancer.as_mut().unwrap();
        balancer.auth_target_group_arn = None;
        for service in ServiceName::ALL {
            let expected = match service {
                ServiceName::LoanApi => Some("arn:target-group"),
                ServiceName::Auth => Some("arn:auth-target-group"),
                ServiceName::Scoring | ServiceName::ScoreProvider => None,
            };
            assert_eq!(target_group(&place(service)).as_deref(), expected);
            let place = place_in(service, without_auth.clone());
            let expected = expected.filter(|_| service == ServiceName::LoanApi);
            assert_eq!(target_group(&place).as_deref(), expected);
        }
    }

    /// Where a new service of `place` is put, with time to get healthy before it counts.
    fn target_group(place: &Place) -> Option<String> {
        let body = ServiceBody::wanted(place).unwrap();
        let input = body.create().unwrap().build().unwrap();
        let target = input.load_balancers().first();
        let grace = input.health_check_grace_period_seconds();
        assert_eq!(grace.is_some(), target.is_some());
        target.map(|it| it.target_group_arn().unwrap().to_owned())
    }

    #[test]
    fn a_service_is_found_by_a_name_that_no_other_platform_has() {
        let body = ServiceBody::wanted(&place(ServiceName::Scoring)).unwrap();
        let input = body.create().unwrap().build().unwrap();
        let connect = input.service_connect_configuration().unwrap();
        let [service] = connect.services() else {
            panic!("one endpoint");
        };
        assert_eq!(service.port_name(), "scoring");
        assert_eq!(service.discovery_name(), Some("dev-scoring"));
        let alias = &service.client_aliases()[0];
        assert_eq!(
            (alias.dns_name(), alias.port()),
            (Some("dev-scoring"), 8083)
        );
    }

    #[test]
    fn an_update_says_what_is_to_be_gone() {
        let mut without = infrastructure();
        without.defaults.service_connect_namespace = None;
        without.defaults.load_balancer = None;
        let body = ServiceBody::wanted(&place_in(ServiceName::LoanApi, without)).unwrap();
        let input = body.update().unwrap().build().unwrap();
        let connect = input.service_connect_configuration().unwrap();
        assert!(!connect.enabled());
        assert_eq!(input.load_balancers.as_deref(), Some([].as_slice()));
        assert_eq!(input.desired_count(), None);
    }

    #[test]
    fn a_repair_is_silent_of_what_would_start_tasks_for_nothing() {
        let body = ServiceBody::wanted(&place(ServiceName::LoanApi)).unwrap();
        let mut found = body.clone();
        found.deployments.circuit_breaker = false;
        let input = body.repair(&found).unwrap().build().unwrap();
        let deployments = input.deployment_configuration().unwrap();
        assert!(deployments.deployment_circuit_breaker().unwrap().enable());
        assert_eq!(input.network_configuration(), None);
        assert_eq!(input.service_connect_configuration(), None);
        assert_eq!(input.load_balancers, None);
        assert_eq!(input.task_definition(), None);

        found.network.subnets.clear();
        let input = body.repair(&found).unwrap().build().unwrap();
        assert!(input.network_configuration().is_some());
        assert_eq!(input.service_connect_configuration(), None);
    }

    #[test]
    fn a_grace_period_is_put_right_without_new_tasks() {
        let body = ServiceBody::wanted(&place(ServiceName::LoanApi)).unwrap();
        let mut found = body.clone();
        found.grace_period_s = Some(5);
        let input = body.repair(&found).unwrap().build().unwrap();
        assert_eq!(input.health_check_grace_period_seconds(), Some(60));
        assert_eq!(input.load_balancers, None);
    }

    #[test]
    fn what_the_account_does_not_provide_is_named() {
        let mut without = infrastructure();
        without.defaults.network.security_groups.clear();
        let place = place_in(ServiceName::Auth, without);
        assert_eq!(
            ServiceBody::wanted(&place),
            Err(Unprovided::SecurityGroups(ServiceName::Auth))
        );
    }
}
