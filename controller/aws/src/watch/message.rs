//! What a message on the queue says.

use engine::touched::Word;
use schema::names::PlatformName;
use serde_json::Value;

use crate::{cloudwatch, ecs};

/// What may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A spec file.
    Specs,
    /// Something of a platform: its tasks, its alarms.
    Platform(PlatformName, Word),
    /// Nothing that matters: a test event, a document of the controller's own.
    Nothing,
    /// It cannot be understood.
    Unknown,
}

const SPECS: &str = "specs/";

/// Everything that `body` says. S3 may put several events into one message, EventBridge sends them one by one.
///
/// Sources: "Event message structure" in the Amazon S3 User Guide; "Amazon ECS events" in the ECS Developer
/// Guide; "Alarm events and EventBridge" in the CloudWatch User Guide.
pub(super) fn read(body: &str) -> Vec<Said> {
    let Ok(message) = serde_json::from_str::<Value>(body) else {
        return vec![Said::Unknown];
    };
    if let Some(records) = message["Records"].as_array() {
        return records.iter().map(from_s3).collect();
    }
    let said = match message["source"].as_str() {
        Some("aws.s3") => of_key(message["detail"]["object"]["key"].as_str()),
        Some("aws.ecs") => from_ecs(&message),
        Some("aws.cloudwatch") => of_alarm(&message["detail"]),
        _ if message["Event"] == "s3:TestEvent" => Said::Nothing,
        _ => Said::Unknown,
    };
    vec![said]
}

/// An event that S3 itself put on the queue: its keys are encoded as in a form.
fn from_s3(record: &Value) -> Said {
    let key = record["s3"]["object"]["key"].as_str();
    let decoded = key.map(|key| {
        let query = format!("key={key}");
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs
            .next()
            .map(|(_, key)| key.into_owned())
            .unwrap_or_default()
    });
    of_key(decoded.as_deref())
}

fn of_key(key: Option<&str>) -> Said {
    match key {
        Some(key) if key.starts_with(SPECS) => Said::Specs,
        Some(_) => Said::Nothing,
        None => Said::Unknown,
    }
}

/// Deployments and services name the service in `resources`, tasks in their group.
fn from_ecs(message: &Value) -> Said {
    let resources = message["resources"].as_array();
    let mut names = resources
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|arn| arn.contains(":service/"))
        .filter_map(|arn| arn.rsplit('/').next());
    let group = message["detail"]["group"].as_str();
    let of_group = group.and_then(|group| group.strip_prefix("service:"));
    match names.next().or(of_group) {
        Some(name) => said_of(ecs::parts_of(name), Word::Changed),
        None if group.is_some() => Said::Nothing,
        None => Said::Unknown,
    }
}

/// Every alarm of the account comes by.
fn of_alarm(detail: &Value) -> Said {
    let word = if detail["state"]["value"] == "ALARM" {
        Word::Fired
    } else {
        Word::Changed
    };
    let name = detail["alarmName"].as_str();
    name.map_or(Said::Unknown, |name| {
        said_of(cloudwatch::of_cloudwatch(name), word)
    })
}

/// What is nobody's says nothing.
fn said_of<T>(owned: Option<(PlatformName, T)>, word: Word) -> Said {
    owned.map_or(Said::Nothing, |(platform, _)| {
        Said::Platform(platform, word)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dev(word: Word) -> Said {
        Said::Platform("dev".try_into().unwrap(), word)
    }

    #[test]
    fn messages_name_what_changed() {
        let cases = [
            (
                json!({"Records": [
                    {"eventSource": "aws:s3", "s3": {"object": {"key": "specs%2Fdev.yaml"}}},
                    {"eventSource": "aws:s3", "s3": {"object": {"key": "state/dev.json"}}},
                ]}),
                vec![Said::Specs, Said::Nothing],
            ),
            (
                json!({"source": "aws.s3", "detail-type": "Object Deleted",
                       "detail": {"bucket": {"name": "b"}, "object": {"key": "specs/dev.yaml"}}}),
                vec![Said::Specs],
            ),
            (
                json!({"source": "aws.ecs", "detail-type": "ECS Deployment State Change",
                       "resources": ["arn:aws:ecs:eu-west-1:123456789012:service/loans/dev-score-provider"],
                       "detail": {"eventName": "SERVICE_DEPLOYMENT_FAILED"}}),
                vec![dev(Word::Changed)],
            ),
            (
                json!({"source": "aws.ecs", "detail-type": "ECS Task State Change",
                       "resources": ["arn:aws:ecs:eu-west-1:123456789012:task/loans/0123"],
                       "detail": {"group": "service:dev-loan-api"}}),
                vec![dev(Word::Changed)],
            ),
            (
                json!({"source": "aws.ecs", "detail-type": "ECS Task State Change",
                       "resources": ["arn:aws:ecs:eu-west-1:123456789012:task/loans/0123"],
                       "detail": {"group": "family:batch"}}),
                vec![Said::Nothing],
            ),
            (
                json!({"source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change",
                       "detail": {"alarmName": "LoanPlatform/dev/scoring-failures",
                                  "state": {"value": "ALARM"}}}),
                vec![dev(Word::Fired)],
            ),
            (
                json!({"source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change",
                       "detail": {"alarmName": "LoanPlatform/dev/scoring-failures",
                                  "state": {"value": "OK"}}}),
                vec![dev(Word::Changed)],
            ),
            (
                json!({"source": "aws.cloudwatch", "detail": {"alarmName": "somebody-elses"}}),
                vec![Said::Nothing],
            ),
            (
                json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}),
                vec![Said::Nothing],
            ),
        ];
        for (message, expected) in cases {
            assert_eq!(read(&message.to_string()), expected, "{message}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_said_so() {
        for body in [
            "",
            "not json",
            "{}",
            "[]",
            r#"{"source":"aws.s3","detail":{}}"#,
            r#"{"source":"aws.ecs"}"#,
        ] {
            assert_eq!(read(body), [Said::Unknown], "{body}");
        }
    }
}
