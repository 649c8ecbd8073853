//! What a refused change of a service means. ECS has few codes and says much in words.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use engine::ports::PortError;

use crate::failure::port_error;

/// The service is not as it was when it was looked at: the next look tells what to do instead.
const OUTDATED: [&str; 2] = ["ServiceNotFoundException", "ServiceNotActiveException"];
/// What ECS says, with the code of any wrong parameter, when a service of the name is still being removed.
const DRAINING: &str = "still draining";
/// What ECS says, with the code of any wrong call, of a task definition that somebody has deregistered.
const DEREGISTERED: &str = "taskdefinition is inactive";
/// What ECS says when a service is made that is there.
const THERE_ALREADY: &str = "not idempotent";

/// The error of a change that failed; `action` and `permission` as for [`port_error`].
pub(crate) fn change_error<E>(
    action: &str,
    permission: &str,
    error: SdkError<E, HttpResponse>,
) -> PortError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if is_outdated(code(&error), message(&error)) {
        return PortError::unavailable(action, error);
    }
    port_error(action, permission, error)
}

/// Whether it failed with one of `codes`.
pub(crate) fn has_code<E: ProvideErrorMetadata>(
    error: &SdkError<E, HttpResponse>,
    codes: &[&str],
) -> bool {
    code(error).is_some_and(|code| codes.contains(&code))
}

/// Whether there is nothing to change: no such service, or one that is gone.
pub(crate) fn is_gone<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    has_code(error, &OUTDATED)
}

/// Whether what was to be made is there already.
pub(crate) fn is_there_already<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    says(message(error), THERE_ALREADY)
}

/// Whether the task definition may no longer be used.
pub(crate) fn is_deregistered<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    says(message(error), DEREGISTERED)
}

fn is_outdated(code: Option<&str>, message: Option<&str>) -> bool {
    code.is_some_and(|code| OUTDATED.contains(&code))
        || says(message, DRAINING)
        || says(message, DEREGISTERED)
}

fn says(message: Option<&str>, words: &str) -> bool {
    message.is_some_and(|message| message.to_ascii_lowercase().contains(words))
}

fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error.as_service_error()?.code()
}

fn message<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error.as_service_error()?.message()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_look_mends_is_told_from_what_a_person_must() {
        for (code, message, outdated) in [
            ("ServiceNotFoundException", "Service not found.", true),
            ("ServiceNotActiveException", "Service was not ACTIVE.", true),
            (
                "InvalidParameterException",
                "Unable to Start a service that is still Draining.",
                true,
            ),
            ("ClientException", "TaskDefinition is inactive", true),
            ("InvalidParameterException", "No subnet in cluster", false),
            ("ClusterNotFoundException", "Cluster not found.", false),
        ] {
            assert_eq!(
                is_outdated(Some(code), Some(message)),
                outdated,
                "{message}"
            );
        }
        assert!(!is_outdated(None, None));
    }
}
