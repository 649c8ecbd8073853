//! Settings in a file.

use std::io;
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::AsyncReadExt;

use super::{Fetched, MAX_DOCUMENT_BYTES, SettingsSource, SourceError, Version};

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
