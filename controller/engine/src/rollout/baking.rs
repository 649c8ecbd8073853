//! Baking: a change is live and watched until it has proved good, with data.

use schema::platform::OnInconclusive;
use schema::status::{Actor, Evidence, HistoryKind, Phase};

use super::turn::Turn;
use super::{applying, beginning, external, gate, verdict};
use crate::state::{BakeClock, Cause};
use crate::timing::{later, millis_between};

/// What speaks for the end of a bake.
struct Ending {
    /// It was watched for `bakeTime`.
    watched: bool,
    /// It has lasted for `maxBakeTime`.
    overdue: bool,
}

pub(super) fn watch(turn: &mut Turn<'_>) {
    advance_clock(turn);
    if let Some(blindness) = turn.blindness() {
        if !external::interferes(turn) {
            turn.wait(blindness);
        }
        return;
    }
    note_lost_guard(turn);
    if verdict::convict_if_fired(turn)
        || verdict::convict_if_silent(turn)
        || beginning::superseded(turn)
        || external::interferes(turn)
        || is_first_and_held_up(turn)
    {
        return;
    }
    if is_approved(turn) {
        promote(turn, Actor::Spec, "Approved", "approved by rollout.approve");
        return;
    }
    conclude(turn);
}

fn conclude(turn: &mut Turn<'_>) {
    let Some(ending) = ending(turn) else { return };
    match shortfall(turn) {
        None if ending.watched => promote(
            turn,
            Actor::Controller,
            "BakePassed",
            "no gating alarm fired during its bake",
        ),
        None => {
            let until = expected_end(turn);
            turn.wait(until.map_or_else(
                || "its bake to end".to_owned(),
                |until| format!("its bake to end at {until:.0}"),
            ));
        }
        Some(shortfall) if ending.overdue => conclude_without_data(turn, &shortfall),
        Some(shortfall) => turn.wait(format!("its bake: {shortfall}")),
    }
}

fn ending(turn: &Turn<'_>) -> Option<Ending> {
    let change = turn.change()?;
    let (effective_at, clock) = (change.effective_at?, change.bake?);
    let rollout = &turn.view.spec.rollout;
    let longest_ms = rollout.max_bake_time.as_millis();
    Some(Ending {
        watched: clock.watched_ms >= rollout.bake_time.as_millis(),
        overdue: turn.now() >= later(effective_at, longest_ms),
    })
}

/// When the bake ends if nothing holds it up.
fn expected_end(turn: &Turn<'_>) -> Option<jiff::Timestamp> {
    let clock = turn.change()?.bake?;
    Some(clock.expected_end(turn.view.spec.rollout.bake_time.as_millis()))
}

/// Counts the time since the last look as watched, as far as the alarms' history covers it and they
/// could judge. A controller that was down, or blind, finds out afterwards what it missed; what nobody
/// judged is watched again.
fn advance_clock(turn: &mut Turn<'_>) {
    let now = turn.now();
    let Some(clock) = turn.change().and_then(|change| change.bake) else {
        return;
    };
    if turn.blindness().is_some() {
        return;
    }
    // Before it came into its state an alarm may have had nothing to judge by.
    let vouched_since = gate::judging(turn)
        .iter()
        .filter_map(|name| turn.view.observed.alarms.get(name))
        .map(|alarm| alarm.judged_since.max(alarm.since))
        .max();
    let from = vouched_since.map_or(clock.last_look, |since| since.max(clock.last_look));
    let credit_ms = match gate::without_data(turn) {
        Some(_) => 0,
        None => millis_between(from, now),
    };
    turn.edit_change(|change| {
        change.bake = Some(BakeClock {
            watched_ms: clock.watched_ms + credit_ms,
            last_look: now.max(clock.last_look),
        });
    });
}

/// A guard that vanished, or that somebody else wrote, while it judged cannot vouch for the change.
fn note_lost_guard(turn: &mut Turn<'_>) {
    let Some(change) = turn.change() else { return };
    if change.lost_guard.is_some() {
        return;
    }
    let lost = change.baseline.iter().find(|(name, baseline)| {
        let found = turn.view.observed.alarms.get(*name);
        found.is_none_or(|found| found.configured_at != baseline.configured_at)
    });
    let Some(name) = lost.map(|(name, _)| name.clone()) else {
        return;
    };
    let message = format!(
        "Gating alarm {name} was removed or written by somebody else while it judged, so it cannot vouch \
         for the change."
    );
    turn.edit_change(|change| change.lost_guard = Some(name));
    turn.record(HistoryKind::Held, Actor::Outside, "GuardLost", message);
    turn.enter(Phase::Inconclusive);
}

/// The data that the bake still lacks.
fn shortfall(turn: &Turn<'_>) -> Option<String> {
    let evidence = &turn.view.observed.evidence;
    let needed = u64::from(turn.view.spec.rollout.min_samples.get());
    if let Some(lost) = turn.change().and_then(|change| change.lost_guard.as_ref()) {
        return Some(format!(
            "alarm {lost} was removed or rewritten while it judged"
        ));
    }
    if gate::nobody_judges(turn) {
        return Some("the actions of every gating alarm are switched off".to_owned());
    }
    if evidence.scoring_calls < needed {
        return Some(format!(
            "{} of {needed} scoring calls seen",
            evidence.scoring_calls
        ));
    }
    if let Some(firing) = gate::firing(turn) {
        return Some(format!("alarm {firing} to clear"));
    }
    if let Some(blank) = gate::without_data(turn) {
        return Some(format!("alarm {blank} has no data to judge by"));
    }
    too_few_datapoints(turn).or_else(|| too_many_breaches(turn))
}

/// An alarm that sees too little traffic to fire may see more than enough breaches all the same: of every
/// `evaluationPeriods` datapoints with samples fewer than `datapointsToAlarm` may breach, however far they
/// lie apart.
fn too_many_breaches(turn: &Turn<'_>) -> Option<String> {
    let observed = turn.view.observed;
    gate::judging(turn).into_iter().find_map(|name| {
        let definition = &observed.alarms.get(&name)?.definition;
        let judged = *observed.evidence.judged_datapoints.get(&name)?;
        let breaching = *observed.evidence.breaching_datapoints.get(&name)?;
        let tolerated = definition.datapoints_to_alarm.saturating_sub(1);
        let excess = u64::from(breaching) * u64::from(definition.evaluation_periods)
            > u64::from(judged) * u64::from(tolerated);
        excess.then(|| {
            format!(
                "{breaching} of {judged} datapoints of alarm {name} breach, too far apart for it to fire"
            )
        })
    })
}

fn too_few_datapoints(turn: &Turn<'_>) -> Option<String> {
    let observed = turn.view.observed;
    gate::judging(turn).into_iter().find_map(|name| {
        let definition = &observed.alarms.get(&name)?.definition;
        let judged = observed.evidence.judged_datapoints.get(&name);
        let (judged, needed) = (judged.copied().unwrap_or(0), definition.evaluation_periods);
        (judged < needed).then(|| {
            format!("alarm {name} has judged {judged} of {needed} datapoints with samples")
        })
    })
}

/// A first revision has nothing to go back to: while an alarm fires, or somebody else has scoring run
/// something else, its bake stands still, and starts over when that is over.
fn is_first_and_held_up(turn: &mut Turn<'_>) -> bool {
    if !turn.is_first() {
        return false;
    }
    let firing = gate::firing(turn).map(|firing| {
        format!(
            "alarm {firing} to clear: this is the first revision, so there is nothing to go back to; \
             its bake starts over then"
        )
    });
    let Some(obstacle) = firing.or_else(|| applying::image_obstacle(turn)) else {
        start_over_if_stopped(turn);
        return false;
    };
    turn.edit_change(|change| {
        change.effective_at = None;
        change.bake = None;
    });
    turn.wait(obstacle);
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
                Actor::Controller,
                "InconclusivePromoted",
                "rollout.onInconclusive is Promote",
            );
        }
        OnInconclusive::Rollback if !turn.is_first() => {
            let reason = format!("Its bake ended without enough data: {shortfall}.");
            verdict::take_back(turn, Cause::Inconclusive, false, &reason);
        }
        OnInconclusive::Rollback | OnInconclusive::Pause => pause(turn, shortfall),
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
        turn.record(
            HistoryKind::Held,
            Actor::Controller,
            "Inconclusive",
            message,
        );
    }
}

fn promote(turn: &mut Turn<'_>, by: Actor, reason: &str, why: &str) {
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
    turn.record_with(HistoryKind::Promoted, by, reason, message, Some(evidence));
}
