//! An AWS account in emulators, as its bootstrap leaves it, and what people do in it by hand.

use std::time::{Duration, Instant};

use aws_adapter::{AccessKey, ConnectionConfig, S3Documents};
use aws_sdk_cloudwatch::types::MetricAlarm;
use aws_sdk_ecs::types::{ContainerDefinition, NetworkMode, Service, TaskDefinition};
use bytes::Bytes;
use emulator::{Emulators, Options};
use engine::ports::{Documents, Expected};
use serde_json::{Value, json};

pub(crate) const BUCKET: &str = "loan-platforms";
pub(crate) const CLUSTER: &str = "loans";
/// Longest wait for anything that a test waits for. Nothing here takes a tenth of it on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// Pause between two looks while waiting.
pub(crate) const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

pub(crate) struct Account {
    pub(crate) emulators: Emulators,
    pub(crate) documents: S3Documents,
    pub(crate) ecs: aws_sdk_ecs::Client,
    pub(crate) cloudwatch: aws_sdk_cloudwatch::Client,
}

impl Account {
    /// Starts the emulators, and makes what the bootstrap would have made.
    pub(crate) async fn opens() -> Self {
        Self::opens_with(Options::default()).await
    }

    pub(crate) async fn opens_with(options: Options) -> Self {
        let emulators = Emulators::start(options).await.unwrap();
        emulators.create_bucket(BUCKET).await.unwrap();
        emulators.create_cluster(CLUSTER).await.unwrap();
        let connection = connection(&emulators);
        let documents = S3Documents::open(BUCKET, &connection).unwrap();
        let sdk = sdk(&emulators).await;
        let account = Self {
            documents,
            ecs: aws_sdk_ecs::Client::new(&sdk),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&sdk),
            emulators,
        };
        let provided = infrastructure().to_string();
        account
            .puts("bootstrap/infrastructure.json", &provided)
            .await;
        account
    }

    /// Somebody registers a task definition `by-hand`, for services made by hand.
    pub(crate) async fn registers_by_hand(&self) {
        let container = ContainerDefinition::builder().name("main").image("nginx:1");
        let registered = self
            .ecs
            .register_task_definition()
            .family("by-hand")
            .network_mode(NetworkMode::Awsvpc)
            .cpu("256")
            .memory("512")
            .container_definitions(container.build());
        registered.send().await.unwrap();
    }

    /// Somebody writes an object, whatever lay there.
    pub(crate) async fn puts(&self, path: &str, text: &str) {
        let expected = match self.documents.get(path).await.unwrap() {
            Some(found) => Expected::Version(found.version),
            None => Expected::Absent,
        };
        let bytes = Bytes::from(text.to_owned());
        self.documents.put(path, bytes, expected).await.unwrap();
    }

    /// Somebody submits the spec of a platform.
    pub(crate) async fn submits(&self, name: &str, edit: impl FnOnce(&mut Value)) {
        let text = crate::view::spec(name, edit);
        self.puts(&format!("specs/{name}.yaml"), &text).await;
    }

    pub(crate) async fn json(&self, path: &str) -> Option<Value> {
        let found = self.documents.get(path).await.unwrap()?;
        Some(serde_json::from_slice(&found.bytes).unwrap())
    }

    pub(crate) async fn service(&self, name: &str) -> Option<Service> {
        let described = self.ecs.describe_services().cluster(CLUSTER).services(name);
        let found = described.send().await.unwrap().services?;
        found.into_iter().find(|it| it.status() == Some("ACTIVE"))
    }

    pub(crate) async fn image_of(&self, name: &str) -> Option<String> {
        let definition = self.definition_of(name).await?;
        let container = definition.container_definitions?.into_iter().next()?;
        container.image
    }

    /// What a service is to run.
    pub(crate) async fn definition_of(&self, name: &str) -> Option<TaskDefinition> {
        let service = self.service(name).await?;
        let definition = self.ecs.describe_task_definition();
        let definition = definition
            .task_definition(service.task_definition()?)
            .send()
            .await;
        definition.unwrap().task_definition
    }

    /// How often services were changed or given something else to run.
    pub(crate) fn changes_of_services(&self) -> u64 {
        let counts = self.emulators.calls();
        let changing = ["UpdateService", "RegisterTaskDefinition", "CreateService"];
        let counts = counts.into_iter();
        counts
            .filter(|(api, _)| changing.contains(&&*api.operation))
            .map(|(_, count)| count)
            .sum()
    }

    /// Somebody removes an object, if it is there.
    pub(crate) async fn documents_are_without(&self, path: &str) {
        self.documents.delete(path).await.unwrap();
    }

    pub(crate) async fn alarms(&self) -> Vec<MetricAlarm> {
        let described = self.cloudwatch.describe_alarms().max_records(100).send();
        described.await.unwrap().metric_alarms.unwrap_or_default()
    }

    pub(crate) async fn alarm(&self, name: &str) -> Option<MetricAlarm> {
        let alarms = self.alarms().await;
        alarms
            .into_iter()
            .find(|alarm| alarm.alarm_name() == Some(name))
    }
}

/// Waits until `look` finds something, and returns it.
pub(crate) async fn eventually<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "it never came to this: {what}");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

fn connection(emulators: &Emulators) -> ConnectionConfig {
    ConnectionConfig {
        region: Some("eu-central-1".to_owned()),
        endpoint_url: Some(emulators.endpoint().parse().unwrap()),
        access_key: Some(AccessKey {
            id: "test".to_owned(),
            secret: "test".to_owned(),
        }),
    }
}

async fn sdk(emulators: &Emulators) -> aws_config::SdkConfig {
    let credentials = aws_credential_types::Credentials::new("test", "test", None, None, "test");
    aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new("eu-central-1"))
        .endpoint_url(emulators.endpoint())
        .credentials_provider(credentials)
        .load()
        .await
}

/// What the bootstrap tells the controller.
fn infrastructure() -> Value {
    let role = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    let services = ["loanApi", "auth", "scoring", "scoreProvider"];
    let groups = services.map(|service| (service.to_owned(), json!(["sg-0123"])));
    let roles = |of: &str| -> serde_json::Map<_, _> {
        let roles =
            services.map(|service| (service.to_owned(), json!(role(&format!("{of}-{service}")))));
        roles.into_iter().collect()
    };
    json!({
        "region": "eu-central-1",
        "defaults": {
            "cluster": CLUSTER,
            "registry": "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
            "network": {
                "subnets": ["subnet-a", "subnet-b"],
                "securityGroups": groups.into_iter().collect::<serde_json::Map<_, _>>(),
            },
            "roles": {
                "execution": roles("execution"),
                "tasks": roles("task"),
            },
            "logGroup": "/loans",
        },
    })
}
