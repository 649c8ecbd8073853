//! `POST /v1/scores`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::StatusCode;
use rust_decimal::Decimal;
use schema::settings::ScoreProviderSettings;
use serde::{Deserialize, Serialize};
use service_kit::body::{Body, body};
use service_kit::rate_limit::RateLimiter;
use service_kit::server::Routes;
use service_kit::{Application, BoxError, Context, Problem, Settings, reply};
use tokio::time::{Instant, sleep};
use warp::Filter;
use warp::reply::Response;

use crate::provider::{Fate, Provider};
use crate::score;

/// The name that answers carry.
pub const PROVIDER: &str = "stand-in";

/// How long a request that is never answered is held: longer than any caller waits.
const HANG: Duration = Duration::from_secs(30);
/// Longest id of an applicant, in bytes: a hundred characters of four.
const MAX_USER_ID: usize = 400;

/// An applicant to score.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScoreRequest {
    application_id: String,
    user_id: String,
    amount: Decimal,
    income: Decimal,
}

#[derive(Debug, Serialize)]
struct Scored {
    score: u32,
    provider: &'static str,
}

/// Builds the service.
///
/// # Errors
/// Never.
#[expect(clippy::unused_async, reason = "the shape that the kit runs")]
pub async fn build(context: Context<ScoreProviderSettings>) -> Result<Application, BoxError> {
    Ok(Application::new(routes(context.settings)))
}

/// The routes of a provider that starts idle. Its dice are seeded with the seed of its settings at
/// this moment, or with a random one.
#[must_use]
pub fn routes(settings: Settings<ScoreProviderSettings>) -> Routes {
    let seed = settings.load().settings.seed.map(u64::from);
    let provider = Provider::new(seed.unwrap_or_else(rand::random));
    let service = Arc::new(Service {
        settings,
        provider: Mutex::new(provider),
        contract: RateLimiter::default(),
    });
    warp::path!("v1" / "scores")
        .and(warp::post())
        .and(body())
        .then(move |body| {
            let service = Arc::clone(&service);
            async move { reply::of(service.score(body).await) }
        })
        .boxed()
}

struct Service {
    settings: Settings<ScoreProviderSettings>,
    provider: Mutex<Provider>,
    /// All callers are one customer's.
    contract: RateLimiter<()>,
}

impl Service {
    async fn score(&self, body: Body) -> Result<Response, Problem> {
        let request = body.json::<ScoreRequest>().await?;
        request.check()?;
        let settings = self.settings.load();
        self.contract.reconfigure(settings.settings.rate_limit);
        self.contract.admit(&())?;
        match self.fate(&settings.settings) {
            Fate::Scored { after } => {
                sleep(after).await;
                Ok(reply::json(&Scored {
                    score: score::of(&request.user_id),
                    provider: PROVIDER,
                }))
            }
            Fate::Broken { after } => {
                sleep(after).await;
                Err(Problem::internal("PROVIDER_ERROR", "scoring failed"))
            }
            Fate::Hangs => {
                sleep(HANG).await;
                Err(Problem::internal("PROVIDER_ERROR", "scoring got stuck"))
            }
            Fate::Out => Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "OUTAGE",
                "nobody is there",
            )),
            // Without Retry-After, as most overloaded servers: they do not know.
            Fate::TurnedAway => Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "OVERLOADED",
                "too many attempts are waiting",
            )),
        }
    }

    fn fate(&self, settings: &ScoreProviderSettings) -> Fate {
        let now = Instant::now().into_std();
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        self.provider
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(settings, now, since_epoch.unwrap_or_default())
    }
}

impl ScoreRequest {
    fn check(&self) -> Result<(), Problem> {
        let refuse =
            |field, detail| Err(Problem::unprocessable("INVALID", detail).with_field(field));
        if self.application_id.is_empty() {
            return refuse("applicationId", "must not be empty");
        }
        if !(1..=MAX_USER_ID).contains(&self.user_id.len()) {
            return refuse("userId", "must have 1 to 400 bytes");
        }
        if self.amount <= Decimal::ZERO {
            return refuse("amount", "must be above 0");
        }
        if self.income < Decimal::ZERO {
            return refuse("income", "must not be below 0");
        }
        Ok(())
    }
}
