//! The `Documents` port on S3: conditional writes, listings by ETag.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{Document, DocumentVersion, Documents, Expected, Listed, PortError};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error as StoreError, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutOptions, RetryConfig, UpdateVersion,
};

use crate::connection::{CALL_TIMEOUT, ConnectionConfig};

/// Folder of what engineers write.
const SPECS: &str = "specs";
/// Most documents that one listing reads: far above a thousand platforms, far below memory.
const MAX_LISTED: usize = 20_000;
/// Retries of one request, within the time that a call may take.
const RETRIES: usize = 2;

/// Documents in one S3 bucket.
#[derive(Clone, Debug)]
pub struct S3Documents {
    store: Arc<dyn ObjectStore>,
    bucket: String,
}

impl S3Documents {
    /// The documents in `bucket`.
    ///
    /// # Errors
    /// When the connection cannot be configured: a region that is not named anywhere.
    pub fn open(bucket: &str, connection: &ConnectionConfig) -> Result<Self, PortError> {
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_retry(retries())
            .with_client_options(ClientOptions::new().with_timeout(CALL_TIMEOUT));
        if let Some(region) = &connection.region {
            builder = builder.with_region(region);
        }
        if let Some(url) = &connection.endpoint_url {
            let plain = url.scheme() == "http";
            builder = builder
                .with_config(
                    AmazonS3ConfigKey::Endpoint,
                    url.as_str().trim_end_matches('/'),
                )
                .with_virtual_hosted_style_request(false)
                .with_allow_http(plain);
        }
        if let Some(key) = &connection.access_key {
            builder = builder
                .with_access_key_id(&key.id)
                .with_secret_access_key(&key.secret);
        }
        let store = builder.build().map_err(|error| {
            PortError::refused(
                format!("open the bucket {bucket}"),
                format!("{error}; name the region with --region or AWS_REGION"),
            )
        })?;
        Ok(Self::on(Arc::new(store), bucket))
    }

    /// The documents in `store`, which stands for `bucket`: for tests and benchmarks, whose stores are in memory.
    #[must_use]
    pub fn on(store: Arc<dyn ObjectStore>, bucket: &str) -> Self {
        Self {
            store,
            bucket: bucket.to_owned(),
        }
    }

    fn failure(&self, action: String, error: StoreError) -> PortError {
        let bucket = &self.bucket;
        let remedy = match &error {
            error if is_without_bucket(error) => {
                format!("there is no bucket {bucket}; see --store")
            }
            StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => format!(
                "allow it to the controller's role, for the objects of bucket {bucket} and their KMS key ({error})"
            ),
            _ => return PortError::unavailable(action, error),
        };
        PortError::refused(action, remedy)
    }
}

/// Whether the object is not there, though its bucket is.
fn is_absent(error: &StoreError) -> bool {
    matches!(error, StoreError::NotFound { .. }) && !is_without_bucket(error)
}

/// Whether S3 says that there is no such bucket, which only the text of its answer tells.
fn is_without_bucket(error: &StoreError) -> bool {
    let causes = std::iter::successors(Some(error as &dyn Error), |&error| error.source());
    causes
        .map(ToString::to_string)
        .any(|text| text.contains("NoSuchBucket"))
}

fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(1),
            base: 2.0,
        },
        max_retries: RETRIES,
        retry_timeout: CALL_TIMEOUT,
    }
}

fn location(path: &str) -> Result<Path, PortError> {
    Path::parse(path)
        .map_err(|error| PortError::refused(format!("use the path {path}"), error.to_string()))
}

fn listed(meta: &ObjectMeta) -> Listed {
    Listed {
        path: meta.location.to_string(),
        version: version_of(meta),
        size: meta.size,
    }
}

/// S3 gives every object an ETag; a store without must be told apart by time and size.
fn version_of(meta: &ObjectMeta) -> DocumentVersion {
    let stand_in = || format!("{}-{}", meta.last_modified, meta.size);
    DocumentVersion(meta.e_tag.clone().unwrap_or_else(stand_in))
}

fn mode(expected: Expected) -> PutMode {
    match expected {
        Expected::Absent => PutMode::Create,
        Expected::Version(DocumentVersion(tag)) => PutMode::Update(UpdateVersion {
            e_tag: Some(tag),
            version: None,
        }),
    }
}

/// Whether S3 says that the condition of a write does not hold (412, or 404 where an object is gone). A 409 says
/// only that another write was under way: the condition may still hold when it is tried again.
/// Source: "How to prevent object overwrites with conditional writes" in the Amazon S3 User Guide.
fn is_conflict(error: &StoreError) -> bool {
    match error {
        StoreError::Precondition { .. } => true,
        StoreError::AlreadyExists { source, .. } => {
            source.downcast_ref::<StoreError>().is_some_and(|cause| {
                matches!(
                    cause,
                    StoreError::Precondition { .. } | StoreError::NotModified { .. }
                )
            })
        }
        _ => false,
    }
}

#[async_trait]
impl Documents for S3Documents {
    async fn get(&self, path: &str) -> Result<Option<Document>, PortError> {
        let failed = |error| self.failure(format!("read {path}"), error);
        let result = match self.store.get(&location(path)?).await {
            Ok(result) => result,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let version = version_of(&result.meta);
        let bytes = result.bytes().await.map_err(failed)?;
        Ok(Some(Document { bytes, version }))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, PortError> {
        let prefix = location(prefix.trim_end_matches('/'))?;
        let failed = |error| self.failure(format!("list {prefix}/"), error);
        let found = self.store.list_with_delimiter(Some(&prefix)).await;
        let found = found.map_err(failed)?;
        let mut listed: Vec<Listed> = found
            .objects
            .iter()
            .filter(|meta| is_document(&prefix, meta))
            .take(MAX_LISTED)
            .map(listed)
            .collect();
        listed.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(listed)
    }

    async fn put(
        &self,
        path: &str,
        bytes: Bytes,
        expected: Expected,
    ) -> Result<DocumentVersion, PortError> {
        let options = PutOptions::from(mode(expected));
        let written = self
            .store
            .put_opts(&location(path)?, bytes.into(), options)
            .await;
        let result = written.map_err(|error| {
            if is_conflict(&error) {
                return PortError::Conflict {
                    path: path.to_owned(),
                };
            }
            self.failure(format!("write {path}"), error)
        })?;
        result.e_tag.map(DocumentVersion).ok_or_else(|| {
            PortError::unavailable(
                format!("write {path}"),
                "S3 told no ETag of what was written",
            )
        })
    }

    async fn delete(&self, path: &str) -> Result<(), PortError> {
        match self.store.delete(&location(path)?).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failure(format!("remove {path}"), error)),
        }
    }
}

/// Whether an object is a document. Under `specs/` people may keep other files beside their specs.
fn is_document(prefix: &Path, meta: &ObjectMeta) -> bool {
    let name = meta.location.filename().unwrap_or_default();
    prefix.as_ref() != SPECS || validation::is_spec_file(name)
}
