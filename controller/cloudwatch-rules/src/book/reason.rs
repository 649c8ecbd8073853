//! Reasons: why an alarm changed its state, in words.

use std::fmt::Write as _;

use engine::ports::AlarmDefinition;
use schema::platform::TreatMissingData;
use schema::status::AlarmState;

use crate::evaluation::{Rule, Verdict};
use crate::formula::Datapoint;

/// Values that a reason repeats, newest first.
const VALUES_SHOWN: usize = 5;

/// Why an alarm came into `state`: `3 of the last 5 datapoints were > 5 (3 are needed): 41.2 at
/// 02:10:20, 38 at 02:10:10, 12.5 at 02:10:00`. Times are the ends of the datapoints' periods, UTC.
pub(super) fn of(
    state: AlarmState,
    definition: &AlarmDefinition,
    rule: &Rule,
    verdict: &Verdict,
    datapoints: &[Datapoint],
) -> String {
    if state == AlarmState::InsufficientData {
        return format!(
            "too few of the last {} datapoints are there",
            datapoints.len()
        );
    }
    let mut reason = format!(
        "{} of {} datapoints were {} {} ({} of {} are needed)",
        verdict.breaching.len(),
        verdict.judged,
        definition.comparison.sign(),
        definition.threshold,
        rule.datapoints_to_alarm,
        rule.evaluation_periods,
    );
    let breaching = verdict.breaching.iter().map(|place| &datapoints[*place]);
    push_values(&mut reason, definition, breaching.rev());
    if let Some(note) = missing_note(rule, verdict, datapoints, definition.min_samples) {
        reason.push_str(note);
    }
    reason
}

fn push_values<'a>(
    reason: &mut String,
    definition: &AlarmDefinition,
    newest_first: impl Iterator<Item = &'a Datapoint>,
) {
    let valued = newest_first
        .filter_map(|it| it.guarded(definition.min_samples).map(|value| (it, value)))
        .take(VALUES_SHOWN);
    for (position, (datapoint, value)) in valued.enumerate() {
        let separator = if position == 0 { ": " } else { ", " };
        let time = datapoint.start.strftime("%H:%M:%S");
        // Writing into a string cannot fail.
        let _infallible = write!(reason, "{separator}{value:.4} from {time}");
    }
}

/// What was made of missing datapoints, where they mattered.
fn missing_note(
    rule: &Rule,
    verdict: &Verdict,
    datapoints: &[Datapoint],
    min_samples: u32,
) -> Option<&'static str> {
    let real = datapoints
        .iter()
        .filter(|it| it.guarded(min_samples).is_some())
        .count();
    if real >= rule.evaluation_periods {
        return None;
    }
    match rule.treat_missing_data {
        TreatMissingData::Breaching => Some("; missing ones count as breaching"),
        TreatMissingData::NotBreaching => Some("; missing ones count as good"),
        TreatMissingData::Missing if verdict.breaching.len() < rule.datapoints_to_alarm => {
            (!verdict.breaching.is_empty())
                .then_some("; the others are missing, and none that is there was good")
        }
        TreatMissingData::Missing | TreatMissingData::Ignore => None,
    }
}
