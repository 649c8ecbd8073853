//! Whose request it is: asked of auth, once, within its timeout. Without an answer nobody passes.

use std::time::Instant;

use http::{HeaderMap, header};
use reqwest::StatusCode;
use schema::names::ServiceName;
use schema::settings::LoanApiSettings;
use schema::signals::{AUTH_DEPENDENCY, Metric};
use serde::{Deserialize, Serialize};
use service_kit::telemetry::metrics::{Counter, Distribution};
use service_kit::{Context, Metrics, Problem, Settings, client};
use url::Url;

/// Asks auth about tokens.
pub struct Authenticator {
    http: reqwest::Client,
    url: Url,
    settings: Settings<LoanApiSettings>,
    metrics: CallMetrics,
}

/// A client that auth vouches for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub String);

/// Why a request is not let in.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticationError {
    /// No bearer token, or not a good one.
    #[error("{0}")]
    Invalid(String),
    /// Auth did not answer in time, or not as it should.
    #[error("auth gave no answer: {0}")]
    Unavailable(String),
}

impl From<AuthenticationError> for Problem {
    fn from(error: AuthenticationError) -> Self {
        match error {
            AuthenticationError::Invalid(reason) => Self::unauthorized("INVALID_TOKEN", reason),
            AuthenticationError::Unavailable(reason) => {
                tracing::warn!(reason, "auth is unavailable");
                Self::unavailable(
                    "AUTH_UNAVAILABLE",
                    "the token could not be verified; try again",
                )
            }
        }
    }
}

#[derive(Serialize)]
struct Token<'a> {
    token: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verified {
    active: bool,
    client_id: Option<String>,
    reason: Option<String>,
}

impl Authenticator {
    /// Makes the client of auth.
    ///
    /// # Errors
    /// When auth has no address.
    pub fn new(
        context: &Context<LoanApiSettings>,
        http: reqwest::Client,
    ) -> Result<Self, url::ParseError> {
        Ok(Self {
            http,
            url: context.hosts.service_url(ServiceName::Auth, "verify")?,
            settings: context.settings.clone(),
            metrics: CallMetrics::new(&context.metrics),
        })
    }

    /// The client whose token the request carries.
    ///
    /// # Errors
    /// [`AuthenticationError::Invalid`] for a request without a good token,
    /// [`AuthenticationError::Unavailable`] when that cannot be told.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<ClientId, AuthenticationError> {
        let token = bearer_token(headers).ok_or_else(|| {
            AuthenticationError::Invalid("send a token: Authorization: Bearer …".to_owned())
        })?;
        let started = Instant::now();
        let result = self.verify(token).await;
        self.metrics.record(started, &result);
        result
    }

    async fn verify(&self, token: &str) -> Result<ClientId, AuthenticationError> {
        let timeout = self.settings.load().settings.clients.auth.timeout.get();
        let asked = async {
            let asking = self.http.post(self.url.clone()).json(&Token { token });
            let response = client::send(asking, AUTH_DEPENDENCY).await?;
            let status = response.status();
            Ok::<_, reqwest::Error>((status, response.bytes().await?))
        };
        let (status, body) = match tokio::time::timeout(timeout, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(AuthenticationError::Unavailable(error.to_string())),
            Err(_) => {
                self.metrics.timeouts.add(1);
                let waited = format!("no answer within {timeout:?}");
                return Err(AuthenticationError::Unavailable(waited));
            }
        };
        judge(status, &body)
    }
}

fn judge(status: StatusCode, body: &[u8]) -> Result<ClientId, AuthenticationError> {
    let unavailable = |what: String| Err(AuthenticationError::Unavailable(what));
    if status != StatusCode::OK {
        return unavailable(format!("it answered {status}"));
    }
    match serde_json::from_slice::<Verified>(body) {
        Ok(Verified {
            active: true,
            client_id: Some(id),
            ..
        }) => Ok(ClientId(id)),
        Ok(Verified {
            active: false,
            reason,
            ..
        }) => Err(AuthenticationError::Invalid(
            reason.unwrap_or_else(|| "the token is not good".to_owned()),
        )),
        Ok(_) => unavailable("it named no client".to_owned()),
        Err(error) => unavailable(format!("its answer cannot be read: {error}")),
    }
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

struct CallMetrics {
    calls: Counter,
    failures: Counter,
    attempts: Counter,
    timeouts: Counter,
    latency: Distribution,
}

impl CallMetrics {
    fn new(metrics: &Metrics) -> Self {
        let auth = metrics.dependency(AUTH_DEPENDENCY);
        Self {
            calls: auth.counter(Metric::Calls),
            failures: auth.counter(Metric::Failures),
            attempts: auth.counter(Metric::Attempts),
            timeouts: auth.counter(Metric::Timeouts),
            latency: auth.distribution(Metric::CallLatency),
        }
    }

    fn record(&self, started: Instant, result: &Result<ClientId, AuthenticationError>) {
        self.calls.add(1);
        self.attempts.add(1);
        let failed = matches!(result, Err(AuthenticationError::Unavailable(_)));
        self.failures.add(u64::from(failed));
        self.latency.record_ms(started.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_lets_a_request_in() {
        let yes = br#"{"active":true,"clientId":"demo","expiresAt":"2026-01-01T00:00:00Z"}"#;
        let id = judge(StatusCode::OK, yes).unwrap();
        assert_eq!(id, ClientId("demo".to_owned()));
        let no = judge(StatusCode::OK, br#"{"active":false,"reason":"expired"}"#);
        assert!(matches!(no, Err(AuthenticationError::Invalid(_))));
        for (status, body) in [
            (StatusCode::OK, "{}"),
            (StatusCode::OK, r#"{"active":true}"#),
            (StatusCode::OK, "<html>"),
            (
                StatusCode::BAD_GATEWAY,
                r#"{"active":true,"clientId":"demo"}"#,
            ),
        ] {
            let answer = judge(status, body.as_bytes());
            assert!(
                matches!(answer, Err(AuthenticationError::Unavailable(_))),
                "{body}"
            );
        }
    }
}
