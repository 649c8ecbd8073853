//! What goes wrong, as Kubernetes clients are told of it: a `Status`.

use std::fmt::Display;

use http::{HeaderValue, StatusCode, header};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Status, StatusCause, StatusDetails};
use service_kit::reply;
use warp::reply::Response as Reply;

use super::resource::Resource;
use crate::http::access::Refusal;

/// Seconds after which a client asks again that came too early.
const RETRY_AFTER_S: u16 = 1;

/// A request that is not answered as it was meant. Clients go by `reason`.
#[derive(Debug)]
pub(super) struct Failure {
    code: StatusCode,
    reason: &'static str,
    message: String,
    details: StatusDetails,
}

/// What somebody wants to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A platform that there is.
    Platform {
        /// Its name.
        name: String,
        /// Its spec file.
        source: String,
    },
    /// A platform that there is not.
    NewPlatform,
    /// Anything else.
    Other,
}

impl Failure {
    /// There is no such object.
    pub(super) fn not_found(resource: Resource, name: &str) -> Self {
        let names = resource.names();
        let message = format!("{} \"{name}\" not found", names.qualified());
        let mut failure = Self::new(StatusCode::NOT_FOUND, "NotFound", message);
        failure.details.name = Some(name.to_owned());
        failure.details.kind = Some(names.plural.to_owned());
        failure.details.group = (!names.group.is_empty()).then(|| names.group.to_owned());
        failure
    }

    /// The path leads nowhere. The words are a cluster's: clients look for them.
    pub(super) fn no_such_path() -> Self {
        let message = "the server could not find the requested resource";
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    /// The question makes no sense.
    pub(super) fn bad_request(message: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// The parameters do not go together.
    pub(super) fn invalid(message: impl Display) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message)
    }

    /// A version is not remembered any more: the client lists anew.
    pub(super) fn expired(message: impl Display) -> Self {
        Self::new(StatusCode::GONE, "Expired", message)
    }

    /// A version that nothing here has reached. Clients know it by the cause, and list without a version.
    pub(super) fn too_new(asked: u64, newest: u64) -> Self {
        let message = format!("Too large resource version: {asked}, current: {newest}");
        let mut failure = Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message);
        failure.details.retry_after_seconds = Some(RETRY_AFTER_S.into());
        failure.details.causes = Some(vec![StatusCause {
            reason: Some("ResourceVersionTooLarge".to_owned()),
            message: Some("Too large resource version".to_owned()),
            field: None,
        }]);
        failure
    }

    /// No shape that the client takes is offered.
    pub(super) fn not_acceptable() -> Self {
        let message = "only application/json is served here";
        Self::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message)
    }

    /// Everything is for reading, `target` too.
    pub(super) fn read_only(target: &Target) -> Self {
        let message = match target {
            Target::Platform { name, source } => format!(
                "nothing is changed here: the controller does what spec files say. To change {name}, edit its spec file \
                 {source} (loanctl validate checks it); to remove it, remove the file"
            ),
            Target::NewPlatform => {
                "nothing is changed here: the controller does what spec files say. To add a platform, put its spec file, \
                 specs/NAME.yaml, where the others are (loanctl validate checks it)"
                    .to_owned()
            }
            Target::Other => "nothing is changed here: platforms are changed by editing their spec files".to_owned(),
        };
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    /// What there is is not known yet. Clients ask again by themselves.
    pub(super) fn not_yet() -> Self {
        let message = "this controller does not know every platform: it has just begun, or another one holds the lease";
        let mut failure = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            message,
        );
        failure.details.retry_after_seconds = Some(RETRY_AFTER_S.into());
        failure
    }

    /// Something that should never go wrong.
    pub(super) fn internal(error: &serde_json::Error) -> Self {
        tracing::error!(%error, "an answer has no JSON form");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            "the answer cannot be written",
        )
    }

    /// The object that tells of it.
    pub(super) fn status(self) -> Status {
        let says_more = self.details != StatusDetails::default();
        Status {
            code: Some(self.code.as_u16().into()),
            reason: Some(self.reason.to_owned()),
            message: Some(self.message),
            status: Some("Failure".to_owned()),
            details: says_more.then_some(self.details),
            ..Status::default()
        }
    }

    pub(super) fn into_response(self) -> Reply {
        let code = self.code;
        let retries = self.details.retry_after_seconds.is_some();
        let mut response = reply::with_status(code, &self.status());
        if retries {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, RETRY_AFTER_S.into());
        }
        if code == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }

    fn new(code: StatusCode, reason: &'static str, message: impl Display) -> Self {
        Self {
            code,
            reason,
            message: message.to_string(),
            details: StatusDetails::default(),
        }
    }
}

impl From<&Refusal> for Failure {
    fn from(refusal: &Refusal) -> Self {
        let reason = match refusal {
            Refusal::NoToken => "Unauthorized",
            Refusal::ForeignName => "Forbidden",
        };
        Self::new(refusal.status(), reason, refusal)
    }
}
