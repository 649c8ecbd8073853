//! History: the moves of an alarm, newest first, as `DescribeAlarmHistory` tells them.

use aws_sdk_cloudwatch::types::{AlarmHistoryItem, HistoryItemType, ScanBy, StateValue};
use engine::ports::{AlarmDefinition, Firing, PortError, Urgency};
use jiff::{SignedDuration, Timestamp};
use schema::status::AlarmState;
use serde::Deserialize;
use serde_json::Value;

use super::reason::Reason;
use super::times::{date_time, timestamp};
use super::words;
use crate::caller::{Call, Caller};
use crate::quota::Family;

/// Moves on a page; `CloudWatch` gives no more.
const PAGE: i32 = 100;
/// Pages read of one alarm. Moves further back than that are not missed: the newest firing is before them.
const MAX_PAGES: usize = 5;

/// Moves of an alarm from one state to another, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Moves(Vec<Move>);

#[derive(Clone, Debug, PartialEq)]
struct Move {
    to: AlarmState,
    at: Timestamp,
    /// Where it is one into `ALARM`.
    firing: Option<Firing>,
}

impl Moves {
    #[cfg(test)]
    pub(super) fn of<const N: usize>(moves: [(AlarmState, Timestamp, Option<Firing>); N]) -> Self {
        let one = |(to, at, firing)| Move { to, at, firing };
        Self(moves.map(one).to_vec())
    }

    /// The newest firing.
    pub(super) fn last_firing(&self) -> Option<&Firing> {
        self.0.iter().find_map(|it| it.firing.as_ref())
    }

    /// Whether a move into `state` is among them that came at `since`, give or take `slack`.
    pub(super) fn show(&self, state: AlarmState, since: Timestamp, slack: SignedDuration) -> bool {
        let is_near = |at: Timestamp| at.duration_since(since).abs() <= slack;
        self.0.iter().any(|it| it.to == state && is_near(it.at))
    }

    fn add(&mut self, items: &[AlarmHistoryItem], definition: &AlarmDefinition) {
        let moves = items.iter().filter_map(|item| read(item, definition));
        self.0.extend(moves);
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Update {
    new_state: NewState,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewState {
    state_value: String,
    #[serde(default)]
    state_reason_data: Value,
}

fn read(item: &AlarmHistoryItem, definition: &AlarmDefinition) -> Option<Move> {
    let at = item.timestamp().and_then(timestamp)?;
    let update: Update = serde_json::from_str(item.history_data()?).ok()?;
    let NewState {
        state_value,
        state_reason_data,
    } = update.new_state;
    let to = words::to_state(Some(&StateValue::from(state_value.as_str())));
    let firing = || Reason::of_json(&state_reason_data).firing(definition, at);
    Some(Move {
        to,
        at,
        firing: (to == AlarmState::Alarm).then(firing),
    })
}

/// Reads the moves of the alarm called `name`, which is defined so, since `from`, until a firing is among them.
///
/// # Errors
/// When they cannot be read.
pub(super) async fn moves(
    client: &aws_sdk_cloudwatch::Client,
    caller: &Caller,
    name: &str,
    definition: &AlarmDefinition,
    from: Timestamp,
    urgency: Urgency,
) -> Result<Moves, PortError> {
    let call = Call {
        family: Family::DescribeAlarmHistory,
        permission: "cloudwatch:DescribeAlarmHistory",
        action: format!("read the history of alarm {name}"),
    };
    let mut moves = Moves::default();
    let mut next = None;
    for _ in 0..MAX_PAGES {
        let page = caller.read(&call, urgency, || {
            let request = client.describe_alarm_history().alarm_name(name);
            let newest_first = request.scan_by(ScanBy::TimestampDescending);
            newest_first
                .history_item_type(HistoryItemType::StateUpdate)
                .start_date(date_time(from))
                .max_records(PAGE)
                .set_next_token(next.clone())
                .send()
        });
        let page = page.await?;
        moves.add(page.alarm_history_items(), definition);
        next = page.next_token;
        if next.is_none() || moves.last_firing().is_some() {
            break;
        }
    }
    Ok(moves)
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::primitives::DateTime;
    use engine::ports::AlarmSource;
    use schema::signals::Signal;

    use super::super::samples;
    use super::*;

    fn item(second: i64, data: &str) -> AlarmHistoryItem {
        AlarmHistoryItem::builder()
            .timestamp(DateTime::from_secs(second))
            .history_data(data)
            .build()
    }

    #[test]
    fn moves_are_read_with_their_datapoints() {
        let definition = samples::definition(AlarmSource::Signal {
            signal: Signal::ScoringFailureRatio,
            service: None,
        });
        let clears = r#"{"version":"1.0",
            "oldState":{"stateValue":"ALARM","stateReason":"testing purposes"},
            "newState":{"stateValue":"OK","stateReason":"Threshold Crossed",
              "stateReasonData":{"version":"1.0","queryDate":"1970-01-01T00:33:19.926+0000",
                "startDate":"1970-01-01T00:30:00.000+0000","statistic":"Average","period":60,
                "recentDatapoints":[1.0],"threshold":5.0}}}"#;
        let fires = r#"{"version":"1.0","oldState":{"stateValue":"OK"},
            "newState":{"stateValue":"ALARM","stateReason":"Threshold Crossed",
              "stateReasonData":{"version":"1.0","queryDate":"1970-01-01T00:31:39.926+0000",
                "period":60,"recentDatapoints":[63.5],"threshold":20.0,
                "evaluatedDatapoints":[
                  {"timestamp":"1970-01-01T00:30:00.000+0000","value":63.5}]}}}"#;
        let mut moves = Moves::default();
        moves.add(
            &[item(2_000, clears), item(1_900, fires), item(1_800, "?")],
            &definition,
        );
        let firing = moves.last_firing().unwrap();
        assert_eq!(firing.at, "1970-01-01T00:31:39.926Z".parse().unwrap());
        assert_eq!(firing.value, Some(63.5));
        let since = Timestamp::from_second(2_001).unwrap();
        let slack = SignedDuration::from_secs(5);
        assert!(moves.show(AlarmState::Ok, since, slack));
        assert!(!moves.show(AlarmState::InsufficientData, since, slack));
    }
}
