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
    details: Option<Box<StatusDetails>>,
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
        Self::new(StatusCode::NOT_FOUND, "NotFound", message).with(StatusDetails {
            name: Some(name.to_owned()),
            kind: Some(names.plural.to_owned()),
            group: (!names.group.is_empty()).then(|| names.group.to_owned()),
            ..StatusDetails::default()
        })
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
        Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message).with(StatusDetails {
            retry_after_seconds: Some(RETRY_AFTER_S.into()),
            causes: Some(vec![StatusCause {
                reason: Some("ResourceVersionTooLarge".to_owned()),
                message: Some("Too large resource version".to_owned()),
                field: None,
            }]),
            ..StatusDetails::default()
        })
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
        let code = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(code, "ServiceUnavailable", message).with(StatusDetails {
            retry_after_seconds: Some(RETRY_AFTER_S.into()),
            ..StatusDetails::default()
        })
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
        Status {
            code: Some(self.code.as_u16().into()),
            reason: Some(self.reason.to_owned()),
            message: Some(self.message),
            status: Some("Failure".to_owned()),
            details: self.details.map(|details| *details),
            ..Status::default()
        }
    }

    pub(super) fn into_response(self) -> Reply {
        let code = self.code;
        let retries = self
            .details
            .as_ref()
            .is_some_and(|details| details.retry_after_seconds.is_some());
        let mut response = reply::with_status(code, &self.status());
        if retries {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, RETRY_AFTER_S.into());
        }
        if code == StatusCode::METHOD_NOT_ALLOWED {
            let reading = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(header::ALLOW, reading);
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
            details: None,
        }
    }

    fn with(self, details: StatusDetails) -> Self {
        Self {
            details: Some(Box::new(details)),
            ..self
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_in_the_words_that_they_look_for() {
        for (failure, code, reason) in [
            (
                Failure::not_found(Resource::Platforms, "local"),
                404,
                "NotFound",
            ),
            (Failure::no_such_path(), 404, "NotFound"),
            (Failure::bad_request("no"), 400, "BadRequest"),
            (Failure::invalid("no"), 422, "Invalid"),
            (Failure::expired("old"), 410, "Expired"),
            (Failure::too_new(2, 1), 504, "Timeout"),
            (Failure::not_acceptable(), 406, "NotAcceptable"),
            (Failure::read_only(&Target::Other), 405, "MethodNotAllowed"),
            (Failure::not_yet(), 503, "ServiceUnavailable"),
            (Failure::from(&Refusal::NoToken), 401, "Unauthorized"),
            (Failure::from(&Refusal::ForeignName), 403, "Forbidden"),
        ] {
            let status = failure.status();
            assert_eq!(
                (status.code, status.reason.as_deref()),
                (Some(code), Some(reason))
            );
            assert_eq!(status.status.as_deref(), Some("Failure"));
        }
    }

    #[test]
    fn what_was_looked_for_is_named() {
        let status = Failure::not_found(Resource::Platforms, "local").status();
        assert_eq!(
            status.message.unwrap(),
            "loanplatforms.lending.dev \"local\" not found"
        );
        let details = status.details.unwrap();
        assert_eq!(details.group.as_deref(), Some("lending.dev"));
        assert_eq!(details.kind.as_deref(), Some("loanplatforms"));
    }

    #[test]
    fn who_came_too_early_is_told_when_to_come_again() {
        let response = Failure::not_yet().into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        let response = Failure::from(&Refusal::NoToken).into_response();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
    }

    #[test]
    fn who_would_change_a_platform_is_told_which_file_to_edit() {
        let target = Target::Platform {
            name: "local".to_owned(),
            source: "specs/other.yaml".to_owned(),
        };
        let message = Failure::read_only(&target).status().message.unwrap();
        assert!(message.contains("specs/other.yaml"), "{message}");
    }
}
