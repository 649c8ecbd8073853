//! Which front listens where, kept over restarts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schema::names::{PlatformName, ServiceName};
use serde::{Deserialize, Serialize};

use crate::state_dir::{RecordError, read_record, write_record};

/// Ports by platform and service.
#[derive(Debug)]
pub(crate) struct PortBook {
    path: PathBuf,
    record: Record,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Record {
    /// Platform whose loan API has the port that the user names.
    api_platform: Option<PlatformName>,
    ports: BTreeMap<PlatformName, BTreeMap<ServiceName, u16>>,
}

impl PortBook {
    /// Opens the book. `first`, where given, gets the user's port from now on.
    pub(crate) fn open(path: PathBuf, first: Option<PlatformName>) -> Result<Self, RecordError> {
        let mut record: Record = read_record(&path)?.unwrap_or_default();
        if first.is_some() {
            record.api_platform = first;
        }
        Ok(Self { path, record })
    }

    /// Whether the loan API of `platform` has the user's port; the first to ask gets it.
    pub(super) fn has_api_port(&mut self, platform: &PlatformName) -> bool {
        let owner = self
            .record
            .api_platform
            .get_or_insert_with(|| platform.clone());
        owner == platform
    }

    /// The port that a front had; 0 for a new one.
    pub(super) fn port(&self, platform: &PlatformName, service: ServiceName) -> u16 {
        let ports = self.record.ports.get(platform);
        ports
            .and_then(|ports| ports.get(&service))
            .copied()
            .unwrap_or(0)
    }

    /// Writes a front's port down.
    pub(super) fn assign(&mut self, platform: &PlatformName, service: ServiceName, port: u16) {
        let ports = self.record.ports.entry(platform.clone()).or_default();
        ports.insert(service, port);
    }

    /// Keeps it.
    pub(super) fn save(&self) -> Result<(), RecordError> {
        write_record(&self.path, &self.record)
    }
}
