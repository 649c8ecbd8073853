//! Observation: from a `MetricAlarm` to what the engine sees of an alarm.

use aws_sdk_cloudwatch::types::MetricAlarm;
use engine::ports::ObservedAlarm;
use jiff::Timestamp;
use schema::infrastructure::Infrastructure;
use schema::status::AlarmState;

use super::reason::Reason;
use super::times::timestamp;
use super::{names, recognition, words};

/// The alarm as it is described. While it fires, that tells its newest firing; else its past does, which is
/// not in it: until that is known, it counts as judged since it came into its state.
///
/// Nothing for an alarm that is not the controller's.
pub(super) fn of(alarm: &MetricAlarm, infrastructure: &Infrastructure) -> Option<ObservedAlarm> {
    let (platform, name) = names::of_cloudwatch(alarm.alarm_name()?)?;
    let surroundings = infrastructure.surroundings(&platform);
    let definition = recognition::definition(platform, name, alarm, surroundings);
    let state = words::to_state(alarm.state_value());
    let configured_at = configured_at(alarm);
    let since = since(alarm).unwrap_or(configured_at);
    let reason = Reason::of_text(alarm.state_reason_data().unwrap_or_default());
    let fires = state == AlarmState::Alarm;
    Some(ObservedAlarm {
        last_firing: fires.then(|| reason.firing(&definition, since)),
        definition,
        state,
        since,
        configured_at,
        value: reason.value(),
        judged_since: since.max(configured_at),
        muted: alarm.actions_enabled == Some(false),
    })
}

fn configured_at(alarm: &MetricAlarm) -> Timestamp {
    let configured = alarm.alarm_configuration_updated_timestamp();
    configured
        .and_then(timestamp)
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Its last change of state. `StateUpdatedTimestamp` moves with the state of its evaluation too.
fn since(alarm: &MetricAlarm) -> Option<Timestamp> {
    let moved = alarm.state_transitioned_timestamp();
    moved
        .or_else(|| alarm.state_updated_timestamp())
        .and_then(timestamp)
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::primitives::DateTime;
    use aws_sdk_cloudwatch::types::StateValue;
    use std::collections::BTreeMap;

    use super::super::samples;
    use super::*;

    fn infrastructure() -> Infrastructure {
        Infrastructure {
            region: "eu-west-1".to_owned(),
            defaults: samples::surroundings(),
            platforms: BTreeMap::new(),
        }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn alarm(state: StateValue) -> MetricAlarm {
        MetricAlarm::builder()
            .alarm_name("LoanPlatform/local/a-guard")
            .state_value(state)
            .alarm_configuration_updated_timestamp(DateTime::from_secs(1_000))
            .state_updated_timestamp(DateTime::from_secs(3_000))
            .state_transitioned_timestamp(DateTime::from_secs(2_000))
            .build()
    }

    #[test]
    fn an_alarm_in_ok_has_been_judged_since_it_came_there() {
        let observed = of(&alarm(StateValue::Ok), &infrastructure()).unwrap();
        assert_eq!(observed.state, AlarmState::Ok);
        assert_eq!(observed.since, second(2_000));
        assert_eq!(observed.configured_at, second(1_000));
        assert_eq!(observed.judged_since, second(2_000));
        assert_eq!(observed.last_firing, None);
        assert!(!observed.muted);
    }

    #[test]
    fn an_alarm_that_fires_tells_its_firing() {
        let observed = of(&alarm(StateValue::Alarm), &infrastructure()).unwrap();
        assert_eq!(observed.last_firing.unwrap().at, second(2_000));
    }

    #[test]
    fn an_alarm_is_judged_by_its_definition_since_that_was_written() {
        let mut alarm = alarm(StateValue::Ok);
        alarm.alarm_configuration_updated_timestamp = Some(DateTime::from_secs(2_500));
        let observed = of(&alarm, &infrastructure()).unwrap();
        assert_eq!(observed.judged_since, second(2_500));
    }

    #[test]
    fn an_alarm_whose_actions_are_off_is_muted() {
        let mut alarm = alarm(StateValue::Ok);
        alarm.actions_enabled = Some(false);
        assert!(of(&alarm, &infrastructure()).unwrap().muted);
    }

    #[test]
    fn what_is_somebody_elses_is_not_seen() {
        let mut alarm = alarm(StateValue::Ok);
        alarm.alarm_name = Some("billing".to_owned());
        assert!(of(&alarm, &infrastructure()).is_none());
    }
}
