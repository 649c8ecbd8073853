//! What auth serves.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service_kit::body::{Body, body};
use service_kit::openapi::{self, BasicLogin};
use service_kit::problem::{self, ProblemDocument};
use service_kit::server::Routes;
use service_kit::{Problem, reply};
use utoipa::{OpenApi, ToSchema};
use warp::Filter;
use warp::reply::Response;

use crate::Auth;
use crate::clients::VerifyError;

/// How long whoever verifies tokens may keep the keys: no longer than the wait between two steps of replacing one.
const KEYS_ARE_KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

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
        .map(|auth: Arc<Auth>| keys(&auth))
        .boxed();
    let described = openapi::routes(description());
    let tokens = issue.or(verify).unify().boxed();
    let public = keys.or(described).unify().boxed();
    let served = tokens.or(public).unify().boxed();
    served.or(other_methods()).unify().boxed()
}

fn other_methods() -> Routes {
    let issue = problem::other_methods(warp::path!("oauth" / "token"), "POST");
    let verify = problem::other_methods(warp::path!("verify"), "POST");
    let keys = problem::other_methods(warp::path!(".well-known" / "jwks.json"), "GET");
    let tokens = issue.or(verify).unify().boxed();
    tokens.or(keys).unify().boxed()
}

/// An error of the token endpoint, by its name in RFC 6749, 5.2.
enum OauthError {
    InvalidRequest(String),
    InvalidClient,
    UnsupportedGrantType,
    Paused(Duration),
    Unavailable(Problem),
}

/// Get a token
///
/// With the client's id and secret in HTTP Basic (RFC 6749, 4.4).
#[utoipa::path(
    post,
    path = "/oauth/token",
    operation_id = "issue",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "A token.", body = Granted),
        (status = 400, description = "The request cannot be read, or asks for another grant.", body = Denied),
        (status = 401, description = "Unknown client or wrong secret.", body = Denied),
        (status = 429, description = "Denied too often in a row.", body = Denied,
            headers(("Retry-After" = String, description = "Seconds to wait."))),
        (status = 503, description = "Too busy; try again.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("basic" = [])),
)]
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
    Ok(reply::json(&Granted {
        access_token: token,
        token_type: "Bearer",
        expires_in: lifetime.as_secs(),
    }))
}

/// A token (RFC 6749, 5.1).
#[derive(Serialize, ToSchema)]
struct Granted {
    /// A JWT.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds for which it is good.
    expires_in: u64,
}

/// Why there is no token (RFC 6749, 5.2).
#[derive(Serialize, ToSchema)]
struct Denied {
    /// What is wrong, for programs.
    error: &'static str,
    /// What is wrong, for people.
    error_description: String,
}

/// What the token endpoint is asked.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "it describes the form, which is read pair by pair"
)]
struct TokenRequest {
    /// `client_credentials`.
    #[schema(pattern = "^client_credentials$")]
    grant_type: String,
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
    let error = |status, error: &'static str, detail: &str| {
        let denied = Denied {
            error,
            error_description: detail.to_owned(),
        };
        reply::with_status(status, &denied)
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

/// A token to look at.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VerifyRequest {
    /// The token.
    token: String,
}

/// Whether a token is good.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Verified {
    /// Whether it is good now.
    active: bool,
    /// Whose it is, when it is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// When it ends, when it is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// Why it is not good.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Look at a token
///
/// For services that do not verify by themselves; within the platform's network only.
#[utoipa::path(
    post,
    path = "/verify",
    operation_id = "verify",
    request_body = VerifyRequest,
    responses(
        (status = 200, description = "Whether it is good.", body = Verified),
        (status = 400, description = "The request cannot be read.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 413, description = "The body is too large.", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON.", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
)]
async fn verify(auth: Arc<Auth>, body: Body) -> Result<Response, Problem> {
    let request: VerifyRequest = body.json().await?;
    let inactive = |reason: &str| Verified {
        active: false,
        client_id: None,
        expires_at: None,
        reason: Some(reason.to_owned()),
    };
    let verified = match auth.issuer.verify(&request.token) {
        // A client that was removed is out at once, not when its last token ends.
        Ok(claims) if !auth.clients.has(&claims.sub) => inactive("the client is not registered"),
        Ok(claims) => Verified {
            active: true,
            expires_at: Timestamp::from_second(claims.exp)
                .ok()
                .map(|at| at.to_string()),
            client_id: Some(claims.sub),
            reason: None,
        },
        Err(error) => inactive(&error.to_string()),
    };
    Ok(reply::json(&verified))
}

/// The public keys
///
/// For services that verify tokens by themselves (RFC 7517).
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    operation_id = "keys",
    responses((
        status = 200,
        description = "The keys.",
        body = KeySet,
        headers(("Cache-Control" = String, description = "How long they may be kept.")),
    )),
)]
fn keys(auth: &Auth) -> Response {
    let mut response = reply::json(auth.issuer.jwks());
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, KEYS_ARE_KEPT);
    response
}

/// Public keys (RFC 7517).
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes a type of another crate")]
struct KeySet {
    /// A key each.
    keys: Vec<Key>,
}

/// A public key (RFC 8037).
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes a type of another crate")]
struct Key {
    /// `OKP`.
    kty: String,
    /// `Ed25519`.
    crv: String,
    /// The key.
    x: String,
    /// Its id, as tokens name it.
    kid: String,
}

/// What the service port serves, in OpenAPI 3.1.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Auth",
        description = "Issues and verifies bearer tokens.",
        license(name = "Apache-2.0"),
    ),
    paths(issue, verify, keys),
    modifiers(&BasicLogin),
)]
struct Description;
