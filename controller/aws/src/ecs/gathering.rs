//! Gathers the looks of many platforms into calls of ten services each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_ecs::types::Service;
use engine::ports::{PortError, Urgency};

use super::describe::{Asking, BATCH, Describe};
use crate::batcher::{self, Batcher, Linger};

/// At a resync of a thousand platforms in five minutes a call fills in less than a second, and one of a hundred
/// platforms in eight.
const LINGER: Linger = Linger {
    quiet: Duration::from_secs(3),
    longest: Duration::from_secs(15),
    edit: Duration::from_millis(20),
};

/// Asks ECS of the services of all platforms together, each cluster by itself.
#[derive(Debug)]
pub(crate) struct Gathering {
    asking: Arc<Asking>,
    clusters: Mutex<BTreeMap<String, Arc<Batcher<Cluster>>>>,
}

#[derive(Debug)]
struct Cluster {
    name: String,
    asking: Arc<Asking>,
}

impl Gathering {
    pub(crate) fn new(asking: Asking) -> Self {
        Self {
            asking: Arc::new(asking),
            clusters: Mutex::default(),
        }
    }

    fn of(&self, cluster: &str) -> Arc<Batcher<Cluster>> {
        let mut clusters = self.clusters.lock().unwrap_or_else(PoisonError::into_inner);
        let batcher = clusters.entry(cluster.to_owned()).or_insert_with(|| {
            let source = Cluster {
                name: cluster.to_owned(),
                asking: Arc::clone(&self.asking),
            };
            Arc::new(Batcher::new(Arc::new(source), LINGER))
        });
        Arc::clone(batcher)
    }
}

#[async_trait]
impl Describe for Gathering {
    async fn describe(
        &self,
        cluster: &str,
        names: &[String],
        urgency: Urgency,
    ) -> Result<Vec<Service>, PortError> {
        let found = self.of(cluster).ask(names.to_vec(), urgency).await?;
        Ok(found.into_iter().map(|(_, service)| service).collect())
    }
}

#[async_trait]
impl batcher::Describe for Cluster {
    type Item = Service;
    const MOST: usize = BATCH;

    async fn describe(
        &self,
        names: &[String],
        urgency: Urgency,
    ) -> Result<Vec<(String, Service)>, PortError> {
        let found = self.asking.describe(&self.name, names, urgency).await?;
        let named = |service: Service| Some((service.service_name.clone()?, service));
        Ok(found.into_iter().filter_map(named).collect())
    }
}
