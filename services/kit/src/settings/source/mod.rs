//! Where a settings document comes from.

mod file;
mod s3;

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

pub use file::FileSource;
pub use s3::S3Source;

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
    /// S3 does not let us read the document.
    #[error(
        "settings cannot be read from {place}: {reason}; there is no such document, or the task's role may not \
         s3:GetObject it"
    )]
    Denied {
        /// Where they were looked for.
        place: String,
        /// What S3 says.
        reason: String,
    },
    /// There is not even a bucket.
    #[error("settings cannot be read from {0}: there is no such bucket")]
    NoBucket(String),
    /// S3 cannot be reached, or fails, or its client cannot be made.
    #[error("settings cannot be read from {place}: {reason}")]
    Store {
        /// Where they were looked for.
        place: String,
        /// What is at the bottom of it.
        reason: String,
        /// What went wrong.
        source: object_store::Error,
    },
    /// The store says nothing to tell one document from the next by.
    #[error("settings cannot be read from {0}: the store gives no ETag")]
    NoETag(String),
    /// Neither document nor error came in time.
    #[error("settings cannot be read from {0}: no answer in time")]
    TimedOut(String),
    /// An address that no source is made for.
    #[error("settings cannot be read from {0}: use file:///… or s3://BUCKET/…")]
    Unsupported(Url),
}

/// A place that holds one settings document.
#[async_trait]
pub trait SettingsSource: Send + Sync {
    /// Looks at the document, unless it still has the `known` version.
    async fn fetch(&self, known: Option<&Version>) -> Result<Fetched, SourceError>;
}

/// The source for `address`: `file:///…` or `s3://BUCKET/…`.
///
/// # Errors
/// For an address with another scheme, or when the client for S3 cannot be made.
pub fn source_of(address: &Url) -> Result<Arc<dyn SettingsSource>, SourceError> {
    let unsupported = || SourceError::Unsupported(address.clone());
    match address.scheme() {
        "file" => {
            let path = address.to_file_path().map_err(|()| unsupported())?;
            Ok(Arc::new(FileSource::new(path)))
        }
        "s3" => {
            let (bucket, key) = s3::parts(address).ok_or_else(unsupported)?;
            Ok(Arc::new(S3Source::new(crate::aws::s3(), bucket, key)?))
        }
        _ => Err(unsupported()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_no_source_is_made_for_is_refused() {
        for address in [
            "https://example/settings/local/auth.json",
            "s3:///settings/local/auth.json",
            "s3://loans",
            "s3://loans/",
            "file://elsewhere/auth.json",
        ] {
            let refused = source_of(&address.parse().unwrap()).err();
            assert!(
                matches!(refused, Some(SourceError::Unsupported(_))),
                "{address}: {refused:?}"
            );
        }
    }

    #[test]
    fn files_and_objects_are_sources() {
        for address in [
            "file:///tmp/settings/local/auth.json",
            "s3://loans/settings/local/auth.json",
        ] {
            let source = source_of(&address.parse().unwrap());
            assert!(source.is_ok(), "{address}: {:?}", source.err());
        }
    }
}
