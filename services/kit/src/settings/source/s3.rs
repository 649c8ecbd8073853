//! Settings in an object of S3, asked for by its `ETag`.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{Error as StoreError, GetOptions, GetResult, ObjectStore};
use url::Url;

use super::{Fetched, MAX_DOCUMENT_BYTES, SettingsSource, SourceError, Version};

/// Longest time that a look may take, credentials and retries included: a hanging store must not hide the next change.
const LOOK_TIMEOUT: Duration = Duration::from_secs(6);

/// A document in a bucket.
#[derive(Debug)]
pub struct S3Source {
    store: AmazonS3,
    key: Path,
    place: String,
}

impl S3Source {
    /// The document `key` in `bucket`, on the S3 that `connection` leads to.
    ///
    /// # Errors
    /// When its client cannot be made, for half a key or an endpoint that is none.
    pub fn new(connection: AmazonS3Builder, bucket: &str, key: Path) -> Result<Self, SourceError> {
        let place = format!("s3://{bucket}/{key}");
        match connection.with_bucket_name(bucket).build() {
            Ok(store) => Ok(Self { store, key, place }),
            Err(source) => Err(failure(&place, source)),
        }
    }

    async fn look(&self, known: Option<&Version>) -> Result<Fetched, SourceError> {
        let etag = known.map(|version| String::from_utf8_lossy(&version.0).into_owned());
        let options = GetOptions::default().with_if_none_match(etag);
        match self.store.get_opts(&self.key, options).await {
            Ok(found) => self.document(found).await,
            Err(StoreError::NotModified { .. }) => Ok(Fetched::Unchanged),
            Err(error) if is_absent(&error) => Ok(Fetched::Missing),
            Err(error) => Err(failure(&self.place, error)),
        }
    }

    async fn document(&self, found: GetResult) -> Result<Fetched, SourceError> {
        // No more than the size that is told comes after it.
        if found.meta.size > MAX_DOCUMENT_BYTES {
            return Err(SourceError::TooLarge(self.place.clone()));
        }
        let Some(etag) = found.meta.e_tag.clone() else {
            return Err(SourceError::NoETag(self.place.clone()));
        };
        let content = found.bytes().await;
        Ok(Fetched::Document {
            version: Version(Bytes::from(etag)),
            content: content.map_err(|error| failure(&self.place, error))?,
        })
    }
}

#[async_trait]
impl SettingsSource for S3Source {
    async fn fetch(&self, known: Option<&Version>) -> Result<Fetched, SourceError> {
        match tokio::time::timeout(LOOK_TIMEOUT, self.look(known)).await {
            Ok(fetched) => fetched,
            Err(_) => Err(SourceError::TimedOut(self.place.clone())),
        }
    }
}

/// Bucket and key that `address` names.
pub(super) fn parts(address: &Url) -> Option<(&str, Path)> {
    let bucket = address.host_str().filter(|bucket| !bucket.is_empty())?;
    let key = Path::from_url_path(address.path()).ok()?;
    (!key.as_ref().is_empty()).then_some((bucket, key))
}

fn failure(place: &str, error: StoreError) -> SourceError {
    let (place, reason) = (place.to_owned(), reason(&error));
    match error {
        StoreError::NotFound { .. } => SourceError::NoBucket(place),
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => {
            SourceError::Denied { place, reason }
        }
        source => SourceError::Store {
            place,
            reason,
            source,
        },
    }
}

/// Whether the object is not there, though its bucket is.
fn is_absent(error: &StoreError) -> bool {
    matches!(error, StoreError::NotFound { .. }) && !root(error).contains("NoSuchBucket")
}

/// What is at the bottom of `error`, in words that stay the same as long as it does: S3's own code where it gives one.
/// What stands around it, ids and durations, differs with every look, and would be logged as news each time.
fn reason(error: &StoreError) -> String {
    let root = root(error);
    let code = root
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"));
    match code {
        Some((code, _)) => format!("S3 says {code}"),
        None => root.trim_end_matches([':', ' ']).to_owned(),
    }
}

fn root(error: &StoreError) -> String {
    let causes = std::iter::successors(Some(error as &dyn Error), |&error| error.source());
    causes.last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use object_store::ClientOptions;
    use object_store::RetryConfig;
    use wiremock::matchers::{header, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    const TAG: &str = "\"7d3a\"";
    const KEY: &str = "settings/dev/auth.json";

    struct S3(MockServer);

    impl S3 {
        async fn answering(answer: ResponseTemplate) -> Self {
            let server = MockServer::start().await;
            Mock::given(method("GET"))
                .and(path(format!("/loans/{KEY}")))
                .respond_with(answer)
                .mount(&server)
                .await;
            Self(server)
        }

        /// As S3 answers for an object that is there.
        async fn holding(content: &str) -> Self {
            let answer = ResponseTemplate::new(200)
                .insert_header("ETag", TAG)
                .insert_header("Last-Modified", "Mon, 23 Nov 2026 07:00:00 GMT")
                .set_body_string(content);
            let s3 = Self::answering(answer).await;
            Mock::given(header("If-None-Match", TAG))
                .respond_with(ResponseTemplate::new(304).insert_header("ETag", TAG))
                .with_priority(1)
                .mount(&s3.0)
                .await;
            s3
        }

        /// As S3 puts its errors.
        async fn refusing(status: u16, code: &str) -> Self {
            let body = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>No.</Message>\
                 <RequestId>4442587FB7D0A2F9</RequestId></Error>"
            );
            Self::answering(ResponseTemplate::new(status).set_body_string(body)).await
        }

        async fn look(&self, known: Option<&Version>) -> Result<Fetched, SourceError> {
            let options = ClientOptions::new()
                .with_allow_http(true)
                .with_timeout(Duration::from_millis(500));
            let connection = AmazonS3Builder::new()
                .with_endpoint(self.0.uri())
                .with_access_key_id("key")
                .with_secret_access_key("secret")
                .with_client_options(options)
                .with_retry(RetryConfig {
                    max_retries: 1,
                    ..RetryConfig::default()
                });
            let source = S3Source::new(connection, "loans", Path::from(KEY)).unwrap();
            source.fetch(known).await
        }

        async fn requests(&self) -> usize {
            self.0.received_requests().await.unwrap().len()
        }
    }

    #[tokio::test]
    async fn a_document_comes_with_its_etag_and_is_asked_for_by_it() {
        let s3 = S3::holding("{}").await;
        let version = Version(Bytes::from(TAG));
        let document = Fetched::Document {
            version: version.clone(),
            content: Bytes::from("{}"),
        };
        assert_eq!(s3.look(None).await.unwrap(), document);
        assert_eq!(s3.look(Some(&version)).await.unwrap(), Fetched::Unchanged);
        let older = Version(Bytes::from("\"0000\""));
        assert_eq!(s3.look(Some(&older)).await.unwrap(), document);
    }

    #[tokio::test]
    async fn an_object_that_is_not_there_is_missing_and_a_bucket_that_is_not_is_an_error() {
        let without_key = S3::refusing(404, "NoSuchKey").await;
        assert_eq!(without_key.look(None).await.unwrap(), Fetched::Missing);
        let without_bucket = S3::refusing(404, "NoSuchBucket").await;
        let error = without_bucket.look(None).await.unwrap_err();
        assert!(matches!(error, SourceError::NoBucket(_)), "{error}");
    }

    #[tokio::test]
    async fn what_is_denied_says_who_has_to_allow_it() {
        let s3 = S3::refusing(403, "AccessDenied").await;
        let error = s3.look(None).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "settings cannot be read from s3://loans/settings/dev/auth.json: S3 says AccessDenied; there is no \
             such document, or the task's role may not s3:GetObject it"
        );
        assert_eq!(s3.requests().await, 1);
    }

    #[tokio::test]
    async fn an_overloaded_store_is_asked_once_more_and_its_words_stay_the_same() {
        let s3 = S3::refusing(503, "SlowDown").await;
        let first = s3.look(None).await.unwrap_err().to_string();
        assert_eq!(
            first,
            "settings cannot be read from s3://loans/settings/dev/auth.json: S3 says SlowDown"
        );
        assert_eq!(s3.requests().await, 2);
        assert_eq!(s3.look(None).await.unwrap_err().to_string(), first);
    }

    #[tokio::test]
    async fn a_document_too_large_to_be_one_is_not_read() {
        let s3 = S3::holding(&" ".repeat(1024 * 1024 + 1)).await;
        let error = s3.look(None).await.unwrap_err();
        assert!(matches!(error, SourceError::TooLarge(_)), "{error}");
    }

    #[tokio::test]
    async fn a_store_that_hangs_is_given_up() {
        let late = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
        let s3 = S3::answering(late).await;
        let error = s3.look(None).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "settings cannot be read from s3://loans/settings/dev/auth.json: operation timed out"
        );
    }

    #[tokio::test]
    async fn a_store_without_etags_is_refused() {
        let s3 = S3::answering(ResponseTemplate::new(200).set_body_string("{}")).await;
        let error = s3.look(None).await.unwrap_err();
        assert!(matches!(error, SourceError::NoETag(_)), "{error}");
    }
}
