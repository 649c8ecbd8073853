//! The home itself: what is opened, in which order.

use std::sync::Arc;

use engine::ports::{Alarms, Compute, Documents, PortError};

use crate::caller::Caller;
use crate::cloudwatch::{CloudWatchAlarms, MetricReports};
use crate::connection::{Connection, ConnectionConfig};
use crate::documents::S3Documents;
use crate::ecs::{Asking, EcsCompute, EcsParts, Gathering};
use crate::infrastructure::Provided;
use crate::quota::{QuotaConfig, Quotas};
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
}

/// The home on AWS: services on ECS, alarms on CloudWatch, documents in S3.
#[derive(Debug)]
pub struct AwsHome {
    connection: Connection,
    documents: Arc<S3Documents>,
    compute: Arc<EcsCompute>,
    alarms: Arc<CloudWatchAlarms>,
    tally: Tally,
    _provided: Provided,
}

impl AwsHome {
    /// Finds credentials, and reads what the account provides.
    ///
    /// # Errors
    /// When the bucket or `bootstrap/infrastructure.json` in it cannot be used.
    pub async fn open(config: AwsConfig) -> Result<Self, PortError> {
        let documents = Arc::new(S3Documents::open(&config.bucket, &config.connection)?);
        let provided = Provided::read(Arc::clone(&documents) as Arc<dyn Documents>).await?;
        let connection = Connection::open(&config.connection).await;
        let tally = Tally::default();
        let caller = Arc::new(Caller::new(Quotas::new(&config.quotas), tally.clone()));
        Ok(Self {
            compute: Arc::new(compute(&connection, &caller, &provided, config.bucket)),
            alarms: Arc::new(alarms(&connection, &caller, &provided)),
            documents,
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

    /// Documents in S3.
    #[must_use]
    pub fn documents(&self) -> Arc<dyn Documents> {
        Arc::clone(&self.documents) as Arc<dyn Documents>
    }

    /// Name of the bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        self.documents.bucket()
    }

    /// Hints from the queue at `url`.
    #[must_use]
    pub fn watch(&self, url: String) -> QueueWatch {
        watch::watch(&self.connection, url)
    }

    /// The calls made so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally.clone()
    }
}

fn compute(
    connection: &Connection,
    caller: &Arc<Caller>,
    provided: &Provided,
    bucket: String,
) -> EcsCompute {
    let asking = Asking::new(connection.ecs.clone(), Arc::clone(caller));
    EcsCompute::new(EcsParts {
        connection: connection.clone(),
        caller: Arc::clone(caller),
        infrastructure: provided.current(),
        bucket,
        services: Arc::new(Gathering::new(asking)),
        reports: Arc::new(MetricReports::new(connection.clone(), Arc::clone(caller))),
    })
}

fn alarms(connection: &Connection, caller: &Arc<Caller>, provided: &Provided) -> CloudWatchAlarms {
    CloudWatchAlarms::new(connection.clone(), Arc::clone(caller), provided.current())
}
