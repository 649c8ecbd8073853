//! The controller's term: an epoch that grows with every start and never falls.
//!
//! Settings carry it, and services refuse a lower one: a controller that was replaced cannot bring
//! old settings back.

use serde::{Deserialize, Serialize};

use crate::ports::{Documents, Expected, PortError};

/// Where the term is kept.
pub const LEASE_PATH: &str = "lease/controller.json";

#[derive(Debug, Default, Serialize, Deserialize)]
struct Lease {
    epoch: u64,
}

/// Begins a new term and returns its epoch: above the last one, and above `highest_seen`, the highest
/// that any settings carry, so that it does not fall even where the record of it was lost.
///
/// # Errors
/// When the term cannot be read or written, or someone else began one at the same time.
pub async fn begin(documents: &dyn Documents, highest_seen: u64) -> Result<u64, PortError> {
    let found = documents.get(LEASE_PATH).await?;
    let (epoch, expected) = match found {
        None => (0, Expected::Absent),
        Some(document) => {
            let lease: Lease = serde_json::from_slice(&document.bytes).map_err(|error| {
                PortError::refused(
                    format!("read {LEASE_PATH} ({error})"),
                    "remove it: the next term begins above the epoch that the settings carry",
                )
            })?;
            (lease.epoch, Expected::Version(document.version))
        }
    };
    let lease = Lease {
        epoch: epoch.max(highest_seen) + 1,
    };
    let bytes = serde_json::to_vec(&lease)
        .map_err(|error| PortError::unavailable(format!("write {LEASE_PATH}"), error))?;
    documents.put(LEASE_PATH, bytes.into(), expected).await?;
    Ok(lease.epoch)
}
