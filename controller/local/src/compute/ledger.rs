//! What is wanted of every service, kept over restarts of the home.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schema::names::{PlatformName, ServiceName};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::state::Wanted;
use crate::state_dir::{RecordError, read_record, write_record};

/// A service of a platform.
pub(crate) type Key = (PlatformName, ServiceName);

/// The services of this home, on disk after every change.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    services: Mutex<BTreeMap<Key, Wanted>>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    services: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    platform: PlatformName,
    service: ServiceName,
    #[serde(flatten)]
    wanted: Wanted,
}

impl Ledger {
    pub(crate) fn open(path: PathBuf) -> Result<Self, RecordError> {
        let record: Record = read_record(&path)?.unwrap_or_default();
        let services = record
            .services
            .into_iter()
            .map(|entry| ((entry.platform, entry.service), entry.wanted))
            .collect();
        Ok(Self {
            path,
            services: Mutex::new(services),
        })
    }

    pub(crate) async fn all(&self) -> Vec<(Key, Wanted)> {
        let services = self.services.lock().await;
        services
            .iter()
            .map(|(key, wanted)| (key.clone(), wanted.clone()))
            .collect()
    }

    /// Keeps what is wanted of a service. Writes nothing when nothing changed.
    pub(crate) async fn keep(&self, key: &Key, wanted: &Wanted) -> Result<(), RecordError> {
        let mut services = self.services.lock().await;
        if services.get(key) == Some(wanted) {
            return Ok(());
        }
        let mut changed = services.clone();
        changed.insert(key.clone(), wanted.clone());
        self.write(&changed)?;
        // What is not on disk is tried again: only now does it count as kept.
        *services = changed;
        Ok(())
    }

    /// Forgets a service.
    pub(crate) async fn forget(&self, key: &Key) -> Result<(), RecordError> {
        let mut services = self.services.lock().await;
        let mut changed = services.clone();
        changed.remove(key);
        self.write(&changed)?;
        *services = changed;
        Ok(())
    }

    fn write(&self, services: &BTreeMap<Key, Wanted>) -> Result<(), RecordError> {
        let entries = services.iter().map(|((platform, service), wanted)| Entry {
            platform: platform.clone(),
            service: *service,
            wanted: wanted.clone(),
        });
        let record = Record {
            services: entries.collect(),
        };
        write_record(&self.path, &record)
    }
}
