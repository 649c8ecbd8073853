//! Emulators with a bucket, a cluster and a queue in them.

use std::sync::Arc;

use aws_adapter::{AccessKey, ConnectionConfig, S3Documents};
use emulator::{Emulators, Options};

pub(crate) const BUCKET: &str = "loan-platforms";
pub(crate) const CLUSTER: &str = "loans";

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
}
