//! A platform at a glance: what a list of a thousand has room for.

use engine::board::PlatformObject;
use schema::platform::Mode;
use schema::revision::RevisionDigest;
use schema::status::{AlarmState, BakeStatus, Phase};
use serde::Serialize;

/// Longest message at a glance, in characters; the platform itself shows all of it.
const MESSAGE_CHARS: usize = 200;

/// A platform at a glance.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Glance<'a> {
    name: &'a str,
    generation: i64,
    /// Whether the newest edit was seen, and all is as it asks.
    ready: bool,
    /// Whether somebody has to do something.
    stalled: bool,
    reason: &'a str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<Mode>,
    phase: Phase,
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bake: Option<&'a BakeStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_on: Option<&'a str>,
    alarms: usize,
    firing: Vec<&'a str>,
    remedies: usize,
    running: u32,
    desired: u32,
}

impl<'a> Glance<'a> {
    pub(super) fn of(platform: &'a PlatformObject) -> Self {
        let status = &platform.status;
        let scoring = &status.scoring;
        let condition = |type_: &str| {
            let mut conditions = status.conditions.iter();
            conditions.find(|condition| condition.type_ == type_)
        };
        let stalled = condition("Stalled").filter(|stalled| stalled.status == "True");
        let telling = stalled.or_else(|| condition("Ready"));
        let firing = status
            .alarms
            .iter()
            .filter(|alarm| alarm.state == AlarmState::Alarm);
        Self {
            name: platform.metadata.name.as_deref().unwrap_or_default(),
            generation: platform.metadata.generation.unwrap_or_default(),
            ready: platform.is_ready(),
            stalled: stalled.is_some(),
            reason: telling.map_or("", |condition| &condition.reason),
            message: telling.map_or_else(String::new, |it| first_line(&it.message)),
            mode: platform.spec.as_ref().map(|spec| spec.mode),
            phase: scoring.phase,
            live: scoring.live_revision.as_ref().map(RevisionDigest::short),
            candidate: scoring
                .candidate_revision
                .as_ref()
                .map(RevisionDigest::short),
            bake: scoring.bake.as_ref(),
            waiting_on: scoring.waiting_on.as_deref(),
            alarms: status.alarms.len(),
            firing: firing.map(|alarm| alarm.name.0.as_str()).collect(),
            remedies: status.remedies.len(),
            running: status.services.iter().map(|service| service.running).sum(),
            desired: status
                .services
                .iter()
                .map(|service| service.desired.unwrap_or(service.running))
                .sum(),
        }
    }
}

fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    match line.char_indices().nth(MESSAGE_CHARS) {
        Some((end, _)) => format!("{} …", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
    use schema::platform::AlarmName;
    use schema::status::AlarmStatus;
    use serde_json::json;

    use super::super::stream::tests::platform;
    use super::*;

    fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Condition {
        Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
            observed_generation: None,
        }
    }

    #[test]
    fn what_a_person_has_to_do_goes_before_what_is_merely_not_done_yet() {
        let mut platform = platform("local");
        platform.status.conditions = vec![
            condition("Ready", "False", "Settling", "Tasks start."),
            condition("Stalled", "True", "InvalidSpec", "local.yaml:3:1: no\nmore"),
        ];
        let told = serde_json::to_value(Glance::of(&platform)).unwrap();
        assert_eq!(told["ready"], false);
        assert_eq!(told["stalled"], true);
        assert_eq!(told["reason"], "InvalidSpec");
        assert_eq!(told["message"], "local.yaml:3:1: no");
    }

    #[test]
    fn alarms_that_fire_are_named() {
        let mut platform = platform("local");
        let alarm = |name: &str, state| AlarmStatus {
            name: AlarmName(name.to_owned()),
            state,
            value: None,
            threshold: 1.0,
            since: Timestamp::UNIX_EPOCH,
        };
        platform.status.alarms = vec![
            alarm("late", AlarmState::Alarm),
            alarm("quiet", AlarmState::Ok),
        ];
        let told = serde_json::to_value(Glance::of(&platform)).unwrap();
        assert_eq!(told["firing"], json!(["late"]));
        assert_eq!(told["alarms"], 2);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = "ä".repeat(MESSAGE_CHARS + 1);
        assert_eq!(first_line(&long).chars().count(), MESSAGE_CHARS + 2);
        assert_eq!(first_line("short"), "short");
    }
}
