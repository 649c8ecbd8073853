//! AWS as a task reaches it: region, credentials and endpoint from its environment, nothing waited for long.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredentialProvider};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

pub use object_store::aws::AwsCredential;

/// Longest time until a connection stands: within one region it takes milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest time until a call is answered: S3 takes a fraction of a second for a small object.
const CALL_TIMEOUT: Duration = Duration::from_secs(2);
/// Calls are made again anyway a moment later, by whoever polls: one retry bridges a connection that had died.
const RETRIES: usize = 1;

/// S3, with region, credentials and endpoint from the environment: `AWS_REGION`, `AWS_ENDPOINT_URL`, a key of one's own
/// or the task's role. An endpoint with `http` is an emulator, and taken at its word.
#[must_use]
pub fn s3() -> AmazonS3Builder {
    let builder = AmazonS3Builder::from_env();
    let is_plain = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint]
        .iter()
        .find_map(|key| builder.get_config_value(key))
        .is_some_and(|endpoint| endpoint.starts_with("http://"));
    let options = ClientOptions::new()
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_timeout(CALL_TIMEOUT)
        .with_allow_http(is_plain);
    builder
        .with_client_options(options)
        .with_retry(RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(50),
                max_backoff: Duration::from_millis(200),
                base: 2.0,
            },
            max_retries: RETRIES,
            retry_timeout: CALL_TIMEOUT,
        })
}

/// The region of this task, as its environment names it.
#[must_use]
pub fn region() -> Option<String> {
    AmazonS3Builder::from_env().get_config_value(&AmazonS3ConfigKey::Region)
}

/// The credentials of this task, which are replaced before they end.
#[derive(Clone, Debug)]
pub struct Credentials(AwsCredentialProvider);

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
#[error("there are no AWS credentials: {0}")]
pub struct CredentialsError(#[from] object_store::Error);

impl Credentials {
    /// Finds where they come from: the environment, a web identity, the task's role, the machine's.
    ///
    /// # Errors
    /// For half a key, or when the client that asks for them cannot be made.
    pub fn from_env() -> Result<Self, CredentialsError> {
        // Only a client of S3 makes them; which bucket it is for does not matter to them.
        let client = s3().with_bucket_name("none").build()?;
        Ok(Self(Arc::clone(client.credentials())))
    }

    /// The credentials as they are now.
    ///
    /// # Errors
    /// When nobody gives any.
    pub async fn current(&self) -> Result<Arc<AwsCredential>, CredentialsError> {
        Ok(self.0.get_credential().await?)
    }
}
