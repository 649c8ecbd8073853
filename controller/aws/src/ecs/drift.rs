//! What of a service its home would have otherwise than it was found.

use aws_sdk_ecs::types::{
    AssignPublicIp, AvailabilityZoneRebalancing, DeploymentCircuitBreaker, DeploymentConfiguration,
    NetworkConfiguration, PropagateTags, Service, ServiceConnectConfiguration,
    ServiceConnectService,
};
use schema::revision::{FieldChange, leaf_changes};

use super::deployment::primary;
use super::observation;
use super::owner;
use super::place::Place;
use super::service::{Deployments, Endpoint, Network, ServiceBody, ServiceConnect, Target};

/// ECS's own values where a rolling deployment's are not said.
///
/// Source: Amazon ECS API Reference, `DeploymentConfiguration`.
const MINIMUM_HEALTHY_PERCENT: i32 = 100;
const MAXIMUM_PERCENT: i32 = 200;

/// What the home of `place` would have otherwise than `found`, its tasks aside. Of a service that is being removed nothing; and
/// nothing either where the account does not provide what it takes, which the next deployment says.
pub(crate) fn of(place: &Place, found: &Service) -> Vec<FieldChange> {
    let wanted = ServiceBody::wanted(place).ok();
    let wanted = wanted.filter(|_| observation::is_active(found));
    wanted.map_or_else(Vec::new, |wanted| drift(found, &wanted))
}

/// The fields in which `found` differs from `wanted`, by their path within the service.
pub(crate) fn drift(found: &Service, wanted: &ServiceBody) -> Vec<FieldChange> {
    let found = ServiceBody::found(found).named_like(wanted);
    if found == *wanted {
        return Vec::new();
    }
    leaf_changes(&found, wanted)
}

impl ServiceBody {
    /// The service as it was found, with ECS's defaults filled in.
    pub(crate) fn found(service: &Service) -> Self {
        let connect = primary(service).and_then(|it| it.service_connect_configuration());
        Self {
            network: Network::found(service.network_configuration()),
            deployments: Deployments::found(service.deployment_configuration()),
            service_connect: connect.and_then(ServiceConnect::found),
            load_balancer: Target::found(service),
            grace_period_s: grace_period(service),
            availability_zone_rebalancing: service.availability_zone_rebalancing()
                == Some(&AvailabilityZoneRebalancing::Enabled),
            managed_tags: service.enable_ecs_managed_tags(),
            tags_from: service
                .propagate_tags()
                .unwrap_or(&PropagateTags::None)
                .as_str()
                .to_owned(),
            tags: owner::ours(service.tags()),
        }
    }

    /// The same with what ECS tells in two ways told as in `other`.
    pub(crate) fn named_like(mut self, other: &Self) -> Self {
        if let (Some(ours), Some(other)) = (&mut self.service_connect, &other.service_connect) {
            ours.name_namespace_like(other);
        }
        self
    }
}

impl Network {
    fn found(network: Option<&NetworkConfiguration>) -> Self {
        let Some(vpc) = network.and_then(NetworkConfiguration::awsvpc_configuration) else {
            return Self::default();
        };
        Self {
            subnets: vpc.subnets().iter().cloned().collect(),
            security_groups: vpc.security_groups().iter().cloned().collect(),
            assign_public_ip: vpc.assign_public_ip() == Some(&AssignPublicIp::Enabled),
        }
    }
}

impl Deployments {
    fn found(configuration: Option<&DeploymentConfiguration>) -> Self {
        let breaker = configuration.and_then(DeploymentConfiguration::deployment_circuit_breaker);
        let said = |percent: fn(&DeploymentConfiguration) -> Option<i32>, default| {
            configuration.and_then(percent).unwrap_or(default)
        };
        Self {
            circuit_breaker: breaker.is_some_and(DeploymentCircuitBreaker::enable),
            rollback: breaker.is_some_and(DeploymentCircuitBreaker::rollback),
            minimum_healthy_percent: said(
                DeploymentConfiguration::minimum_healthy_percent,
                MINIMUM_HEALTHY_PERCENT,
            ),
            maximum_percent: said(DeploymentConfiguration::maximum_percent, MAXIMUM_PERCENT),
        }
    }
}

impl ServiceConnect {
    fn found(connect: &ServiceConnectConfiguration) -> Option<Self> {
        let endpoint = |service: &ServiceConnectService| {
            let endpoint = Endpoint::found(service)?;
            Some((service.port_name().to_owned(), endpoint))
        };
        connect.enabled().then(|| Self {
            namespace: connect.namespace().unwrap_or_default().to_owned(),
            endpoints: connect.services().iter().filter_map(endpoint).collect(),
        })
    }

    /// ECS may tell a namespace by its ARN where it was given by its name, or the other way round. These cannot
    /// be compared.
    fn name_namespace_like(&mut self, other: &Self) {
        let is_arn = |namespace: &str| namespace.starts_with("arn:");
        if is_arn(&self.namespace) != is_arn(&other.namespace) {
            self.namespace.clone_from(&other.namespace);
        }
    }
}

impl Endpoint {
    /// The port's own name is discovered where no other is said, and called where no alias is.
    fn found(service: &ServiceConnectService) -> Option<Self> {
        let discovery_name = service
            .discovery_name()
            .unwrap_or_else(|| service.port_name());
        let alias = service.client_aliases().first()?;
        Some(Self {
            discovery_name: discovery_name.to_owned(),
            host: alias.dns_name().unwrap_or(discovery_name).to_owned(),
            port: alias.port(),
        })
    }
}

impl Target {
    fn found(service: &Service) -> Option<Self> {
        let balancer = service.load_balancers().first()?;
        Some(Self {
            target_group: balancer.target_group_arn()?.to_owned(),
            container: balancer.container_name().unwrap_or_default().to_owned(),
            port: balancer.container_port().unwrap_or_default(),
        })
    }
}

/// It means nothing without a load balancer, and is nothing where it is not said.
fn grace_period(service: &Service) -> Option<i32> {
    let balancer = service.load_balancers().first();
    balancer.map(|_| {
        service
            .health_check_grace_period_seconds()
            .unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::builders::ServiceBuilder;
    use aws_sdk_ecs::types::{AwsVpcConfiguration, Deployment, Tag};
    use schema::names::ServiceName;

    use super::*;
    use crate::ecs::fixture::place;

    fn wanted() -> ServiceBody {
        ServiceBody::wanted(&place(ServiceName::LoanApi)).unwrap()
    }

    /// What ECS tells of a service that was made from `body`.
    fn made_from(body: &ServiceBody) -> ServiceBuilder {
        let input = body.create().unwrap().build().unwrap();
        let deployment = Deployment::builder()
            .status("PRIMARY")
            .set_service_connect_configuration(input.service_connect_configuration);
        Service::builder()
            .deployments(deployment.build())
            .set_network_configuration(input.network_configuration)
            .set_deployment_configuration(input.deployment_configuration)
            .set_load_balancers(input.load_balancers)
            .set_health_check_grace_period_seconds(input.health_check_grace_period_seconds)
            .set_availability_zone_rebalancing(input.availability_zone_rebalancing)
            .enable_ecs_managed_tags(true)
            .set_propagate_tags(input.propagate_tags)
            .set_tags(input.tags)
    }

    fn vpc(subnets: &[&str]) -> NetworkConfiguration {
        let subnets = subnets.iter().map(|&subnet| subnet.to_owned()).collect();
        let vpc = AwsVpcConfiguration::builder()
            .set_subnets(Some(subnets))
            .security_groups("sg-loan-api")
            .build();
        NetworkConfiguration::builder()
            .awsvpc_configuration(vpc.unwrap())
            .build()
    }

    fn paths(found: &Service) -> Vec<String> {
        let drift = drift(found, &wanted());
        drift.into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn what_was_made_as_wanted_has_not_drifted() {
        assert_eq!(drift(&made_from(&wanted()).build(), &wanted()), []);
    }

    #[test]
    fn the_order_of_lists_and_tags_of_others_are_no_drift() {
        let found = made_from(&wanted())
            .network_configuration(vpc(&["subnet-b", "subnet-a"]))
            .tags(Tag::builder().key("team").value("credit").build())
            .build();
        assert_eq!(drift(&found, &wanted()), []);
    }

    #[test]
    fn an_arn_is_not_compared_with_a_name() {
        let by_arn = ServiceConnectConfiguration::builder()
            .enabled(true)
            .namespace("arn:aws:servicediscovery:eu-west-1:123456789012:namespace/ns-1");
        let endpoints = wanted().create().unwrap().build().unwrap();
        let endpoints = endpoints.service_connect_configuration.unwrap().services;
        let deployment = Deployment::builder()
            .status("PRIMARY")
            .service_connect_configuration(by_arn.set_services(endpoints).build());
        let found = made_from(&wanted())
            .set_deployments(Some(vec![deployment.build()]))
            .build();
        assert_eq!(drift(&found, &wanted()), []);
    }

    #[test]
    fn what_is_not_said_is_what_ecs_takes_for_it() {
        let found = made_from(&wanted())
            .set_deployment_configuration(None)
            .build();
        let fields = ["deployments.circuitBreaker", "deployments.rollback"];
        assert_eq!(paths(&found), fields);
    }

    #[test]
    fn each_thing_that_somebody_changed_is_named() {
        let moved = made_from(&wanted()).network_configuration(vpc(&["subnet-a", "subnet-c"]));
        assert_eq!(paths(&moved.build()), ["network.subnets[1]"]);

        let alone = made_from(&wanted()).set_load_balancers(None).build();
        let fields = [
            "gracePeriodS",
            "loadBalancer.container",
            "loadBalancer.port",
            "loadBalancer.targetGroup",
        ];
        assert_eq!(paths(&alone), fields);

        let hasty = made_from(&wanted()).health_check_grace_period_seconds(5);
        assert_eq!(paths(&hasty.build()), ["gracePeriodS"]);

        let untagged = made_from(&wanted()).set_tags(None).build();
        assert_eq!(paths(&untagged).len(), 3);
    }
}
