//! The score of an application: asked of scoring, once, behind breaker and bulkhead.

mod policy;

use std::time::Instant;

use http::StatusCode;
use resilience::{Attempt, BreakerState, Classified, Deadline, FailureClass, Policy};
use schema::names::ServiceName;
use schema::settings::LoanApiSettings;
use schema::signals::SCORING_DEPENDENCY;
use serde::de::{Deserializer, Error as _, Unexpected};
use serde::{Deserialize, Serialize};
use service_kit::dependency::{DEADLINE_HEADER, DependencyMetrics};
use service_kit::{BoxError, Context, client};
use url::Url;

use crate::application::LoanRequest;

const MAX_SCORE: u16 = 1_000;

/// Asks scoring.
#[derive(Clone)]
pub struct ScoringClient {
    http: reqwest::Client,
    target: Url,
    policy: Policy,
    metrics: DependencyMetrics,
}

/// Why a score is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// For an application that has just come: one call per application, which is what the scoring
    /// failure signal is made of.
    Application,
    /// For one that was left undecided: not counted a second time.
    Recovery,
}

/// A score.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// 0 to 1000.
    #[serde(deserialize_with = "in_range")]
    pub score: u16,
    /// Its band, as scoring names it.
    pub risk_band: String,
    /// Who scored.
    pub provider: String,
    /// The scoring revision that asked the provider.
    #[serde(default)]
    pub scoring_revision: Option<String>,
}

/// Scores have a range; what is outside of it must not decide anything.
fn in_range<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let score = u16::deserialize(deserializer)?;
    if score <= MAX_SCORE {
        return Ok(score);
    }
    let unexpected = Unexpected::Unsigned(score.into());
    Err(D::Error::invalid_value(
        unexpected,
        &"a score from 0 to 1000",
    ))
}

/// Why scoring gave no score.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// It could not be reached, or broke off.
    #[error("scoring cannot be reached: {0}")]
    Transport(#[from] reqwest::Error),
    /// It answered with an error.
    #[error("scoring answered {0}")]
    Status(StatusCode),
    /// It answered with something that is no score.
    #[error("the answer of scoring is no score: {0}")]
    Unreadable(#[source] serde_json::Error),
}

/// Why there is no score.
pub type ScoringError = resilience::CallError<AttemptError>;

impl Classified for AttemptError {
    fn class(&self) -> FailureClass {
        match self {
            Self::Status(status) if status.is_client_error() => FailureClass::Ignored,
            Self::Status(_) | Self::Transport(_) => FailureClass::Transient,
            Self::Unreadable(_) => FailureClass::Permanent,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ScoreRequest<'a> {
    application_id: &'a str,
    user_id: &'a str,
    amount: rust_decimal::Decimal,
    income: rust_decimal::Decimal,
}

impl ScoringClient {
    /// Makes the client of scoring.
    ///
    /// # Errors
    /// When scoring has no address.
    pub fn new(
        context: &Context<LoanApiSettings>,
        http: reqwest::Client,
    ) -> Result<Self, BoxError> {
        let target = context.hosts.service_url(ServiceName::Scoring, "score")?;
        let metrics = DependencyMetrics::new(&context.metrics, SCORING_DEPENDENCY);
        let settings = context.settings.load();
        let config = policy::config(&settings.settings.clients.scoring, target.as_str());
        // A random seed: the tasks must not test a dependency that was down all at the same moment.
        let seed = uuid::Uuid::new_v4().as_u64_pair().0;
        let policy = Policy::observed(config, seed, std::sync::Arc::new(metrics.clone()));
        DependencyMetrics::show_breaker(&context.metrics, SCORING_DEPENDENCY, policy.clone());
        Ok(Self {
            http,
            target,
            policy,
            metrics,
        })
    }

    /// Applies settings; what breaker and bulkhead know stays where it still means the same.
    pub fn reconfigure(&self, settings: &LoanApiSettings) {
        let config = policy::config(&settings.clients.scoring, self.target.as_str());
        if config != *self.policy.config() {
            self.policy.reconfigure(config);
        }
    }

    /// Whether scoring is being left alone: its breaker is open.
    #[must_use]
    pub fn is_left_alone(&self) -> bool {
        self.policy.breaker_state() == BreakerState::Open
    }

    /// The score of an application.
    ///
    /// # Errors
    /// Why there is none: scoring failed, was too slow, or was not asked.
    pub async fn score(
        &self,
        application_id: &str,
        request: &LoanRequest,
        purpose: Purpose,
    ) -> Result<Score, ScoringError> {
        let asked = ScoreRequest {
            application_id,
            user_id: &request.user_id,
            amount: request.amount,
            income: request.income,
        };
        let started = Instant::now();
        let result = self
            .policy
            .call(Deadline::NONE, |attempt| self.ask(attempt, &asked))
            .await;
        if purpose == Purpose::Application {
            self.metrics.record_call(started.elapsed(), result.is_ok());
        }
        result
    }

    async fn ask(&self, attempt: Attempt, asked: &ScoreRequest<'_>) -> Result<Score, AttemptError> {
        let asking = self
            .http
            .post(self.target.clone())
            .header(DEADLINE_HEADER, attempt.time_left.as_millis().to_string())
            .json(asked);
        let response = client::send(asking, SCORING_DEPENDENCY).await?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(AttemptError::Status(status));
        }
        serde_json::from_slice(&response.bytes().await?).map_err(AttemptError::Unreadable)
    }
}
