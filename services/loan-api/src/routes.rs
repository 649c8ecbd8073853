//! What the loan API serves.

use std::sync::Arc;

use http::HeaderMap;
use service_kit::body::body;
use service_kit::openapi::{self, BearerLogin};
use service_kit::problem::{self, ProblemDocument};
use service_kit::server::Routes;
use service_kit::{Problem, reply};
use utoipa::OpenApi;
use warp::Filter;
use warp::reply::Response;

use crate::LoanApi;
use crate::apply::{ApplicationAnswer, apply, of_stored};

/// Longest id that can be stored.
const MAX_ID_LENGTH: usize = 50;

/// The routes of the service port.
pub(crate) fn routes(api: &Arc<LoanApi>) -> Routes {
    let context = Arc::clone(api);
    let shared = warp::any()
        .map(move || Arc::clone(&context))
        .and(warp::header::headers_cloned())
        .boxed();
    let apply = warp::path!("loan" / "apply")
        .and(warp::post())
        .and(shared.clone())
        .and(body())
        .then(|api, headers, body| async { reply::of(apply(api, headers, body).await) })
        .boxed();
    let show = warp::path!("loan" / "applications" / String)
        .and(warp::get())
        .and(shared)
        .then(|id, api, headers| async { reply::of(show(id, api, headers).await) })
        .boxed();
    let described = openapi::routes(description());
    let applications = apply.or(show).unify().boxed();
    let served = applications.or(described).unify().boxed();
    served.or(other_methods()).unify().boxed()
}

fn other_methods() -> Routes {
    let apply = problem::other_methods(warp::path!("loan" / "apply"), "POST");
    let one = warp::path!("loan" / "applications" / String);
    let show = problem::other_methods(one.map(drop).untuple_one(), "GET");
    apply.or(show).unify().boxed()
}

/// What the service port serves, in OpenAPI 3.1.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Loan API",
        description = "Takes loan applications and decides them.",
        license(name = "Apache-2.0"),
    ),
    paths(crate::apply::apply, show),
    modifiers(&BearerLogin),
)]
struct Description;

/// Look at an application
///
/// Of the client's own; those of others do not exist for it.
#[utoipa::path(
    get,
    path = "/loan/applications/{applicationId}",
    operation_id = "show",
    params(("applicationId" = String, Path, description = "As answered when it was applied for.")),
    responses(
        (status = 200, description = "Decided.", body = ApplicationAnswer),
        (status = 202, description = "Not decided yet.", body = ApplicationAnswer,
            headers(("Location" = String, description = "Where the decision will be."))),
        (status = 401, description = "No good token.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 404, description = "There is no such application.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 429, description = "Too many requests.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 503, description = "Try again later.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = [])),
)]
async fn show(id: String, api: Arc<LoanApi>, headers: HeaderMap) -> Result<Response, Problem> {
    let client = api.authenticator.authenticate(&headers).await?;
    api.rate_limiter.admit(&client)?;
    let found = if id.len() <= MAX_ID_LENGTH {
        api.store.find(&id, &client.0).await?
    } else {
        None
    };
    let found = found.ok_or_else(|| Problem::not_found("there is no such application"))?;
    Ok(of_stored(&found))
}
