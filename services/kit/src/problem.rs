//! Errors as clients see them: RFC 9457 `application/problem+json`.

use std::convert::Infallible;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;
use warp::Filter;
use warp::reject::{
    InvalidHeader, InvalidQuery, LengthRequired, MethodNotAllowed, MissingHeader, PayloadTooLarge,
    Rejection, UnsupportedMediaType,
};
use warp::reply::Response;

use crate::server::Routes;
use crate::{reply, trace};

/// A problem to answer with.
///
/// ```
/// use service_kit::Problem;
/// let problem = Problem::unprocessable("INVALID_AMOUNT", "amount must be at least 100")
///     .with_field("amount");
/// assert_eq!(problem.status(), 422);
/// ```
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    field: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// A problem as it is sent (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// The kind of problem: `urn:problem:` and its code in lower case.
    r#type: String,
    /// The status in words.
    title: &'static str,
    /// The status.
    status: u16,
    /// What is wrong and what to do, for people.
    detail: String,
    /// What is wrong, for programs.
    code: &'static str,
    /// The field at fault, by its path in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<String>,
    /// The request's trace: name it when you ask somebody.
    trace_id: String,
}

impl Problem {
    /// A problem with any status. `code` is for programs, upper case with underscores; `detail` is
    /// for people and says what to do.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            field: None,
            headers: Vec::new(),
        }
    }

    /// 400: the request could not be read.
    #[must_use]
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401, with the challenge that RFC 6750 asks for.
    #[must_use]
    pub fn unauthorized(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 404.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail)
    }

    /// 422: the request was read, and what it says is not allowed.
    #[must_use]
    pub fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 500. `detail` must not tell what only an operator should know.
    #[must_use]
    pub fn internal(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, code, detail)
    }

    /// 503: the same request may succeed later.
    #[must_use]
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(Duration::from_secs(1))
    }

    /// 504: what the answer depends on did not answer in time.
    #[must_use]
    pub fn gateway_timeout(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, code, detail)
    }

    /// Names the field at fault, by its path in the request body.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Adds a response header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Says when to try again, in whole seconds rounded up.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        self.with_header(header::RETRY_AFTER, reply::retry_after(wait))
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Its code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Its detail for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The response; `trace_id` is the current request's.
    #[must_use]
    pub fn into_response(self) -> Response {
        let code = self.code.to_ascii_lowercase().replace('_', "-");
        let document = ProblemDocument {
            r#type: format!("urn:problem:{code}"),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail,
            code: self.code,
            field: self.field,
            trace_id: trace::current().trace_id().to_string(),
        };
        let mut response = reply::typed(self.status, "application/problem+json", &document);
        response.headers_mut().extend(self.headers);
        response
    }
}

/// Answers every other method at `path` with 405 and the ones in `allow`, as RFC 9110 (15.5.6) asks for. It goes behind
/// the routes that take these.
pub fn other_methods(
    path: impl Filter<Extract = (), Error = Rejection> + Clone + Send + Sync + 'static,
    allow: &'static str,
) -> Routes {
    let refused = move || {
        let allow = HeaderValue::from_static(allow);
        method_not_allowed()
            .with_header(header::ALLOW, allow)
            .into_response()
    };
    path.map(refused).boxed()
}

fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "METHOD_NOT_ALLOWED",
        "this method is not taken here",
    )
}

/// Answers what no route took, the most specific reason first: a rejection holds the reasons of
/// every route that was tried, and a wrong method on one of them must not hide the right one's.
///
/// # Errors
/// Never.
pub(crate) async fn recover(rejection: Rejection) -> Result<Response, Infallible> {
    Ok(problem_of(&rejection).into_response())
}

fn problem_of(rejection: &Rejection) -> Problem {
    if rejection.find::<PayloadTooLarge>().is_some() {
        return Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "BODY_TOO_LARGE",
            "the body is too large",
        );
    }
    if rejection.find::<LengthRequired>().is_some() {
        return Problem::new(
            StatusCode::LENGTH_REQUIRED,
            "LENGTH_REQUIRED",
            "send Content-Length",
        );
    }
    if rejection.find::<UnsupportedMediaType>().is_some() {
        return Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            "this content type is not taken here",
        );
    }
    if let Some(cause) = rejection.find::<MissingHeader>() {
        return Problem::bad_request("MISSING_HEADER", cause.to_string());
    }
    if let Some(cause) = rejection.find::<InvalidHeader>() {
        return Problem::bad_request("INVALID_HEADER", cause.to_string());
    }
    if rejection.find::<InvalidQuery>().is_some() {
        return Problem::bad_request("INVALID_QUERY", "the query string cannot be read");
    }
    if rejection.find::<MethodNotAllowed>().is_some() {
        return method_not_allowed();
    }
    if rejection.is_not_found() {
        return Problem::not_found("nothing is served at this path");
    }
    tracing::error!(?rejection, "a rejection without an answer");
    Problem::internal("INTERNAL", "the request failed")
}
