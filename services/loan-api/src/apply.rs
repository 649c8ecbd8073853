//! `POST /loan/apply`: from a request to an application that will be decided, and to an answer by the
//! deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_decimal::Decimal;
use serde::Serialize;
use service_kit::body::Body;
use service_kit::problem::ProblemDocument;
use service_kit::{Outliving, Problem, reply, trace};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;
use uuid::Uuid;
use warp::reply::Response;

use crate::LoanApi;
use crate::application::{LoanRequest, LoanRequestBody};
use crate::authentication::ClientId;
use crate::idempotency;
use crate::processing::Outcome;
use crate::scoring::Purpose;
use crate::store::{Inserted, NewApplication, Status, StoreError, StoredApplication};

/// An application as clients see it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Decision)]
pub(crate) struct ApplicationAnswer {
    /// Names the application from now on.
    #[schema(max_length = 50)]
    application_id: String,
    /// `RECEIVED` until it is decided.
    status: Status,
    /// Yearly interest in percent; null unless approved.
    #[serde(with = "rust_decimal::serde::float_option")]
    #[schema(value_type = Option<f64>)]
    interest_rate: Option<Decimal>,
}

/// The work that a request is, which goes on when nobody waits for it any more.
struct Progress {
    /// From now on the application is safe, and will be decided.
    is_stored: Arc<AtomicBool>,
    /// None when it stays undecided for now.
    end: Outliving<Option<End>>,
}

/// What came of the work.
enum End {
    NotStored(StoreError),
    Existing(Box<StoredApplication>),
    Decided(Outcome),
}

/// Apply for a loan
///
/// From the moment an application is stored it will be decided, also when the client hangs up.
#[utoipa::path(
    post,
    path = "/loan/apply",
    operation_id = "apply",
    params((
        "Idempotency-Key" = String, Header,
        description = "Unique per application, such as a UUID, bare or quoted. Sent again, it is answered with the \
                       application it was sent with first.",
        min_length = 1, max_length = 200, pattern = "^[!#-~]([ -~]{0,198}[!-~])?$",
    )),
    request_body = LoanRequestBody,
    responses(
        (status = 200, description = "Decided.", body = ApplicationAnswer,
            headers(("Idempotency-Replayed" = String, description = "`true` when the key was used before."))),
        (status = 202, description = "Stored; the decision follows.", body = ApplicationAnswer,
            headers(("Location" = String, description = "Where the decision will be."))),
        (status = 400, description = "The request cannot be read, or has no usable key.",
            body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "No good token.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body did not arrive.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The first request with this key is still at work.",
            body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "A field breaks a rule, or the key was used for another application.",
            body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Try again later; nothing is lost.",
            body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn apply(
    api: Arc<LoanApi>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut deadline = Instant::now() + api.settings.load().settings.request_deadline.get();
    let client = api.authenticator.authenticate(&headers).await?;
    api.rate_limiter.admit(&client)?;
    let idempotency_key = idempotency::key(&headers)?;
    let reading = Instant::now();
    let body = body.json::<LoanRequestBody>().await?;
    // How long the client takes to send it is not ours to answer for.
    deadline += reading.elapsed();
    let request = LoanRequest::try_from(body)?;
    let new = new_application(&api, client, idempotency_key, request);
    let place = Arc::clone(&api.places)
        .try_acquire_owned()
        .map_err(|_| Problem::unavailable("OVERLOADED", "too many applications at once"))?;
    let application_id = new.application_id.clone();
    let asked_for = new.request.clone();
    let progress = start(&api, new, place);
    answer(progress, &application_id, &asked_for, deadline).await
}

fn new_application(
    api: &LoanApi,
    client: ClientId,
    idempotency_key: String,
    request: LoanRequest,
) -> NewApplication {
    NewApplication {
        application_id: format!("app-{}", Uuid::now_v7()),
        client_id: client.0,
        idempotency_key,
        request,
        trace_id: trace::current().trace_id().to_string(),
        lease: api.processor.lease(),
        answered_within: api.settings.load().settings.request_deadline.get(),
    }
}

/// The work on `new`: it goes on when the client hangs up or its deadline is over, from the very first statement, and
/// a stop waits for it.
fn start(api: &Arc<LoanApi>, new: NewApplication, place: OwnedSemaphorePermit) -> Progress {
    let is_stored = Arc::new(AtomicBool::new(false));
    let (shared, stored) = (Arc::clone(api), Arc::clone(&is_stored));
    let end = api.tasks.outliving(async move {
        let _place = place;
        match shared.store.insert(&new).await {
            Ok(Inserted::New) => {
                stored.store(true, Ordering::Release);
                shared.received.add(1);
                decide(&shared, &new).await
            }
            Ok(Inserted::Existing(existing)) => Some(End::Existing(existing)),
            Err(error) => Some(End::NotStored(error)),
        }
    });
    Progress { is_stored, end }
}

/// None when it stays undecided for now.
async fn decide(api: &LoanApi, new: &NewApplication) -> Option<End> {
    let application_id = &new.application_id;
    let purpose = Purpose::Application;
    match api
        .processor
        .process(application_id, &new.request, purpose)
        .await
    {
        Ok(outcome) => Some(End::Decided(outcome)),
        Err(error) => {
            tracing::warn!(application_id, %error, "application left undecided for now");
            None
        }
    }
}

async fn answer(
    progress: Progress,
    application_id: &str,
    asked_for: &LoanRequest,
    deadline: Instant,
) -> Result<Response, Problem> {
    let ended = timeout_at(deadline, progress.end).await;
    match ended.map(Option::flatten) {
        Ok(Some(End::Decided(outcome))) => Ok(decided(
            application_id,
            outcome.status,
            outcome.interest_rate,
        )),
        Ok(Some(End::Existing(existing))) => repeated(&existing, asked_for),
        Ok(Some(End::NotStored(error))) => Err(error.into()),
        // Too late, left undecided, or it panicked: the application is safe, and its decision follows.
        Ok(None) | Err(_) if progress.is_stored.load(Ordering::Acquire) => {
            Ok(decided(application_id, Status::Received, None))
        }
        // Whether it was stored is not known: only a key makes trying again safe.
        Ok(None) | Err(_) => Err(Problem::unavailable(
            "NOT_STORED_IN_TIME",
            "the application could not be stored in time; try again with the same Idempotency-Key",
        )),
    }
}

/// The answer to a key that was used before: the application it was used for, as it stands now.
fn repeated(existing: &StoredApplication, asked_for: &LoanRequest) -> Result<Response, Problem> {
    if existing.request != *asked_for {
        return Err(Problem::unprocessable(
            "IDEMPOTENCY_KEY_REUSED",
            "this Idempotency-Key was used for another application",
        ));
    }
    if existing.is_under_way {
        let detail =
            "the application with this Idempotency-Key is being worked on; ask again in a second";
        let problem = Problem::new(StatusCode::CONFLICT, "APPLICATION_UNDER_WAY", detail);
        return Err(problem.retry_after(Duration::from_secs(1)));
    }
    let mut response = of_stored(existing);
    let replayed = HeaderValue::from_static("true");
    response
        .headers_mut()
        .insert(idempotency::REPLAYED, replayed);
    Ok(response)
}

pub(crate) fn of_stored(stored: &StoredApplication) -> Response {
    decided(&stored.application_id, stored.status, stored.interest_rate)
}

fn decided(application_id: &str, status: Status, interest_rate: Option<Decimal>) -> Response {
    let answer = ApplicationAnswer {
        application_id: application_id.to_owned(),
        status,
        interest_rate,
    };
    if status != Status::Received {
        return reply::json(&answer);
    }
    let mut response = reply::with_status(StatusCode::ACCEPTED, &answer);
    let location = format!("/loan/applications/{application_id}");
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
