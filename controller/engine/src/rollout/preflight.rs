//! Preflight: a change begins only when it can be judged and taken back.

use std::collections::BTreeMap;

use schema::platform::AlarmName;
use schema::status::{Actor, AlarmState, HistoryKind, Phase};

use super::turn::Turn;
use super::{beginning, gate, settling, verdict};
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
pub(super) fn obstacle(turn: &mut Turn<'_>) -> Option<String> {
    if !turn.may_begin() {
        return Some(format!("mode is {:?}", turn.view.spec.mode));
    }
    if let Some(blindness) = turn.blindness() {
        return Some(blindness);
    }
    settling::obstacle(turn)
        .or_else(|| target_obstacle(turn))
        .or_else(|| guard_obstacle(turn))
}

fn target_obstacle(turn: &Turn<'_>) -> Option<String> {
    let change = turn.change()?;
    let Some(target) = &change.target else {
        return Some("a revision that is known to be good, to go back to".to_owned());
    };
    if !turn.scoring.good.contains(target) {
        return Some(format!(
            "revision {} in force is not known to be good, so there is nothing to go back to",
            target.short()
        ));
    }
    if turn.had_begun() {
        // They were looked at before it began.
        return None;
    }
    let rehearsal = turn.view.observed.rehearsal.as_ref();
    match rehearsal.filter(|found| found.attempt == change.attempt) {
        None => Some("both images to be looked at".to_owned()),
        Some(found) => found.obstacle.clone(),
    }
}

/// Why the gating alarms could not judge the change.
pub(super) fn guard_obstacle(turn: &Turn<'_>) -> Option<String> {
    let acknowledged = gate::acknowledged(turn.view.spec);
    for alarm in turn.view.spec.gating_alarms() {
        let Some(found) = turn.view.observed.alarms.get(&alarm.name) else {
            return Some(format!("gating alarm {} does not exist yet", alarm.name));
        };
        if found.state == AlarmState::Alarm && !found.muted && !acknowledged.contains(&alarm.name) {
            return Some(format!(
                "gating alarm {} already fires; it must clear first, or be acknowledged with \
                 rollout.onFiringAlarm: Ignore and rollout.acknowledgeFiringAlarms",
                alarm.name
            ));
        }
    }
    None
}

pub(super) fn start(turn: &mut Turn<'_>) {
    take_baseline(turn);
    turn.edit_change(|change| change.disturbed = false);
    turn.scoring.standing = None;
    turn.scoring.image = turn.change().map(|change| change.candidate.clone());
    turn.enter(Phase::Applying);
    if turn.had_begun() {
        return;
    }
    let summary = turn.change().map(summary).unwrap_or_default() + &warning(turn);
    turn.record(
        HistoryKind::RolloutStarted,
        Actor::Spec,
        "SpecChanged",
        summary,
    );
}

/// Remembers how things stand just before the first call: what comes after is measured against it.
pub(super) fn take_baseline(turn: &mut Turn<'_>) {
    let baseline = baseline(turn);
    let firing = baseline
        .iter()
        .filter(|(_, alarm)| alarm.state == AlarmState::Alarm);
    let acknowledged = firing.map(|(name, _)| name.clone()).collect();
    // It may have changed while the change waited: this is the one under which it is tried.
    let retry_token = turn.view.spec.rollout.retry_token.clone();
    let now = turn.now();
    let deployment_before = turn.scoring_deployment();
    turn.edit_change(|change| {
        change.started_at = now;
        change.baseline = baseline;
        change.acknowledged = acknowledged;
        change.retry_token = retry_token;
        change.deployment_before = deployment_before;
    });
}

/// Gating alarms whose actions somebody has switched off: they do not judge.
fn warning(turn: &Turn<'_>) -> String {
    let muted: Vec<String> = gate::judging(turn)
        .into_iter()
        .filter(|name| {
            let found = turn.view.observed.alarms.get(name);
            found.is_some_and(|found| found.muted)
        })
        .map(|name| name.0)
        .collect();
    if muted.is_empty() {
        return String::new();
    }
    format!(
        " Not judged by {}: its actions are switched off.",
        muted.join(", ")
    )
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
