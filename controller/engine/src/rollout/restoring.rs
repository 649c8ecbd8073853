//! Taking a change back: settings first, then the image, then the proof that it helped.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use schema::status::{Actor, AlarmState, Evidence, HistoryKind, Phase};

use super::turn::Turn;
use super::{PROGRESS_DEADLINE_S, applying, beginning, gate, preflight};
use crate::ports::{DeploymentState, ObservedAlarm};
use crate::state::{Cause, ChangeRecord};
use crate::timing::later;

/// How long the image waits for the settings to be taken back. They take effect in seconds; a task
/// that does not take them may be the very one that the image must replace.
const SETTINGS_HEAD_START_S: i64 = 15;

/// Seconds until a target that would not start is tried again.
const IMAGE_RETRY_S: u64 = 600;

pub(super) fn restore(turn: &mut Turn<'_>) {
    let settings_obstacle = applying::settings_obstacle(turn);
    let image_has_its_turn = settings_obstacle.is_none()
        || is_past(turn, SETTINGS_HEAD_START_S)
        || runs_the_target(turn);
    if image_has_its_turn && !keeps_the_healthier_side(turn) {
        turn.scoring.image = turn.scoring.settings.clone();
    }
    let Some(obstacle) = settings_obstacle.or_else(|| image_obstacle(turn)) else {
        finish(turn);
        return;
    };
    if turn.scoring.phase == Phase::RollingBack && is_past(turn, PROGRESS_DEADLINE_S) {
        fail(
            turn,
            &format!("not within 10 minutes; still waiting for {obstacle}"),
        );
    }
    turn.wait(obstacle);
}

/// Whether scoring runs the target's image already: what runs it has gone back by itself.
fn runs_the_target(turn: &Turn<'_>) -> bool {
    match (turn.target_template(), turn.scoring_found()) {
        (Some(target), Some(found)) => found.template == target,
        _ => false,
    }
}

/// Where the target's tasks do not become ready, the candidate's are left running: taking them away for
/// tasks that do not start would make things worse. The target is tried again every ten minutes.
///
/// Returns whether the image half stays where it is.
fn keeps_the_healthier_side(turn: &mut Turn<'_>) -> bool {
    let now = turn.now();
    if let Some(reason) = target_failure(turn) {
        turn.scoring.image = turn.change().map(|change| change.candidate.clone());
        turn.edit_change(|change| change.image_retry_at = Some(later(now, IMAGE_RETRY_S * 1_000)));
        if turn.scoring.phase == Phase::RollingBack {
            let why = format!("the image before it does not start any more ({reason})");
            fail(turn, &why);
        }
    }
    let retry_at = turn.change().and_then(|change| change.image_retry_at);
    retry_at.is_some_and(|retry_at| now < retry_at)
}

/// Why the target's tasks do not become ready, once they were asked for.
fn target_failure(turn: &Turn<'_>) -> Option<String> {
    let change = turn.change()?;
    let target = turn.target_template()?;
    let is_asked_for = turn.scoring.image == change.target;
    let found = turn.scoring_found()?;
    let is_new = change.deployment.as_ref() != Some(&found.deployment.id)
        && change.deployment_before.as_ref() != Some(&found.deployment.id);
    match &found.deployment.state {
        DeploymentState::Failed { reason } if is_asked_for && found.template == target => {
            Some(reason.clone())
        }
        DeploymentState::RolledBack { reason }
            if is_asked_for && is_new && found.template != target =>
        {
            Some(reason.clone())
        }
        _ => None,
    }
}

/// What keeps the target's image from running everywhere. Tasks that somebody else had started from
/// something else are theirs.
fn image_obstacle(turn: &Turn<'_>) -> Option<String> {
    let change = turn.change()?;
    if turn.scoring.external.is_some() {
        return None;
    }
    if turn.scoring.image != change.target {
        return Some("the image before it to start again".to_owned());
    }
    applying::image_obstacle(turn)
}

/// A rollback that failed goes on being tried, until a newer revision can replace it.
pub(super) fn restore_late(turn: &mut Turn<'_>) {
    restore(turn);
    if turn.scoring.phase == Phase::RollbackFailed {
        replace(turn);
    }
}

/// Begins the change that the spec asks for instead, as soon as it could be judged and taken back. Until
/// then it stands behind the rollback, which matters more.
fn replace(turn: &mut Turn<'_>) {
    let next = turn.scoring.next.take();
    if !beginning::may_replace_the_failed(turn) {
        return;
    }
    let restoring = turn.waiting_on.take().unwrap_or_default();
    let failed = turn.scoring.change.take();
    match next.filter(|next| next.candidate == turn.wanted_digest) {
        Some(next) => turn.scoring.change = Some(next),
        None => beginning::begin_after_the_last_good(turn),
    }
    let Some(obstacle) = preflight::obstacle(turn) else {
        preflight::start(turn);
        return;
    };
    turn.wait(format!(
        "{restoring}; scoring revision {} would replace it, and waits for {obstacle}",
        turn.wanted_digest.short()
    ));
    turn.scoring.next = turn.scoring.change.take();
    turn.scoring.change = failed;
}

fn finish(turn: &mut Turn<'_>) {
    turn.scoring.next = None;
    let now = turn.now();
    turn.edit_change(|change| change.restored_at = Some(now));
    turn.enter(Phase::Verifying);
}

fn fail(turn: &mut Turn<'_>, why: &str) {
    turn.enter(Phase::RollbackFailed);
    let message = format!(
        "The scoring change could not be taken back everywhere: {why}. Look at scoring's tasks; it goes \
         on being tried."
    );
    turn.record(
        HistoryKind::RollbackProblem,
        Actor::Controller,
        "Failed",
        message,
    );
}

/// Whether more than `seconds` have passed since it was decided to take the change back.
fn is_past(turn: &Turn<'_>, seconds: i64) -> bool {
    let decided = turn
        .change()
        .and_then(|change| change.verdict.as_ref())
        .map(|verdict| verdict.at);
    decided.is_some_and(|at| turn.now().duration_since(at) > SignedDuration::from_secs(seconds))
}

pub(super) fn verify(turn: &mut Turn<'_>) {
    let Some(change) = turn.change().cloned() else {
        turn.enter(Phase::Idle);
        return;
    };
    let Some(Cause::Alarm { alarm, .. }) = change.verdict.as_ref().map(|verdict| &verdict.cause)
    else {
        confirm(turn, &change, "the revision before it is in force again");
        return;
    };
    if let Some(blindness) = turn.blindness() {
        turn.wait(blindness);
        return;
    }
    if turn.view.breaker_is_held_open {
        // It starts over when the breaker is let go.
        turn.edit_change(|change| change.restored_at = None);
        turn.wait("the breaker that a remedy holds open to be let go");
        return;
    }
    let found = turn.view.observed.alarms.get(alarm);
    let restored_at = change.restored_at.unwrap_or_else(|| turn.now());
    turn.edit_change(|change| change.restored_at = Some(restored_at));
    if found.is_some_and(|found| fires_anew(found, restored_at)) {
        give_up_confirming(
            turn,
            &change,
            &format!("alarm {alarm} has fired anew since"),
        );
        return;
    }
    let deadline = found.map(|found| later(restored_at, gate::clearing_time_ms(found)));
    if found.is_some_and(|found| found.state == AlarmState::Ok) {
        confirm(turn, &change, &format!("alarm {alarm} has cleared"));
    } else if deadline.is_none_or(|deadline| turn.now() > deadline) {
        give_up_confirming(
            turn,
            &change,
            &format!("alarm {alarm} still has not cleared"),
        );
    } else {
        turn.wait(format!("alarm {alarm} to clear"));
    }
}

/// Whether `alarm` has fired on nothing but what was measured once the change was gone. A remedy that it has
/// done would silence it again before its time to clear is over, again and again.
fn fires_anew(alarm: &ObservedAlarm, restored_at: Timestamp) -> bool {
    // The tasks follow a moment later.
    let is_gone_at = later(restored_at, alarm.definition.period_ms);
    let firing = alarm.last_firing.as_ref().filter(|_| !alarm.muted);
    let first_breach_at = firing.and_then(|firing| firing.first_breach_at);
    first_breach_at.is_some_and(|start| start >= is_gone_at)
}

fn confirm(turn: &mut Turn<'_>, change: &ChangeRecord, why: &str) {
    turn.enter(Phase::RolledBack);
    let message = format!(
        "Scoring revision {} is taken back: {why}.",
        change.candidate.short()
    );
    turn.record_with(
        HistoryKind::RolledBack,
        Actor::Controller,
        "Confirmed",
        message,
        Some(evidence(change)),
    );
}

/// The alarm fires on: the change may not have been to blame, so it is held, not convicted.
fn give_up_confirming(turn: &mut Turn<'_>, change: &ChangeRecord, why: &str) {
    for entry in &mut turn.scoring.quarantine {
        if entry.revision == change.candidate {
            Arc::make_mut(entry).convicted = false;
        }
    }
    turn.enter(Phase::RollbackUnconfirmed);
    let message = format!(
        "Scoring revision {} is taken back, but {why}: it may not have been the cause. Look for \
         another one; nothing further is taken back by itself.",
        change.candidate.short()
    );
    turn.record_with(
        HistoryKind::RollbackProblem,
        Actor::Controller,
        "Unconfirmed",
        message,
        Some(evidence(change)),
    );
}

fn evidence(change: &ChangeRecord) -> Evidence {
    let mut evidence = Evidence {
        fields: change.fields.clone(),
        ..Evidence::default()
    };
    if let Some(Cause::Alarm {
        alarm,
        value,
        threshold,
        fired_at,
    }) = change.verdict.as_ref().map(|verdict| &verdict.cause)
    {
        evidence.alarm = Some(alarm.clone());
        evidence.value = *value;
        evidence.threshold = Some(*threshold);
        evidence.fired_at = Some(*fired_at);
    }
    evidence
}
