//! The home itself: what is opened, in which order.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use engine::ports::{Alarms, Compute, Documents, PortError};
use object_store::ObjectStore;

use crate::caller::Caller;
use crate::cloudwatch::{CloudWatchAlarms, MetricReports};
use crate::connection::{Connection, ConnectionConfig};
use crate::documents::S3Documents;
use crate::ecs::{Asking, EcsCompute, EcsParts, Gathering, Inventory};
use crate::infrastructure::Provided;
use crate::quota::{QuotaConfig, Quotas};
use crate::remembering::Remembering;
use crate::tally::Tally;
use crate::watch::{self, QueueWatch};

/// How a home is to be.
#[derive(Clone, Debug)]
pub struct AwsConfig {
    /// Bucket with the documents.
    pub bucket: String,
    /// How AWS is reached.
    pub connection: ConnectionConfig,
    /// How much of the account's quotas is used.
    pub quotas: QuotaConfig,
    /// Whether what is read of task definitions is noted in the bucket, for who takes over: the controller's to do.
    pub keeps_notes: bool,
}

/// An account that is in this process, and not behind a network.
#[derive(Clone, Debug)]
pub struct InProcess {
    /// Answers the calls of every API but S3's.
    pub http: SharedHttpClient,
    /// The objects in the bucket.
    pub store: Arc<dyn ObjectStore>,
}

/// The home on AWS: services on ECS, alarms on CloudWatch, documents in S3.
#[derive(Debug)]
pub struct AwsHome {
    connection: Connection,
    documents: Arc<dyn Documents>,
    bucket: String,
    compute: Arc<EcsCompute>,
    alarms: Arc<CloudWatchAlarms>,
    inventory: Arc<Inventory>,
    tally: Tally,
    _provided: Provided,
}

impl AwsHome {
    /// Finds credentials, and reads what the account provides.
    ///
    /// # Errors
    /// When the bucket or `bootstrap/infrastructure.json` in it cannot be used.
    pub async fn open(config: AwsConfig) -> Result<Self, PortError> {
        let documents = S3Documents::open(&config.bucket, &config.connection)?;
        let connection = Connection::open(&config.connection).await;
        Self::on(config, documents, connection).await
    }

    /// The same home on an account in this process: for benchmarks, whose account has all the time in the world.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_in(config: AwsConfig, account: InProcess) -> Result<Self, PortError> {
        let documents = S3Documents::on(account.store, &config.bucket);
        let connection = Connection::open_through(&config.connection, account.http).await;
        Self::on(config, documents, connection).await
    }

    async fn on(
        config: AwsConfig,
        documents: S3Documents,
        connection: Connection,
    ) -> Result<Self, PortError> {
        let documents: Arc<dyn Documents> = Arc::new(Remembering::new(Arc::new(documents)));
        let provided = Provided::read(Arc::clone(&documents)).await?;
        let tally = Tally::default();
        let caller = Arc::new(Caller::new(Quotas::new(&config.quotas), tally.clone()));
        Ok(Self {
            compute: Arc::new(EcsCompute::new(EcsParts {
                connection: connection.clone(),
                caller: Arc::clone(&caller),
                infrastructure: provided.current(),
                bucket: config.bucket.clone(),
                documents: Arc::clone(&documents),
                keeps_notes: config.keeps_notes,
                services: services(&connection, &caller),
                reports: Arc::new(MetricReports::new(connection.clone(), Arc::clone(&caller))),
            })),
            alarms: Arc::new(alarms(&connection, &caller, &provided)),
            inventory: Arc::new(Inventory::new(
                &connection,
                &caller,
                provided.current(),
                (config.bucket.clone(), Arc::clone(&documents)),
            )),
            documents,
            bucket: config.bucket,
            connection,
            tally,
            _provided: provided,
        })
    }

    /// Services on ECS.
    #[must_use]
    pub fn compute(&self) -> Arc<dyn Compute> {
        Arc::clone(&self.compute) as Arc<dyn Compute>
    }

    /// Alarms on CloudWatch.
    #[must_use]
    pub fn alarms(&self) -> Arc<dyn Alarms> {
        Arc::clone(&self.alarms) as Arc<dyn Alarms>
    }

    /// Documents in S3; settings are read once.
    #[must_use]
    pub fn documents(&self) -> Arc<dyn Documents> {
        Arc::clone(&self.documents)
    }

    /// Name of the bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Hints from the queue at `url`.
    #[must_use]
    pub fn watch(&self, url: String) -> QueueWatch {
        watch::watch(&self.connection, url)
    }

    /// Finds services that nobody keeps.
    #[must_use]
    pub fn inventory(&self) -> Arc<Inventory> {
        Arc::clone(&self.inventory)
    }

    /// The calls made so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally.clone()
    }
}

fn services(connection: &Connection, caller: &Arc<Caller>) -> Arc<Gathering> {
    let asking = Asking::new(connection.ecs.clone(), Arc::clone(caller));
    Arc::new(Gathering::new(asking))
}

fn alarms(connection: &Connection, caller: &Arc<Caller>, provided: &Provided) -> CloudWatchAlarms {
    CloudWatchAlarms::new(connection.clone(), Arc::clone(caller), provided.current())
}
