//! Taking a change back: settings first, then the image, then the proof that it helped.

use schema::status::{AlarmState, Evidence, HistoryKind, Phase};

use super::turn::{Turn, later};
use super::{INGESTION_S, applying, gate};
use crate::state::{Cause, ChangeRecord};

pub(super) fn restore(turn: &mut Turn<'_>) {
    if let Some(obstacle) = applying::settings_obstacle(turn) {
        turn.wait(obstacle);
        return;
    }
    if turn.scoring.image != turn.scoring.settings {
        turn.scoring.image = turn.scoring.settings.clone();
    }
    if let Some(obstacle) = applying::image_obstacle(turn) {
        turn.wait(obstacle);
        return;
    }
    let now = turn.now();
    turn.edit_change(|change| change.restored_at = Some(now));
    turn.enter(Phase::Verifying);
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
        gate::clearing_time_ms(&gate::gating(turn.view.spec)) + ingestion_ms,
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
