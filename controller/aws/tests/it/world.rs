//! Emulators with a bucket, a cluster and a queue in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_adapter::quota::{Family, Limit, QuotaConfig};
use aws_adapter::{AccessKey, AwsConfig, AwsHome, ConnectionConfig, S3Documents};
use bytes::Bytes;
use emulator::{Emulators, Options};
use engine::ports::{Documents, Expected};
use schema::infrastructure::{
    Architecture, DashboardSources, INFRASTRUCTURE_PATH, Infrastructure, LoadBalancer, Network,
    Roles, Surroundings,
};
use schema::names::ServiceName;

pub(crate) const BUCKET: &str = "loan-platforms";
pub(crate) const CLUSTER: &str = "loans";
/// Quotas that nobody meets: what is tested is not how long calls wait.
const PLENTY: Limit = Limit {
    burst: 1_000.0,
    per_second: 1_000.0,
};

/// An account of one's own.
pub(crate) struct Account {
    pub(crate) emulators: Arc<Emulators>,
}

impl Account {
    /// Starts the emulators, and makes what the bootstrap would have made.
    pub(crate) async fn opens() -> Self {
        Self::opens_with(Options::default()).await
    }

    pub(crate) async fn opens_with(options: Options) -> Self {
        let emulators = Emulators::start(options).await.expect("emulators");
        emulators.create_bucket(BUCKET).await.expect("bucket");
        emulators.create_cluster(CLUSTER).await.expect("cluster");
        Self {
            emulators: Arc::new(emulators),
        }
    }

    /// How it is reached.
    pub(crate) fn connection(&self) -> ConnectionConfig {
        ConnectionConfig {
            region: Some("eu-central-1".to_owned()),
            endpoint_url: Some(self.emulators.endpoint().parse().expect("an address")),
            access_key: Some(AccessKey {
                id: "test".to_owned(),
                secret: "test".to_owned(),
            }),
        }
    }

    pub(crate) fn documents(&self) -> S3Documents {
        S3Documents::open(BUCKET, &self.connection()).expect("a bucket")
    }

    /// A home in it, after the bootstrap has written down what there is.
    pub(crate) async fn home(&self) -> AwsHome {
        let provided = serde_json::to_vec(&infrastructure()).expect("JSON");
        let documents = self.documents();
        let written = documents.put(INFRASTRUCTURE_PATH, Bytes::from(provided), Expected::Absent);
        written.await.expect("written");
        let home = AwsHome::open(AwsConfig {
            bucket: BUCKET.to_owned(),
            connection: self.connection(),
            quotas: QuotaConfig {
                share_percent: 100,
                limits: Family::ALL.map(|family| (family, PLENTY)).into(),
            },
            keeps_notes: true,
        });
        home.await.expect("a home")
    }
}

/// What the account provides: a load balancer that leads to the loan API, and nobody to be told.
fn infrastructure() -> Infrastructure {
    let role = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    let groups = ServiceName::ALL.map(|service| (service, vec!["sg-0123".to_owned()]));
    let roles =
        |of: &str| ServiceName::ALL.map(|service| (service, role(&format!("{of}-{service}"))));
    Infrastructure {
        region: "eu-central-1".to_owned(),
        defaults: Surroundings {
            cluster: CLUSTER.to_owned(),
            registry: Some("123456789012.dkr.ecr.eu-central-1.amazonaws.com".to_owned()),
            architecture: Architecture::default(),
            network: Network {
                subnets: vec!["subnet-a".to_owned(), "subnet-b".to_owned()],
                security_groups: groups.into(),
                assign_public_ip: false,
            },
            roles: Roles {
                execution: roles("execution").into(),
                tasks: roles("task").into(),
            },
            log_group: "/loans".to_owned(),
            service_connect_namespace: None,
            load_balancer: Some(LoadBalancer {
                target_group_arn:
                    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/loans/1"
                        .to_owned(),
                auth_target_group_arn: None,
                target_group: "targetgroup/loans/1".to_owned(),
                name: "app/loans/2".to_owned(),
                endpoint: "https://loans.example.com".to_owned(),
            }),
            database: None,
            auth: None,
            notification_topic: None,
            trace_collector: None,
            dashboard: DashboardSources::default(),
        },
        platforms: BTreeMap::new(),
    }
}
