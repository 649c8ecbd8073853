//! Descriptions of alarms: by name, or of all that are the controller's.

use aws_sdk_cloudwatch::types::MetricAlarm;
use engine::ports::{PortError, Urgency};

use super::names::PREFIX;
use crate::caller::{Call, Caller};
use crate::quota::Family;

/// Names in a call, and alarms in an answer. Source: Amazon CloudWatch API Reference, `DescribeAlarms`.
pub(super) const MAX_NAMES: usize = 100;
/// Alarms on a page.
const PAGE: i32 = 100;
/// Pages of a listing, ten thousand alarms: twice what an account may have unless it asks for more.
const MAX_PAGES: usize = 100;

/// The alarms with these names; those that are not there are left out.
///
/// # Errors
/// When they cannot be read.
pub(super) async fn by_name(
    client: &aws_sdk_cloudwatch::Client,
    caller: &Caller,
    names: &[String],
    urgency: Urgency,
) -> Result<Vec<MetricAlarm>, PortError> {
    let call = call(format!("read {} alarms", names.len()));
    let mut found = Vec::with_capacity(names.len());
    for names in names.chunks(MAX_NAMES) {
        let answer = caller.read(&call, urgency, || {
            let request = client.describe_alarms();
            let named = request.set_alarm_names(Some(names.to_vec()));
            named.max_records(PAGE).send()
        });
        found.extend(answer.await?.metric_alarms.unwrap_or_default());
    }
    Ok(found)
}

/// What is kept by `keep` of each alarm whose name begins as the controller's do: page by page, for all of what is
/// told of many alarms is large.
///
/// # Errors
/// When they cannot be read, or are too many.
pub(super) async fn all<T>(
    client: &aws_sdk_cloudwatch::Client,
    caller: &Caller,
    urgency: Urgency,
    keep: impl Fn(MetricAlarm) -> T,
) -> Result<Vec<T>, PortError> {
    let call = call("list the alarms".to_owned());
    let mut found = Vec::new();
    let mut next: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let page = caller.read(&call, urgency, || {
            let request = client.describe_alarms().alarm_name_prefix(PREFIX);
            request
                .max_records(PAGE)
                .set_next_token(next.clone())
                .send()
        });
        let page = page.await?;
        let alarms = page.metric_alarms.unwrap_or_default();
        found.extend(alarms.into_iter().map(&keep));
        next = page.next_token;
        if next.is_none() {
            return Ok(found);
        }
    }
    Err(PortError::refused(
        call.action,
        format!(
            "more than {} have names that begin with {PREFIX}: remove some",
            found.len()
        ),
    ))
}

fn call(action: String) -> Call {
    Call {
        family: Family::DescribeAlarms,
        permission: "cloudwatch:DescribeAlarms",
        action,
    }
}
