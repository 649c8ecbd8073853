//! Answers in JSON.

use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use warp::Reply;
use warp::reply::Response;

use crate::problem::Problem;

/// 200 with `content` as JSON.
#[must_use]
pub fn json(content: &impl Serialize) -> Response {
    with_status(StatusCode::OK, content)
}

/// `status` with `content` as JSON.
#[must_use]
pub fn with_status(status: StatusCode, content: &impl Serialize) -> Response {
    typed(status, "application/json", content)
}

/// The response of a handler: its answer, or the problem it met.
#[must_use]
pub fn of(result: Result<Response, Problem>) -> Response {
    result.unwrap_or_else(Problem::into_response)
}

/// When to try again, for `Retry-After`: whole seconds, rounded up.
#[must_use]
pub fn retry_after(wait: Duration) -> HeaderValue {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    seconds.into()
}

pub(crate) fn typed(
    status: StatusCode,
    content_type: &'static str,
    content: &impl Serialize,
) -> Response {
    // Only a map with keys that are not strings has no JSON form; the answers here have none.
    let body = serde_json::to_vec(content).unwrap_or_else(|error| {
        tracing::error!(%error, "an answer has no JSON form");
        Vec::new()
    });
    let mut response = body.into_response();
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
