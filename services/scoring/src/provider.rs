//! One attempt at the provider: `POST v1/scores`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use bytes::BytesMut;
use http::{StatusCode, header};
use resilience::{Classified, FailureClass, parse_retry_after};
use rust_decimal::Decimal;
use schema::signals::PROVIDER_DEPENDENCY;
use serde::{Deserialize, Serialize};
use service_kit::{Hosts, client};
use url::Url;

/// Largest answer read, in bytes. A score takes a few dozen.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// Highest score there is.
const MAX_SCORE: u32 = 1_000;
/// Tells the provider which attempts belong together, so that it bills them once.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// An applicant to score; what scoring is asked is what it asks the provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScoreRequest {
    /// The application.
    pub application_id: String,
    /// The applicant.
    pub user_id: String,
    /// Amount asked for.
    pub amount: Decimal,
    /// Monthly income.
    pub income: Decimal,
}

/// The provider's answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Score {
    /// The higher, the better; 0 to 1000.
    pub score: u32,
    /// Who scored.
    pub provider: String,
}

/// Makes attempts.
#[derive(Clone, Debug)]
pub struct Provider {
    http: reqwest::Client,
    hosts: Arc<Hosts>,
    /// The one that was asked last: hardly ever another one is.
    endpoint: Arc<ArcSwapOption<Endpoint>>,
}

/// Where an attempt is sent.
#[derive(Debug)]
struct Endpoint {
    /// As configured.
    base: String,
    url: Url,
}

/// Why an attempt brought no score.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// No connection, or it broke.
    #[error("the provider cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// An answer with another status than 200.
    #[error("the provider answered {status}")]
    Status {
        /// The status.
        status: StatusCode,
        /// How long it asked to be left alone, if it did.
        retry_after: Option<Duration>,
    },
    /// An answer that is no score.
    #[error("the provider's answer is no score")]
    Unreadable(#[source] serde_json::Error),
    /// A score that there is not.
    #[error("the provider's score is {score}, which is not from 0 to {MAX_SCORE}")]
    OutOfRange {
        /// As answered.
        score: u32,
    },
    /// An answer too large to be a score.
    #[error("the provider's answer is larger than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
    /// The address in the settings cannot be one.
    #[error("`{address}` is no address to ask for scores")]
    Address {
        /// As configured.
        address: String,
    },
}

impl Classified for ProviderError {
    /// A score is only read, so every failure that may pass is worth another attempt, 500 included.
    /// 408 and 429 are the provider's trouble; any other 4XX is ours.
    fn class(&self) -> FailureClass {
        match self {
            Self::Unreachable(_) => FailureClass::Transient,
            Self::Status { status, .. } => match *status {
                StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                    FailureClass::Transient
                }
                status if status.is_server_error() => FailureClass::Transient,
                status if status.is_client_error() => FailureClass::Ignored,
                _ => FailureClass::Permanent,
            },
            Self::Unreadable(_)
            | Self::OutOfRange { .. }
            | Self::TooLarge
            | Self::Address { .. } => FailureClass::Permanent,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl Provider {
    /// Makes attempts with `http`, at the addresses that `hosts` knows.
    #[must_use]
    pub fn new(http: reqwest::Client, hosts: Hosts) -> Self {
        Self {
            http,
            hosts: Arc::new(hosts),
            endpoint: Arc::default(),
        }
    }

    /// Asks once. Dropping the future closes its connection.
    ///
    /// # Errors
    /// Why there is no score.
    pub async fn ask(&self, base: &str, request: &ScoreRequest) -> Result<Score, ProviderError> {
        let asking = self
            .http
            .post(self.endpoint(base)?)
            .header(IDEMPOTENCY_KEY, key(&request.application_id))
            .json(request);
        let response = client::send(asking, PROVIDER_DEPENDENCY)
            .await
            .map_err(ProviderError::Unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(ProviderError::Status {
                status: response.status(),
                retry_after: retry_after(&response),
            });
        }
        let answer = read(response).await?;
        let score: Score = serde_json::from_slice(&answer).map_err(ProviderError::Unreadable)?;
        if score.score > MAX_SCORE {
            let score = score.score;
            return Err(ProviderError::OutOfRange { score });
        }
        Ok(score)
    }

    fn endpoint(&self, base: &str) -> Result<Url, ProviderError> {
        if let Some(known) = &*self.endpoint.load()
            && known.base == base
        {
            return Ok(known.url.clone());
        }
        let url = self.found(base)?;
        let known = Endpoint {
            base: base.to_owned(),
            url: url.clone(),
        };
        self.endpoint.store(Some(Arc::new(known)));
        Ok(url)
    }

    fn found(&self, base: &str) -> Result<Url, ProviderError> {
        let error = || ProviderError::Address {
            address: base.to_owned(),
        };
        let mut url = Url::parse(base).map_err(|_| error())?;
        url.path_segments_mut()
            .map_err(|()| error())?
            .pop_if_empty()
            .extend(["v1", "scores"]);
        Ok(self.hosts.resolve(&url))
    }
}

/// The application's id as a quoted string (RFC 8941, 3.3.3). Ids are of the loan API's making; what could not be in
/// such a string is left out.
fn key(application_id: &str) -> String {
    let is_plain = |it: &char| it.is_ascii_graphic() && !matches!(it, '"' | '\\');
    let mut key = String::with_capacity(application_id.len() + 2);
    key.push('"');
    key.extend(application_id.chars().filter(is_plain));
    key.push('"');
    key
}

fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?;
    parse_retry_after(value.to_str().ok()?, SystemTime::now())
}

async fn read(mut response: reqwest::Response) -> Result<BytesMut, ProviderError> {
    let mut answer = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(ProviderError::Unreachable)? {
        if answer.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(ProviderError::TooLarge);
        }
        answer.extend_from_slice(&chunk);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_to_try_again_and_whose_fault_it_is() {
        use FailureClass::{Ignored, Permanent, Transient};
        for (status, class) in [
            (500, Transient),
            (503, Transient),
            (429, Transient),
            (408, Transient),
            (400, Ignored),
            (422, Ignored),
            (302, Permanent),
            (204, Permanent),
        ] {
            let error = ProviderError::Status {
                status: StatusCode::from_u16(status).unwrap(),
                retry_after: None,
            };
            assert_eq!(error.class(), class, "{status}");
        }
    }

    #[test]
    fn the_endpoint_is_below_the_address_and_found_where_the_hosts_say() {
        let hosts = "score-provider:8084=127.0.0.1:41003".parse().unwrap();
        let provider = Provider::new(reqwest::Client::new(), hosts);
        for (base, endpoint) in [
            (
                "http://score-provider:8084",
                "http://127.0.0.1:41003/v1/scores",
            ),
            (
                "https://scores.example/api/",
                "https://scores.example/api/v1/scores",
            ),
            (
                "https://scores.example/api",
                "https://scores.example/api/v1/scores",
            ),
        ] {
            assert_eq!(provider.endpoint(base).unwrap().as_str(), endpoint);
        }
    }
}
