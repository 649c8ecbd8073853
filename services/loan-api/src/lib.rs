//! Takes loan applications and decides them.
//!
//! An application is stored as RECEIVED, scored, and decided by the credit policy. From the moment
//! it is stored it will be decided, whatever becomes of the request: the client may hang up, the
//! deadline may pass, scoring may fail. No applicant is rejected for a technical failure.

pub mod application;
mod apply;
pub mod authentication;
pub mod database;
pub mod decision;
mod health;
mod idempotency;
mod processing;
mod recovery;
pub mod routes;
pub mod scoring;
pub mod store;

use std::sync::Arc;

use schema::settings::LoanApiSettings;
use schema::signals::Metric;
use service_kit::rate_limit::RateLimiter;
use service_kit::telemetry::metrics::Counter;
use service_kit::{Application, BoxError, Context, Settings, Tasks};
use tokio::sync::Semaphore;

use authentication::{Authenticator, ClientId};
use health::BacklogGauges;
use processing::Processor;
use scoring::ScoringClient;
use store::Store;

/// Applications worked on at once, those included whose clients have hung up; more are refused.
const MAX_UNDER_WAY: usize = 2_048;

/// What the handlers share.
struct LoanApi {
    store: Store,
    authenticator: Authenticator,
    processor: Processor,
    rate_limiter: RateLimiter<ClientId>,
    settings: Settings<LoanApiSettings>,
    tasks: Tasks,
    places: Arc<Semaphore>,
    received: Counter,
}

/// Builds the service: brings the database up to date, then starts what runs beside requests.
///
/// # Errors
/// When the HTTP client cannot be made, or the database holds something else than expected. A
/// database that cannot be reached is waited for.
pub async fn build(
    store: Store,
    context: Context<LoanApiSettings>,
) -> Result<Application, BoxError> {
    let store = store.measured(&context.metrics);
    health::wait_for_database(&store, &context.readiness).await?;
    let http = service_kit::client::http_client()?;
    let scoring = ScoringClient::new(&context, http.clone())?;
    let api = Arc::new(LoanApi {
        authenticator: Authenticator::new(&context, http)?,
        processor: Processor::new(store.clone(), scoring, &context),
        rate_limiter: RateLimiter::default(),
        store: store.clone(),
        settings: context.settings.clone(),
        tasks: context.tasks.clone(),
        places: Arc::new(Semaphore::new(MAX_UNDER_WAY)),
        received: context.metrics.own().counter(Metric::ApplicationsReceived),
    });
    let gauges = BacklogGauges::new(&context.metrics);
    let tasks = &context.tasks;
    tasks.spawn_until_stopped(follow_settings(Arc::clone(&api)));
    tasks.spawn_until_stopped(recovery::run(store.clone(), api.processor.clone()));
    tasks.spawn_until_stopped(store.clone().keep_login());
    tasks.spawn_until_stopped(health::watch(store, context.readiness, gauges));
    Ok(Application::new(routes::routes(&api)))
}

/// Applies settings to what keeps state between requests; the rest reads them per request.
async fn follow_settings(api: Arc<LoanApi>) {
    let mut changes = api.settings.watch();
    loop {
        let document = Arc::clone(&changes.borrow_and_update());
        api.processor.reconfigure(&document.settings);
        api.rate_limiter.reconfigure(document.settings.rate_limit);
        if changes.changed().await.is_err() {
            return;
        }
    }
}
