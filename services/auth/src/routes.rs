//! What auth serves.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use service_kit::body::{Body, body};
use service_kit::server::Routes;
use service_kit::{Problem, reply};
use warp::Filter;
use warp::reply::Response;

use crate::Auth;
use crate::clients::VerifyError;

/// The routes of the service port.
#[must_use]
pub fn routes(auth: &Arc<Auth>) -> Routes {
    let context = Arc::clone(auth);
    let shared = warp::any().map(move || Arc::clone(&context)).boxed();
    let issue = warp::path!("oauth" / "token")
        .and(warp::post())
        .and(shared.clone())
        .and(warp::header::headers_cloned())
        .and(body())
        .then(|auth, headers, body| async { of_oauth(issue(auth, headers, body).await) })
        .boxed();
    let verify = warp::path!("verify")
        .and(warp::post())
        .and(shared.clone())
        .and(body())
        .then(|auth, body| async { reply::of(verify(auth, body).await) })
        .boxed();
    let keys = warp::path!(".well-known" / "jwks.json")
        .and(warp::get())
        .and(shared)
        .map(|auth: Arc<Auth>| reply::json(auth.issuer.jwks()))
        .boxed();
    issue.or(verify).unify().boxed().or(keys).unify().boxed()
}

/// An error of the token endpoint, by its name in RFC 6749, 5.2.
enum OauthError {
    InvalidRequest(String),
    InvalidClient,
    UnsupportedGrantType,
    Paused(Duration),
    Unavailable(Problem),
}

async fn issue(auth: Arc<Auth>, headers: HeaderMap, body: Body) -> Result<Response, OauthError> {
    let (client, secret) = basic_credentials(&headers).ok_or(OauthError::InvalidClient)?;
    require_client_credentials(body).await?;
    auth.clients
        .verify(&client, secret)
        .await
        .map_err(|error| match error {
            VerifyError::Denied => OauthError::InvalidClient,
            VerifyError::Paused { retry_after } => OauthError::Paused(retry_after),
            VerifyError::Busy => {
                OauthError::Unavailable(Problem::unavailable("BUSY", error.to_string()))
            }
        })?;
    let lifetime = auth.settings.load().settings.token_lifetime.get();
    let token = auth
        .issuer
        .issue(&client, Timestamp::now(), lifetime)
        .map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            OauthError::Unavailable(Problem::internal("INTERNAL", "the token cannot be made"))
        })?;
    Ok(reply::json(&json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": lifetime.as_secs(),
    })))
}

async fn require_client_credentials(body: Body) -> Result<(), OauthError> {
    let form = body
        .form()
        .await
        .map_err(|problem| OauthError::InvalidRequest(problem.detail().to_owned()))?;
    match form.iter().find(|(name, _)| name == "grant_type") {
        Some((_, grant)) if grant == "client_credentials" => Ok(()),
        Some(_) => Err(OauthError::UnsupportedGrantType),
        None => Err(OauthError::InvalidRequest("send grant_type".to_owned())),
    }
}

fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (client, secret) = decoded.split_once(':')?;
    Some((form_decoded(client), form_decoded(secret)))
}

/// Both are encoded as in a form before they are joined. Many clients do not, so a plus stays a plus.
///
/// Source: RFC 6749, 2.3.1.
fn form_decoded(text: &str) -> String {
    let query = format!("={}", text.replace('+', "%2B").replace('&', "%26"));
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// Token endpoint answers have the form of RFC 6749, not problem+json: clients are OAuth libraries.
fn of_oauth(result: Result<Response, OauthError>) -> Response {
    let error = |status, error: &str, detail: &str| {
        reply::with_status(
            status,
            &json!({"error": error, "error_description": detail}),
        )
    };
    let mut response = match result {
        Ok(response) => response,
        Err(OauthError::InvalidRequest(detail)) => {
            error(StatusCode::BAD_REQUEST, "invalid_request", &detail)
        }
        Err(OauthError::UnsupportedGrantType) => error(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "only client_credentials is granted",
        ),
        Err(OauthError::InvalidClient) => challenge(error(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "unknown client or wrong secret",
        )),
        Err(OauthError::Paused(left)) => paused(
            error(
                StatusCode::TOO_MANY_REQUESTS,
                "invalid_client",
                "denied too often in a row; see Retry-After",
            ),
            left,
        ),
        Err(OauthError::Unavailable(problem)) => problem.into_response(),
    };
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

fn paused(mut response: Response, left: Duration) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, reply::retry_after(left));
    response
}

fn challenge(mut response: Response) -> Response {
    let basic = HeaderValue::from_static("Basic realm=\"loan-platform\"");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, basic);
    response
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifyRequest {
    token: String,
}

async fn verify(auth: Arc<Auth>, body: Body) -> Result<Response, Problem> {
    let request: VerifyRequest = body.json().await?;
    let inactive = |reason: &str| reply::json(&json!({"active": false, "reason": reason}));
    Ok(match auth.issuer.verify(&request.token) {
        // A client that was removed is out at once, not when its last token ends.
        Ok(claims) if !auth.clients.has(&claims.sub) => inactive("the client is not registered"),
        Ok(claims) => {
            let expires_at = Timestamp::from_second(claims.exp).ok();
            reply::json(&json!({
                "active": true,
                "clientId": claims.sub,
                "expiresAt": expires_at.map(|at| at.to_string()),
            }))
        }
        Err(error) => inactive(&error.to_string()),
    })
}
