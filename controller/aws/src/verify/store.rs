//! Verifying the bucket.

use bytes::Bytes;
use engine::ports::{DocumentVersion, Documents, Expected, PortError};
use schema::infrastructure::Infrastructure;

use super::Finding;
use crate::documents::S3Documents;
use crate::infrastructure;

/// An object of nobody, under the prefix that the controller writes its states to.
const PROBE: &str = "state/.verify";
const CONTENT: &[u8] = b"{}";

pub(super) async fn findings(documents: &S3Documents) -> Vec<Finding> {
    let specs = documents.list("specs/").await;
    let specs = specs.map(|found| format!("{} spec files", found.len()));
    vec![
        Finding::new("list the specs", specs),
        Finding::new("read what was written", read_back(documents).await),
        Finding::new("write on condition", conditional_write(documents).await),
    ]
}

/// What the account provides, as the bootstrap wrote it down.
pub(super) async fn infrastructure(documents: &S3Documents) -> Result<Infrastructure, PortError> {
    infrastructure::read(documents)
        .await
        .map(|(found, _)| found)
}

pub(super) fn told(infrastructure: &Infrastructure) -> Finding {
    let surroundings = &infrastructure.defaults;
    let lacks = [
        (surroundings.network.subnets.is_empty(), "network.subnets"),
        (
            surroundings.network.security_groups.is_empty(),
            "network.securityGroups",
        ),
        (surroundings.roles.execution.is_empty(), "roles.execution"),
        (surroundings.roles.tasks.is_empty(), "roles.tasks"),
    ];
    let lacks: Vec<&str> = lacks
        .iter()
        .filter(|(lacks, _)| *lacks)
        .map(|(_, field)| *field)
        .collect();
    let outcome = if lacks.is_empty() {
        Ok(format!(
            "cluster {} in {}",
            surroundings.cluster, infrastructure.region
        ))
    } else {
        Err(format!(
            "defaults.{} is empty; run the bootstrap again",
            lacks.join(", defaults.")
        ))
    };
    Finding {
        what: "read what the account provides".to_owned(),
        outcome,
    }
}

/// A write and its reading: two permissions, and with a key of the account's own two more.
async fn read_back(documents: &S3Documents) -> Result<String, PortError> {
    let read = with_probe(documents, async || documents.get(PROBE).await).await?;
    match read? {
        Some(found) if found.bytes == CONTENT => {
            Ok("an object was written, read and removed".to_owned())
        }
        _ => Err(PortError::refused(
            "read what was written",
            "this store answers with something else; use S3 itself",
        )),
    }
}

/// A write, a write that must be refused, and a removal.
async fn conditional_write(documents: &S3Documents) -> Result<String, PortError> {
    match with_probe(documents, async || put_probe(documents).await).await? {
        Err(PortError::Conflict { .. }) => Ok("the second of two writers is refused".to_owned()),
        Err(error) => Err(error),
        Ok(_) => Err(PortError::refused(
            "write on condition",
            "this store ignores conditions, so two controllers could not be told apart; use S3 itself",
        )),
    }
}

/// What comes of `trying` something while an object of nobody lies there.
async fn with_probe<T>(
    documents: &S3Documents,
    trying: impl AsyncFnOnce() -> T,
) -> Result<T, PortError> {
    documents.delete(PROBE).await?;
    put_probe(documents).await?;
    let outcome = trying().await;
    documents.delete(PROBE).await?;
    Ok(outcome)
}

async fn put_probe(documents: &S3Documents) -> Result<DocumentVersion, PortError> {
    let content = Bytes::from_static(CONTENT);
    documents.put(PROBE, content, Expected::Absent).await
}
