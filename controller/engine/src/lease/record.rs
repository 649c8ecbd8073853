//! The lease as it lies in its document.

use serde::{Deserialize, Serialize};

use crate::ports::{Document, PortError};

/// Where the lease is kept.
pub const LEASE_PATH: &str = "lease/controller.json";

/// What the lease's document says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    /// The term.
    pub(super) epoch: u64,
    /// Who holds it; nobody after it was given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) holder: Option<String>,
    /// Counts the renewals, so that each is a different document.
    #[serde(default)]
    pub(super) renewals: u64,
}

impl Record {
    pub(super) fn read(document: &Document) -> Result<Self, PortError> {
        serde_json::from_slice(&document.bytes).map_err(|error| {
            PortError::refused(
                format!("read {LEASE_PATH} ({error})"),
                "remove it: the next term begins above the epoch that the settings carry",
            )
        })
    }

    pub(super) fn bytes(&self) -> Result<bytes::Bytes, PortError> {
        serde_json::to_vec(self)
            .map(Into::into)
            .map_err(|error| PortError::unavailable(format!("write {LEASE_PATH}"), error))
    }
}
