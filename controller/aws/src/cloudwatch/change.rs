//! Changes of alarms: one call each, never repeated here.

use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmInputBuilder;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use engine::ports::PortError;

use crate::caller::Caller;
use crate::failure::port_error;
use crate::quota::Family;

/// The account has as many alarms as it may.
const LIMIT_EXCEEDED: [&str; 2] = ["LimitExceeded", "LimitExceededFault"];
/// There is no such alarm.
const NOT_FOUND: [&str; 2] = ["ResourceNotFound", "ResourceNotFoundException"];

/// What writing the alarm called `name` is, in words.
pub(super) fn writing(name: &str) -> String {
    format!("write alarm {name}")
}

/// Writes the alarm called `name`.
///
/// # Errors
/// When it cannot be written.
pub(super) async fn put(
    client: &aws_sdk_cloudwatch::Client,
    caller: &Caller,
    body: PutMetricAlarmInputBuilder,
    name: &str,
) -> Result<(), PortError> {
    let request = body.send_with(client);
    match caller.change(Family::PutMetricAlarm, request).await {
        Ok(_) => Ok(()),
        Err(error) if is_among(&LIMIT_EXCEEDED, error.code()) => Err(PortError::refused(
            writing(name),
            "the account has as many alarms as it may: remove some, or raise its CloudWatch quota",
        )),
        Err(error) => Err(port_error(
            &writing(name),
            "cloudwatch:PutMetricAlarm",
            error,
        )),
    }
}

/// Removes the alarm called `name`; that it is not there is no error.
///
/// # Errors
/// When it cannot be removed.
pub(super) async fn delete(
    client: &aws_sdk_cloudwatch::Client,
    caller: &Caller,
    name: &str,
) -> Result<(), PortError> {
    let request = client.delete_alarms().alarm_names(name).send();
    match caller.change(Family::DeleteAlarms, request).await {
        Ok(_) => Ok(()),
        Err(error) if is_among(&NOT_FOUND, error.code()) => Ok(()),
        Err(error) => {
            let action = format!("remove alarm {name}");
            Err(port_error(&action, "cloudwatch:DeleteAlarms", error))
        }
    }
}

fn is_among(codes: &[&str], code: Option<&str>) -> bool {
    code.is_some_and(|code| codes.contains(&code))
}
