//! Samples for tests.

use std::collections::BTreeMap;

use engine::ports::{AlarmDefinition, AlarmSource};
use schema::infrastructure::{
    Architecture, DashboardSources, LoadBalancer, Network, Roles, Surroundings,
};
use schema::names::PlatformName;
use schema::platform::{AlarmName, Comparison, TreatMissingData};

pub(super) fn platform() -> PlatformName {
    "local".try_into().unwrap()
}

pub(super) fn surroundings() -> Surroundings {
    Surroundings {
        cluster: "arn:aws:ecs:eu-west-1:123456789012:cluster/loans".to_owned(),
        registry: None,
        architecture: Architecture::default(),
        network: Network {
            subnets: Vec::new(),
            security_groups: BTreeMap::new(),
            assign_public_ip: false,
        },
        roles: Roles {
            execution: BTreeMap::new(),
            tasks: BTreeMap::new(),
        },
        log_group: "/loans".to_owned(),
        service_connect_namespace: None,
        load_balancer: Some(LoadBalancer {
            target_group_arn:
                "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/loans/1".to_owned(),
            auth_target_group_arn: None,
            target_group: "targetgroup/loans/1".to_owned(),
            name: "app/loans/2".to_owned(),
            endpoint: "https://loans.example.com".to_owned(),
        }),
        database: None,
        auth: None,
        notification_topic: Some("arn:aws:sns:eu-west-1:123456789012:loans".to_owned()),
        trace_collector: None,
        dashboard: DashboardSources::default(),
    }
}

/// Three of five datapoints of ten seconds above five.
pub(super) fn definition(source: AlarmSource) -> AlarmDefinition {
    AlarmDefinition {
        platform: platform(),
        name: AlarmName("a-guard".to_owned()),
        source,
        comparison: Comparison::GreaterThanThreshold,
        threshold: 5.0,
        period_ms: 10_000,
        evaluation_periods: 5,
        datapoints_to_alarm: 3,
        min_samples: 0,
        treat_missing_data: TreatMissingData::NotBreaching,
        notifies: false,
    }
}
