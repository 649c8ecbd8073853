//! `POST /score`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use resilience::{CallError, Classified, Deadline, FailureClass, Policy};
use schema::platform::Decision;
use schema::settings::ScoringSettings;
use schema::signals::PROVIDER_DEPENDENCY;
use service_kit::body::{Body, body};
use service_kit::client::http_client;
use service_kit::dependency::{DEADLINE_HEADER, DependencyMetrics, EveryCall};
use service_kit::server::Routes;
use service_kit::{Application, BoxError, Context, Metrics, Problem, Settings, reply, with_causes};
use warp::Filter;
use warp::reply::Response;

use crate::memory::{Memory, Scored};
use crate::policy;
use crate::provider::{Provider, ProviderError, Score, ScoreRequest};

/// Band of a score below the last band of the credit policy.
const BELOW_LAST_BAND: &str = "HIGH";

/// Answers requests for a score.
#[derive(Debug)]
pub struct Scoring {
    settings: Settings<ScoringSettings>,
    policy: Policy,
    provider: Provider,
    memory: Memory,
}

/// Builds the service.
///
/// # Errors
/// When no HTTP client can be made.
#[expect(clippy::unused_async, reason = "the shape that the kit runs")]
pub async fn build(context: Context<ScoringSettings>) -> Result<Application, BoxError> {
    let changes = context.settings.watch();
    let provider = Provider::new(http_client()?, context.hosts);
    let scoring = Scoring::new(context.settings, provider, &context.metrics);
    let follow = policy::follow(scoring.policy.clone(), changes);
    context.tasks.spawn_until_stopped(follow);
    Ok(Application::new(scoring.routes()))
}

impl Scoring {
    /// A service with a policy of its settings at this moment; [`policy::follow`] keeps it current.
    #[must_use]
    pub fn new(settings: Settings<ScoringSettings>, provider: Provider, metrics: &Metrics) -> Self {
        let policy = Policy::observed(
            policy::config(&settings.load().settings.provider),
            rand::random(),
            Arc::new(EveryCall(DependencyMetrics::new(
                metrics,
                PROVIDER_DEPENDENCY,
            ))),
        );
        DependencyMetrics::show_breaker(metrics, PROVIDER_DEPENDENCY, policy.clone());
        Self {
            settings,
            policy,
            provider,
            memory: Memory::default(),
        }
    }

    /// The policy of calls to the provider.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.policy.clone()
    }

    /// The routes of the service port.
    #[must_use]
    pub fn routes(self) -> Routes {
        let scoring = Arc::new(self);
        warp::path!("score")
            .and(warp::post())
            .and(warp::header::optional::<u64>(DEADLINE_HEADER))
            .and(body())
            .then(move |left_ms: Option<u64>, body| {
                let scoring = Arc::clone(&scoring);
                async move { reply::of(scoring.score(left_ms, body).await) }
            })
            .boxed()
    }

    async fn score(&self, left_ms: Option<u64>, body: Body) -> Result<Response, Problem> {
        let deadline = left_ms.map_or(Deadline::NONE, |ms| {
            Deadline::after(Instant::now(), Duration::from_millis(ms))
        });
        let request = &body.json::<ScoreRequest>().await?;
        let scored = self
            .memory
            .recall_or(request, self.ask(deadline, request))
            .await
            .map_err(|error| problem(&error))?;
        Ok(reply::json(&*scored))
    }

    async fn ask(
        &self,
        deadline: Deadline,
        request: &ScoreRequest,
    ) -> Result<Scored, CallError<ProviderError>> {
        let score = self
            .policy
            .call(deadline, |attempt| async move {
                self.provider.ask(&attempt.target, request).await
            })
            .await?;
        let document = self.settings.load();
        Ok(Scored {
            risk_band: risk_band(&document.settings.decision, &score).to_owned(),
            score: score.score,
            provider: score.provider,
            scoring_revision: document.scoring_revision.clone(),
        })
    }
}

fn risk_band<'a>(decision: &'a Decision, score: &Score) -> &'a str {
    decision
        .band(score.score)
        .map_or(BELOW_LAST_BAND, |band| &band.risk_band.0)
}

/// What the caller is told. All of it is about the provider, never about the applicant: no score is
/// not a bad score.
fn problem(error: &CallError<ProviderError>) -> Problem {
    let unavailable = |code, detail| Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
    let (problem, retry_after) = match error {
        CallError::BulkheadFull => {
            let detail = "as many calls to the provider as allowed are under way";
            (unavailable("BULKHEAD_FULL", detail), None)
        }
        CallError::BreakerOpen { retry_after } => {
            let detail = "the provider fails; it is left alone for a while";
            (unavailable("BREAKER_OPEN", detail), *retry_after)
        }
        CallError::TimedOut { .. } => {
            let detail = "the provider did not answer in time";
            (Problem::gateway_timeout("PROVIDER_TIMEOUT", detail), None)
        }
        CallError::Failed { source, .. } => (failed(source), source.retry_after()),
    };
    tracing::debug!(code = problem.code(), error = %with_causes(error), "no score");
    match retry_after {
        Some(wait) => problem.retry_after(wait),
        None => problem,
    }
}

fn failed(error: &ProviderError) -> Problem {
    let problem = |status, code| Problem::new(status, code, error.to_string());
    match error.class() {
        FailureClass::Transient => problem(StatusCode::SERVICE_UNAVAILABLE, "PROVIDER_UNAVAILABLE"),
        FailureClass::Permanent => problem(StatusCode::BAD_GATEWAY, "PROVIDER_ANSWER_UNUSABLE"),
        FailureClass::Ignored => problem(StatusCode::BAD_GATEWAY, "PROVIDER_REFUSED"),
    }
}
