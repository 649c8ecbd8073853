//! Taking a change back: settings first, then the image, then the proof that it helped.

use jiff::SignedDuration;
use schema::status::{AlarmState, Evidence, HistoryKind, Phase};

use super::turn::{Turn, later};
use super::{INGESTION_S, PROGRESS_DEADLINE_S, applying, beginning, gate};
use crate::state::{Cause, ChangeRecord};

/// How long the image waits for the settings to be taken back. They take effect in seconds; a task
/// that does not take them may be the very one that the image must replace.
const SETTINGS_HEAD_START_S: i64 = 15;

pub(super) fn restore(turn: &mut Turn<'_>) {
    let settings_obstacle = applying::settings_obstacle(turn);
    if settings_obstacle.is_none() || is_past(turn, SETTINGS_HEAD_START_S) {
        turn.scoring.image = turn.scoring.settings.clone();
    }
    let Some(obstacle) = settings_obstacle.or_else(|| applying::image_obstacle(turn)) else {
        finish(turn);
        return;
    };
    if turn.scoring.phase == Phase::RollingBack && is_past(turn, PROGRESS_DEADLINE_S) {
        fail(turn, &obstacle);
    }
    turn.wait(obstacle);
}

/// A rollback that failed goes on being tried; meanwhile a newer revision may replace it.
pub(super) fn restore_late(turn: &mut Turn<'_>) {
    restore(turn);
    if turn.scoring.phase == Phase::RollbackFailed {
        beginning::consider(turn);
    }
}

fn finish(turn: &mut Turn<'_>) {
    let now = turn.now();
    turn.edit_change(|change| change.restored_at = Some(now));
    turn.enter(Phase::Verifying);
}

fn fail(turn: &mut Turn<'_>, obstacle: &str) {
    turn.enter(Phase::RollbackFailed);
    let message = format!(
        "The scoring change could not be taken back everywhere within 10 minutes; still waiting for \
         {obstacle}. Look at those tasks; it goes on being tried."
    );
    turn.record(HistoryKind::RollbackProblem, "Failed", message);
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
    let state = turn
        .view
        .observed
        .alarms
        .get(alarm)
        .map(|found| found.state);
    if state == Some(AlarmState::Ok) {
        confirm(turn, &change, &format!("alarm {alarm} has cleared"));
    } else if turn.now() > clearing_deadline(turn, &change) {
        give_up_confirming(
            turn,
            &change,
            &format!("alarm {alarm} still has not cleared"),
        );
    } else {
        turn.wait(format!("alarm {alarm} to clear"));
    }
}

fn clearing_deadline(turn: &Turn<'_>, change: &ChangeRecord) -> jiff::Timestamp {
    let restored_at = change.restored_at.unwrap_or(change.started_at);
    let ingestion_ms = INGESTION_S.unsigned_abs() * 1_000;
    later(
        restored_at,
        gate::clearing_time_ms(&turn.view.spec.gating_alarms()) + ingestion_ms,
    )
}

fn confirm(turn: &mut Turn<'_>, change: &ChangeRecord, why: &str) {
    turn.enter(Phase::RolledBack);
    let message = format!(
        "Scoring revision {} is taken back: {why}.",
        change.candidate.short()
    );
    turn.record_with(
        HistoryKind::RolledBack,
        "Confirmed",
        message,
        Some(evidence(change)),
    );
}

/// The alarm fires on: the change may not have been to blame, so it is held, not convicted.
fn give_up_confirming(turn: &mut Turn<'_>, change: &ChangeRecord, why: &str) {
    for entry in &mut turn.scoring.quarantine {
        if entry.revision == change.candidate {
            entry.convicted = false;
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
