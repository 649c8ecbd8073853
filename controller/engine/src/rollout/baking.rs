//! Baking: a change is live and watched until it has proved good, with data.

use schema::platform::{Alarm, AlarmName, OnInconclusive};
use schema::status::{AlarmState, Evidence, HistoryKind, Phase};

use super::turn::{Turn, later};
use super::{beginning, verdict};
use crate::state::Cause;

pub(super) fn watch(turn: &mut Turn<'_>) {
    if verdict::convict_if_fired(turn) || beginning::superseded(turn) || is_first_and_firing(turn) {
        return;
    }
    if is_approved(turn) {
        promote(turn, "Approved", "approved by rollout.approve");
        return;
    }
    let Some((effective_at, bake_until)) = turn
        .change()
        .and_then(|change| Some((change.effective_at?, change.bake_until?)))
    else {
        return;
    };
    let shortfall = shortfall(turn);
    let over = turn.now() >= bake_until;
    let overdue = turn.now()
        >= later(
            effective_at,
            turn.view.spec.rollout.max_bake_time.as_millis(),
        );
    match shortfall {
        None if over => promote(turn, "BakePassed", "no gating alarm fired during its bake"),
        None => turn.wait(format!("its bake to end at {bake_until:.0}")),
        Some(shortfall) if over && overdue => conclude_without_data(turn, &shortfall),
        Some(shortfall) => turn.wait(format!("its bake: {shortfall}")),
    }
}

/// The data that the bake still lacks.
fn shortfall(turn: &Turn<'_>) -> Option<String> {
    let evidence = &turn.view.observed.evidence;
    let needed = u64::from(turn.view.spec.rollout.min_samples.get());
    if evidence.scoring_calls < needed {
        return Some(format!(
            "{} of {needed} scoring calls seen",
            evidence.scoring_calls
        ));
    }
    if let Some(firing) = firing_alarm(turn) {
        return Some(format!("alarm {firing} to clear"));
    }
    turn.view
        .spec
        .gating_alarms()
        .into_iter()
        .find_map(|alarm| {
            let judged = evidence
                .judged_datapoints
                .get(&alarm.name)
                .copied()
                .unwrap_or(0);
            let needed = alarm.evaluation_periods.get();
            (judged < needed).then(|| {
                format!(
                    "alarm {} has judged {judged} of {needed} datapoints with samples",
                    alarm.name
                )
            })
        })
}

/// A gating alarm that fires and that nobody has acknowledged.
fn firing_alarm(turn: &Turn<'_>) -> Option<AlarmName> {
    let acknowledged = turn.change().map(|change| &change.acknowledged);
    let fires = |alarm: &&Alarm| {
        let found = turn.view.observed.alarms.get(&alarm.name);
        found.is_some_and(|found| found.state == AlarmState::Alarm)
            && acknowledged.is_none_or(|names| !names.contains(&alarm.name))
    };
    turn.view
        .spec
        .gating_alarms()
        .into_iter()
        .find(fires)
        .map(|alarm| alarm.name.clone())
}

/// A first revision has nothing to go back to: while an alarm fires its bake stands still, and starts
/// over when the alarm has cleared.
fn is_first_and_firing(turn: &mut Turn<'_>) -> bool {
    if turn.change().is_none_or(|change| change.target.is_some()) {
        return false;
    }
    let Some(firing) = firing_alarm(turn) else {
        start_over_if_stopped(turn);
        return false;
    };
    turn.edit_change(|change| {
        change.effective_at = None;
        change.bake_until = None;
    });
    turn.wait(format!(
        "alarm {firing} to clear: this is the first revision, so there is nothing to go back to; \
         its bake starts over then"
    ));
    true
}

fn start_over_if_stopped(turn: &mut Turn<'_>) {
    if turn
        .change()
        .is_some_and(|change| change.effective_at.is_none())
    {
        turn.start_bake_clock();
    }
}

fn is_approved(turn: &Turn<'_>) -> bool {
    let approve = turn.view.spec.rollout.approve.as_str();
    turn.scoring.phase == Phase::Inconclusive
        && approve.len() >= 12
        && turn
            .change()
            .is_some_and(|change| change.candidate.0.starts_with(approve))
}

fn conclude_without_data(turn: &mut Turn<'_>, shortfall: &str) {
    match turn.view.spec.rollout.on_inconclusive {
        OnInconclusive::Promote => {
            promote(
                turn,
                "InconclusivePromoted",
                "rollout.onInconclusive is Promote",
            );
        }
        OnInconclusive::Rollback => {
            let reason = format!("Its bake ended without enough data: {shortfall}.");
            verdict::take_back(turn, Cause::Inconclusive, false, &reason);
        }
        OnInconclusive::Pause => pause(turn, shortfall),
    }
}

fn pause(turn: &mut Turn<'_>, shortfall: &str) {
    let digest = turn
        .change()
        .map(|change| change.candidate.short().to_owned())
        .unwrap_or_default();
    turn.wait(format!("more data, or rollout.approve: \"{digest}\""));
    if turn.scoring.phase != Phase::Inconclusive {
        turn.enter(Phase::Inconclusive);
        let message = format!(
            "Scoring revision {digest} stays live but is not known to be good: its bake ended with \
             {shortfall}."
        );
        turn.record(HistoryKind::Held, "Inconclusive", message);
    }
}

fn promote(turn: &mut Turn<'_>, reason: &str, why: &str) {
    let Some(change) = turn.change() else { return };
    let digest = change.candidate.clone();
    let evidence = Evidence {
        samples: Some(turn.view.observed.evidence.scoring_calls),
        fields: change.fields.clone(),
        ..Evidence::default()
    };
    turn.scoring.promote(&digest);
    turn.enter(Phase::Succeeded);
    let message = format!("Scoring revision {} is good: {why}.", digest.short());
    turn.record_with(HistoryKind::Promoted, reason, message, Some(evidence));
}
