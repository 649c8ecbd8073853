//! Where a settings document comes from.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::AsyncReadExt;
use url::Url;

/// A settings document is a few kilobytes; more is a mistake.
const MAX_DOCUMENT_BYTES: u64 = 1024 * 1024;

/// What distinguishes one stored document from the next, as an `ETag` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(pub Bytes);

/// What a look at the source found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The document is still the one with the known version.
    Unchanged,
    /// Another document.
    Document {
        /// Its version.
        version: Version,
        /// Its content.
        content: Bytes,
    },
    /// No document.
    Missing,
}

/// Why a source could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The document cannot be read.
    #[error("settings cannot be read from {place}: {source}")]
    Read {
        /// Where they were looked for.
        place: String,
        /// What went wrong.
        source: io::Error,
    },
    /// The document is too large to be one.
    #[error("settings at {0} are larger than {MAX_DOCUMENT_BYTES} bytes")]
    TooLarge(String),
    /// An address that no source is made for.
    #[error("settings cannot be read from {0}: use file:///…")]
    Unsupported(Url),
}

/// A place that holds one settings document.
#[async_trait]
pub trait SettingsSource: Send + Sync {
    /// Looks at the document, unless it still has the `known` version.
    async fn fetch(&self, known: Option<&Version>) -> Result<Fetched, SourceError>;
}

/// The source for `address`.
///
/// # Errors
/// For an address with another scheme than `file`.
pub fn source_of(address: &Url) -> Result<Arc<dyn SettingsSource>, SourceError> {
    match address.to_file_path() {
        Ok(path) if address.scheme() == "file" => Ok(Arc::new(FileSource::new(path))),
        _ => Err(SourceError::Unsupported(address.clone())),
    }
}

/// A document in a file.
#[derive(Clone, Debug)]
pub struct FileSource {
    path: PathBuf,
}

impl FileSource {
    /// The document at `path`.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    async fn read(&self) -> io::Result<Vec<u8>> {
        let file = tokio::fs::File::open(&self.path).await?;
        let mut content = Vec::new();
        file.take(MAX_DOCUMENT_BYTES + 1)
            .read_to_end(&mut content)
            .await?;
        Ok(content)
    }
}

#[async_trait]
impl SettingsSource for FileSource {
    async fn fetch(&self, known: Option<&Version>) -> Result<Fetched, SourceError> {
        let place = || self.path.display().to_string();
        let content = match self.read().await {
            Ok(content) => Bytes::from(content),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Fetched::Missing),
            Err(source) => {
                return Err(SourceError::Read {
                    place: place(),
                    source,
                });
            }
        };
        if content.len() as u64 > MAX_DOCUMENT_BYTES {
            return Err(SourceError::TooLarge(place()));
        }
        // A file has no ETag, and its times are too coarse for two changes in one tick. It is small
        // and local: its content is its version.
        if known.is_some_and(|version| version.0 == content) {
            return Ok(Fetched::Unchanged);
        }
        Ok(Fetched::Document {
            version: Version(content.clone()),
            content,
        })
    }
}
