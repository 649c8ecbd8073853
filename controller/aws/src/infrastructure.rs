//! What the account provides, as its bootstrap wrote it down; read again from time to time.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use engine::ports::{DocumentVersion, Documents, PortError};
use schema::infrastructure::{INFRASTRUCTURE_PATH, Infrastructure};
use tokio::task::JoinHandle;

/// How often it is read again. It changes when somebody runs the bootstrap.
const REREAD: Duration = Duration::from_mins(5);

/// What the account provides, kept current.
#[derive(Debug)]
pub(crate) struct Provided {
    current: Arc<ArcSwap<Infrastructure>>,
    rereading: JoinHandle<()>,
}

impl Drop for Provided {
    fn drop(&mut self) {
        self.rereading.abort();
    }
}

impl Provided {
    /// Reads it, and keeps reading it.
    ///
    /// # Errors
    /// When it is not there or cannot be used: nothing can be made without it.
    pub(crate) async fn read(documents: Arc<dyn Documents>) -> Result<Self, PortError> {
        let (infrastructure, version) = read(documents.as_ref()).await?;
        let current = Arc::new(ArcSwap::from_pointee(infrastructure));
        let rereading = tokio::spawn(reread(documents, Arc::clone(&current), version));
        Ok(Self { current, rereading })
    }

    pub(crate) fn current(&self) -> Arc<ArcSwap<Infrastructure>> {
        Arc::clone(&self.current)
    }
}

async fn reread(
    documents: Arc<dyn Documents>,
    current: Arc<ArcSwap<Infrastructure>>,
    mut known: DocumentVersion,
) {
    loop {
        tokio::time::sleep(REREAD).await;
        match read(documents.as_ref()).await {
            Ok((_, version)) if version == known => {}
            Ok((infrastructure, version)) => {
                tracing::info!("{INFRASTRUCTURE_PATH} has changed and is used from now on.");
                current.store(Arc::new(infrastructure));
                known = version;
            }
            Err(error) => tell(&error),
        }
    }
}

fn tell(error: &PortError) {
    let cause = error as &dyn std::error::Error;
    tracing::error!(
        cause,
        "{INFRASTRUCTURE_PATH} cannot be used; what it said before holds."
    );
}

pub(crate) async fn read(
    documents: &dyn Documents,
) -> Result<(Infrastructure, DocumentVersion), PortError> {
    let found = documents.get(INFRASTRUCTURE_PATH).await?;
    let document = found.ok_or_else(|| {
        PortError::refused(
            format!("read {INFRASTRUCTURE_PATH}"),
            "it is not in the bucket; run the bootstrap, which writes it",
        )
    })?;
    Ok((parse(&document.bytes)?, document.version))
}

fn parse(bytes: &Bytes) -> Result<Infrastructure, PortError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (field, reason) = (error.path().to_string(), error.into_inner());
        PortError::refused(
            format!("use {INFRASTRUCTURE_PATH}"),
            format!("{field}: {reason}; run the bootstrap of this version again"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_named_by_its_field() {
        let text = r#"{"region": "eu-west-1", "defaults": {"cluster": 7}}"#;
        let error = parse(&Bytes::from(text)).unwrap_err().to_string();
        assert!(error.contains("bootstrap/infrastructure.json"), "{error}");
        assert!(error.contains("defaults.cluster: invalid type"), "{error}");
    }
}
