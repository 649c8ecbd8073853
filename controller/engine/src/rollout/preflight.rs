//! Preflight: a change begins only when it can be judged and taken back.

use std::collections::BTreeMap;

use schema::platform::AlarmName;
use schema::status::{AlarmState, HistoryKind, Phase};

use super::turn::Turn;
use super::{beginning, gate, verdict};
use crate::state::Baseline;

pub(super) fn check(turn: &mut Turn<'_>) {
    if is_back_where_it_was(turn) {
        turn.enter(Phase::Idle);
        turn.scoring.change = None;
        turn.scoring.standing = None;
        return;
    }
    if verdict::convict_standing(turn)
        || beginning::resumed(turn)
        || beginning::superseded(turn)
        || beginning::dropped(turn)
    {
        return;
    }
    if let Some(obstacle) = obstacle(turn) {
        turn.wait(obstacle);
        return;
    }
    start(turn);
}

/// Whether the spec asks for what is in force and known to be good: nothing is to be brought in.
fn is_back_where_it_was(turn: &Turn<'_>) -> bool {
    let target = turn.change().and_then(|change| change.target.as_ref());
    turn.scoring.live() == Some(&turn.wanted_digest) && target == Some(&turn.wanted_digest)
}

/// Why the change cannot begin yet.
fn obstacle(turn: &Turn<'_>) -> Option<String> {
    if !turn.may_begin() {
        return Some(format!("mode is {:?}", turn.view.spec.mode));
    }
    if let Some(unsettled) = turn.view.unsettled {
        return Some(format!(
            "the rest of the platform settles first: {unsettled}"
        ));
    }
    let target = turn.change()?.target.as_ref()?;
    if !turn.scoring.good.contains(target) {
        return Some(format!(
            "revision {} in force is not known to be good, so there is nothing to go back to",
            target.short()
        ));
    }
    firing_obstacle(turn)
}

fn firing_obstacle(turn: &Turn<'_>) -> Option<String> {
    let acknowledged = gate::acknowledged(turn.view.spec);
    for alarm in turn.view.spec.gating_alarms() {
        let Some(found) = turn.view.observed.alarms.get(&alarm.name) else {
            return Some(format!("gating alarm {} does not exist yet", alarm.name));
        };
        if found.state == AlarmState::Alarm && !acknowledged.contains(&alarm.name) {
            return Some(format!(
                "gating alarm {} already fires; it must clear first, or be acknowledged with \
                 rollout.onFiringAlarm: Ignore and rollout.acknowledgeFiringAlarms",
                alarm.name
            ));
        }
    }
    None
}

fn start(turn: &mut Turn<'_>) {
    let baseline = baseline(turn);
    let firing = baseline
        .iter()
        .filter(|(_, alarm)| alarm.state == AlarmState::Alarm);
    let acknowledged = firing.map(|(name, _)| name.clone()).collect();
    let now = turn.now();
    turn.edit_change(|change| {
        change.started_at = now;
        change.disturbed = false;
        change.baseline = baseline;
        change.acknowledged = acknowledged;
    });
    turn.scoring.standing = None;
    turn.scoring.image = turn.change().map(|change| change.candidate.clone());
    turn.enter(Phase::Applying);
    let summary = turn.change().map(summary).unwrap_or_default();
    turn.record(HistoryKind::RolloutStarted, "SpecChanged", summary);
}

fn baseline(turn: &Turn<'_>) -> BTreeMap<AlarmName, Baseline> {
    turn.view
        .spec
        .gating_alarms()
        .into_iter()
        .filter_map(|alarm| turn.view.observed.alarms.get_key_value(&alarm.name))
        .map(|(name, found)| {
            let baseline = Baseline {
                state: found.state,
                configured_at: found.configured_at,
                last_fired_at: found.last_firing.as_ref().map(|firing| firing.at),
            };
            (name.clone(), baseline)
        })
        .collect()
}

fn summary(change: &crate::state::ChangeRecord) -> String {
    let fields: Vec<String> = change.fields.iter().map(ToString::to_string).collect();
    format!(
        "Scoring revision {} is brought in: {}.",
        change.candidate.short(),
        fields.join(", ")
    )
}
