//! Documents: specs, settings, state. S3, or a directory.

use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

use super::error::PortError;

/// Version of a document: its ETag.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentVersion(pub String);

/// A document as it was read.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its content.
    pub bytes: Bytes,
    /// Its version.
    pub version: DocumentVersion,
}

/// A document as it was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its path: `specs/local.yaml`.
    pub path: String,
    /// Its version.
    pub version: DocumentVersion,
    /// Its size in bytes.
    pub size: u64,
}

/// What must be true of a document for a write to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It does not exist.
    Absent,
    /// It is still this version.
    Version(DocumentVersion),
}

/// Keeps documents, with compare-and-swap.
#[async_trait]
pub trait Documents: Debug + Send + Sync {
    /// The document at `path`, or nothing.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn get(&self, path: &str) -> Result<Option<Document>, PortError>;

    /// The documents directly under `prefix`, sorted by path; folders below it are left out.
    ///
    /// # Errors
    /// When they cannot be listed.
    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, PortError>;

    /// Writes a document if `expected` holds, and returns its new version.
    ///
    /// # Errors
    /// [`PortError::Conflict`] when `expected` does not hold; others when it cannot be written.
    async fn put(
        &self,
        path: &str,
        bytes: Bytes,
        expected: Expected,
    ) -> Result<DocumentVersion, PortError>;

    /// Removes a document. Removing one that is not there is no error.
    ///
    /// # Errors
    /// When it cannot be removed.
    async fn delete(&self, path: &str) -> Result<(), PortError>;
}
