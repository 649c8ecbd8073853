//! What a failed call means: try again, slow down, or wait for a person.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use engine::ports::PortError;

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The account is over its quota.
    Throttled,
    /// It may pass by itself: AWS was not reached, did not answer in time, or is unwell.
    Transient,
    /// This process may not make the call.
    Forbidden,
    /// AWS will not do it as it was asked.
    Refused,
}

/// Codes of calls over a quota. Most are no modelled errors of their operations, so that only the code tells.
const THROTTLED: [&str; 7] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
];

const FORBIDDEN: [&str; 7] = [
    "AccessDenied",
    "AccessDeniedException",
    "NotAuthorized",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
];

/// Codes with a status below 500 that pass all the same: credentials are renewed, updates end.
const PASSING: [&str; 8] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServerException",
    "ConcurrentUpdateException",
    "UpdateInProgressException",
];

/// What a person can do where ECS knows no such cluster.
const NO_CLUSTER: &str =
    "there is no such ECS cluster; create it, or name another in bootstrap/infrastructure.json";

impl Failure {
    /// What an answer with this status and error code means. Without either, there was no answer.
    pub(crate) fn of(status: Option<u16>, code: Option<&str>) -> Self {
        let is_among = |codes: &[&str]| code.is_some_and(|code| codes.contains(&code));
        match status {
            _ if is_among(&THROTTLED) => Self::Throttled,
            _ if is_among(&FORBIDDEN) => Self::Forbidden,
            _ if is_among(&PASSING) => Self::Transient,
            Some(429) => Self::Throttled,
            Some(401 | 403) => Self::Forbidden,
            Some(400..=499) => Self::Refused,
            _ => Self::Transient,
        }
    }

    /// What `error` means.
    pub(crate) fn of_sdk<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Self {
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        let code = error.as_service_error().and_then(|error| error.code());
        Self::of(status, code)
    }
}

/// The error of a call that failed: `action` says what was being done, `permission` what it takes:
/// `ecs:UpdateService`.
pub(crate) fn port_error<E>(
    action: &str,
    permission: &str,
    error: SdkError<E, HttpResponse>,
) -> PortError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let failure = Failure::of_sdk(&error);
    let said = error
        .as_service_error()
        .and_then(|error| error.message())
        .map(str::to_owned);
    let code = error.as_service_error().and_then(|error| error.code());
    let unknown_cluster = code == Some("ClusterNotFoundException");
    match failure {
        Failure::Throttled | Failure::Transient => PortError::unavailable(action, error),
        Failure::Forbidden => PortError::refused(action, forbidden(permission, said.as_deref())),
        Failure::Refused if unknown_cluster => PortError::refused(action, NO_CLUSTER),
        Failure::Refused => {
            let said = said.unwrap_or_else(|| error.to_string());
            PortError::refused(action, format!("AWS refuses it: {said}"))
        }
    }
}

fn forbidden(permission: &str, said: Option<&str>) -> String {
    let said = said.map(|said| format!(" ({said})")).unwrap_or_default();
    format!("allow {permission} to the controller's role{said}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_more_than_statuses() {
        for (status, code, expected) in [
            (400, "ThrottlingException", Failure::Throttled),
            (400, "Throttling", Failure::Throttled),
            (503, "SlowDown", Failure::Throttled),
            (400, "AccessDeniedException", Failure::Forbidden),
            (400, "ExpiredTokenException", Failure::Transient),
            (500, "ServerException", Failure::Transient),
            (400, "ServerException", Failure::Transient),
            (400, "InvalidParameterException", Failure::Refused),
            (400, "ClusterNotFoundException", Failure::Refused),
        ] {
            assert_eq!(Failure::of(Some(status), Some(code)), expected, "{code}");
        }
    }

    #[test]
    fn without_a_code_the_status_decides_and_without_an_answer_it_may_pass() {
        for (status, expected) in [
            (Some(429), Failure::Throttled),
            (Some(403), Failure::Forbidden),
            (Some(400), Failure::Refused),
            (Some(502), Failure::Transient),
            (None, Failure::Transient),
        ] {
            assert_eq!(Failure::of(status, None), expected, "{status:?}");
        }
    }
}
