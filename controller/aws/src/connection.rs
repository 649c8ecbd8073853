//! The connection to one account in one region: clients that never retry by themselves.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use url::Url;

use crate::world_clock::WorldClock;

/// Longest time until a connection stands.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest time until a call is answered. AWS answers in well under a second; a lease must outlast it.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(8);

/// Which account and region, and where it is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionConfig {
    /// The region; absent: from the environment, as the AWS command line finds it.
    pub region: Option<String>,
    /// Where all services are reached, instead of AWS: an emulator, or a private endpoint.
    pub endpoint_url: Option<Url>,
    /// Credentials; absent: by the default chain, which ends with the task's role.
    pub access_key: Option<AccessKey>,
}

/// A key of one's own: for emulators, which take any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

/// Clients of the services that the controller uses.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) ecs: aws_sdk_ecs::Client,
    pub(crate) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(crate) scaling: aws_sdk_applicationautoscaling::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) clock: WorldClock,
}

impl Connection {
    /// Finds region and credentials by the default chain: environment, profile, task role.
    pub(crate) async fn open(config: &ConnectionConfig) -> Self {
        Self::on(&load(config).await)
    }

    /// The same, with every call made through `http`.
    pub(crate) async fn open_through(config: &ConnectionConfig, http: SharedHttpClient) -> Self {
        let sdk = load(config).await.into_builder().http_client(http);
        Self::on(&sdk.build())
    }

    fn on(sdk: &SdkConfig) -> Self {
        let clock = WorldClock::default();
        let ecs = aws_sdk_ecs::config::Builder::from(sdk).interceptor(clock.clone());
        let cloudwatch = aws_sdk_cloudwatch::config::Builder::from(sdk).interceptor(clock.clone());
        // A long poll takes as long as it takes: its caller sets the limit.
        let sqs = aws_sdk_sqs::config::Builder::from(sdk).timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_timeout(CALL_TIMEOUT + Duration::from_secs(20))
                .build(),
        );
        Self {
            ecs: aws_sdk_ecs::Client::from_conf(ecs.build()),
            cloudwatch: aws_sdk_cloudwatch::Client::from_conf(cloudwatch.build()),
            scaling: aws_sdk_applicationautoscaling::Client::new(sdk),
            sqs: aws_sdk_sqs::Client::from_conf(sqs.build()),
            clock,
        }
    }
}

/// The SDK's own retries would slip past the quotas, and past the lease.
async fn load(config: &ConnectionConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts);
    if let Some(region) = &config.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(key) = &config.access_key {
        let credentials = Credentials::new(&key.id, &key.secret, None, None, "ConnectionConfig");
        loader = loader.credentials_provider(credentials);
    }
    if let Some(url) = &config.endpoint_url {
        loader = loader.endpoint_url(url.as_str().trim_end_matches('/'));
    }
    loader.load().await
}
