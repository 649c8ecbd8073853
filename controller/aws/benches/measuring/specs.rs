//! Platforms of four services and eight alarms.

use std::collections::BTreeMap;

use schema::infrastructure::{
    Architecture, AuthSecrets, DashboardSources, Database, DatabaseAuthentication, Infrastructure,
    LoadBalancer, Network, Roles, Surroundings,
};
use schema::names::ServiceName;

const LOCAL: &str = include_str!("../../../../specs/local.yaml");
const IMAGE: &str = "image: scoring:0.1.0";
/// Four alarms more than the sample has.
const MORE_ALARMS: [&str; 4] = [
    "name: provider-failures, signal: ProviderFailureRatio, threshold: 50",
    "name: provider-retries, signal: ProviderRetryRatio, threshold: 50",
    "name: scoring-cpu, signal: CpuUtilization, service: scoring, threshold: 80",
    "name: auth-cpu, signal: CpuUtilization, service: auth, threshold: 80",
];

/// Services of a platform.
pub(super) const SERVICES: usize = 4;
/// Alarms of a platform.
pub(super) const ALARMS: usize = 8;
/// One of its alarms that takes a change back.
pub(super) const GUARD: &str = "scoring-failures";

pub(super) fn name(number: usize) -> String {
    format!("p{number:04}")
}

pub(super) fn path(number: usize) -> String {
    format!("specs/{}.yaml", name(number))
}

/// The spec of a platform whose scoring has this version.
pub(super) fn spec(number: usize, version: &str) -> String {
    let replaced = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "the sample spec has {from:?} no more");
        text.replacen(from, to, 1)
    };
    let text = replaced(LOCAL, "name: local", &format!("name: {}", name(number)));
    let text = replaced(&text, IMAGE, &format!("image: scoring:{version}"));
    let alarm = |it| format!("    - {{{it}, period: 60s, evaluationPeriods: 3}}\n");
    let more: String = MORE_ALARMS.into_iter().map(alarm).collect();
    replaced(&text, "  rollout:\n", &format!("{more}  rollout:\n"))
}

/// What the account provides.
pub(super) fn infrastructure() -> Infrastructure {
    Infrastructure {
        region: "eu-west-1".to_owned(),
        defaults: Surroundings {
            cluster: "arn:aws:ecs:eu-west-1:123456789012:cluster/loans".to_owned(),
            registry: Some("registry.example".to_owned()),
            architecture: Architecture::X86_64,
            network: Network {
                subnets: vec!["subnet-a".to_owned(), "subnet-b".to_owned()],
                security_groups: of_each(|service| vec![format!("sg-{service}")]),
                assign_public_ip: false,
            },
            roles: Roles {
                execution: of_each(|service| {
                    format!("arn:aws:iam::123456789012:role/execution-{service}")
                }),
                tasks: of_each(|service| format!("arn:aws:iam::123456789012:role/{service}")),
            },
            log_group: "/loans".to_owned(),
            service_connect_namespace: Some("loans".to_owned()),
            load_balancer: Some(LoadBalancer {
                target_group_arn: "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/loans/1"
                    .to_owned(),
                auth_target_group_arn: None,
                target_group: "targetgroup/loans/1".to_owned(),
                name: "app/loans/2".to_owned(),
                endpoint: "https://loans.example".to_owned(),
            }),
            database: Some(Database {
                host: "db.example".to_owned(),
                port: 5432,
                name: "loans_db".to_owned(),
                authentication: DatabaseAuthentication {
                    secret: Some("arn:aws:secretsmanager:eu-west-1:1:secret:db".to_owned()),
                    iam_user: None,
                },
            }),
            auth: Some(AuthSecrets {
                clients: "arn:aws:secretsmanager:eu-west-1:1:secret:clients".to_owned(),
                signing_key: "arn:aws:secretsmanager:eu-west-1:1:secret:key".to_owned(),
            }),
            notification_topic: Some("arn:aws:sns:eu-west-1:1:loans".to_owned()),
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
