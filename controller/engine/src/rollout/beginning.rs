//! Beginning a change, or keeping it out.

use std::sync::Arc;

use jiff::SignedDuration;
use schema::platform::Mode;
use schema::revision::RevisionDigest;
use schema::status::{Actor, HistoryKind, Phase};

use super::turn::Turn;
use crate::state::ChangeRecord;

/// A platform's first revision has nothing to go back to: it is applied at once, whatever the mode
/// of watching.
pub(super) fn begin_first(turn: &mut Turn<'_>) {
    begin(turn, None);
    turn.scoring.standing = None;
    let digest = turn.wanted_digest.clone();
    turn.scoring.image = Some(digest.clone());
    turn.scoring.settings = Some(digest.clone());
    turn.enter(Phase::Applying);
    turn.record(
        HistoryKind::RolloutStarted,
        Actor::Spec,
        "FirstRevision",
        format!(
            "Scoring revision {} is the platform's first and is applied at once.",
            digest.short()
        ),
    );
}

/// With nothing under way: whether the spec asks for another revision, and may have it.
pub(super) fn consider(turn: &mut Turn<'_>) {
    if turn.scoring.live() == Some(&turn.wanted_digest) {
        if turn.scoring.phase == Phase::Paused {
            turn.enter(Phase::Idle);
        }
        return;
    }
    if kept_out(turn) {
        return;
    }
    if !turn.may_begin() {
        turn.wait(format!(
            "scoring revision {} waits: mode is {:?}",
            turn.wanted_digest.short(),
            turn.view.spec.mode
        ));
        return;
    }
    if rollback_limit_reached(turn) {
        hold_at_limit(turn);
        return;
    }
    begin_after_the_last_good(turn);
    turn.enter(Phase::Preflight);
}

/// With a change that could not be taken back: whether the spec asks for a third revision, and may have
/// it. One that the rollback limit holds does not end the rollback.
pub(super) fn may_replace_the_failed(turn: &mut Turn<'_>) -> bool {
    let target = turn.change().and_then(|change| change.target.as_ref());
    let is_another =
        target != Some(&turn.wanted_digest) && turn.scoring.live() != Some(&turn.wanted_digest);
    is_another && turn.may_begin() && !kept_out(turn) && !rollback_limit_reached(turn)
}

/// The record of a change to what the spec asks for, that goes back to what proved good last.
pub(super) fn begin_after_the_last_good(turn: &mut Turn<'_>) {
    let target = turn.scoring.last_good().or_else(|| turn.scoring.live());
    begin(turn, target.cloned());
}

/// With a change under way: whether the spec now asks for something else, and what that means.
///
/// Returns whether the change under way is over.
pub(super) fn superseded(turn: &mut Turn<'_>) -> bool {
    let Some(change) = turn.change() else {
        return false;
    };
    let target = change.target.clone();
    // Under Observe a first revision is only looked at: the newest spec is compared with what is there.
    let is_looked_at = target.is_none() && turn.view.spec.mode == Mode::Observe;
    if change.candidate == turn.wanted_digest || !(turn.may_begin() || is_looked_at) {
        return false;
    }
    match target {
        None => begin_first(turn),
        Some(target) if target == turn.wanted_digest => super::verdict::withdraw(turn),
        Some(_) if kept_out(turn) => return false,
        Some(target) => {
            if turn.scoring.phase != Phase::Preflight {
                turn.scoring.standing = turn.scoring.change.take();
            }
            begin(turn, Some(target));
            turn.enter(Phase::Preflight);
        }
    }
    true
}

/// With a change that waits to replace another: whether the spec now asks for that other one again,
/// which is then watched on.
pub(super) fn resumed(turn: &mut Turn<'_>) -> bool {
    let standing = turn
        .scoring
        .standing
        .take_if(|it| it.candidate == turn.wanted_digest);
    let Some(standing) = standing else {
        return false;
    };
    let phase = if standing.effective_at.is_some() {
        Phase::Baking
    } else {
        Phase::Applying
    };
    turn.scoring.image = Some(standing.candidate.clone());
    turn.scoring.change = Some(standing);
    turn.enter(phase);
    true
}

/// With a change that waits to begin: whether the spec now asks for something that stays out, so that
/// nothing asks for the change any more. That may be the change's own revision, under an earlier token.
///
/// Returns whether the change was dropped.
pub(super) fn dropped(turn: &mut Turn<'_>) -> bool {
    if !turn.may_begin() || !kept_out(turn) {
        return false;
    }
    match turn.scoring.standing.take() {
        None => {
            turn.enter(Phase::Idle);
            turn.scoring.change = None;
        }
        // Nothing asks for the unproven change in force any more either.
        standing => {
            turn.scoring.standing = standing;
            super::verdict::withdraw(turn);
        }
    }
    true
}

/// Whether the spec's revision was taken back before and no new retry token lets it in.
fn kept_out(turn: &mut Turn<'_>) -> bool {
    let token = turn.view.spec.rollout.retry_token.clone();
    let Some(entry) = turn.scoring.quarantined(&turn.wanted_digest, &token) else {
        return false;
    };
    let message = format!(
        "Scoring revision {} was taken back at {:.0} and stays out: {} Change rollout.retryToken \
         (now {token:?}) to try it again.",
        turn.wanted_digest.short(),
        entry.at,
        entry.reason,
    );
    turn.wait(message.clone());
    turn.kept_out = Some(message.clone());
    let submission = (turn.view.generation, turn.wanted_digest.clone());
    if turn.scoring.refused.as_ref() != Some(&submission) {
        turn.record_wanted(HistoryKind::Refused, "Quarantined", message);
        turn.scoring.refused = Some(submission);
    }
    true
}

fn rollback_limit_reached(turn: &Turn<'_>) -> bool {
    let limit = turn.view.spec.rollout.max_automatic_rollbacks;
    let interval = SignedDuration::try_from(limit.interval.get()).unwrap_or(SignedDuration::MAX);
    let recent = turn
        .scoring
        .rollbacks
        .iter()
        .filter(|at| turn.now().duration_since(**at) < interval);
    recent.count() >= limit.count.get() as usize
}

fn hold_at_limit(turn: &mut Turn<'_>) {
    let limit = turn.view.spec.rollout.max_automatic_rollbacks;
    turn.wait(format!(
        "new scoring changes are held: {} automatic rollbacks within {} \
         (rollout.maxAutomaticRollbacks); raise the limit or wait",
        limit.count, limit.interval
    ));
    if turn.scoring.phase != Phase::Paused {
        turn.enter(Phase::Paused);
        let message = turn.waiting_on.clone().unwrap_or_default();
        turn.record_wanted(HistoryKind::Held, "RollbackLimit", message);
    }
}

fn begin(turn: &mut Turn<'_>, target: Option<RevisionDigest>) {
    let known = target
        .as_ref()
        .and_then(|digest| turn.scoring.revision(digest));
    let fields = known
        .map(|known| known.changes_to(&turn.wanted))
        .unwrap_or_default();
    turn.scoring.attempts += 1;
    turn.scoring
        .revisions
        .insert(turn.wanted_digest.clone(), Arc::new(turn.wanted.clone()));
    turn.scoring.change = Some(ChangeRecord {
        attempt: turn.scoring.attempts,
        candidate: turn.wanted_digest.clone(),
        target,
        fields,
        retry_token: turn.view.spec.rollout.retry_token.clone(),
        started_at: turn.now(),
        asked_at: None,
        effective_at: None,
        bake: None,
        settling: None,
        deployment_before: None,
        deployment: None,
        replaces: None,
        lost_guard: None,
        baseline: std::collections::BTreeMap::default(),
        acknowledged: std::collections::BTreeSet::default(),
        disturbed: false,
        verdict: None,
        restored_at: None,
        image_retry_at: None,
    });
}
