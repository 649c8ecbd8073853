//! A change that has begun and whose first call is still to be made: it waits for the account's quotas, or failed.
//!
//! Nothing of it is in force, so it is to blame for nothing, and how things stood before it began still holds. That
//! is what is decided on: the change begins anew, or waits again, as if it had not begun.

use schema::names::ServiceName;
use schema::revision::ScoringRevision;
use schema::status::{Actor, HistoryKind, Phase};

use super::preflight;
use super::turn::Turn;
use crate::observed::Observed;
use crate::ports::{DeploymentState, TaskTemplate};
use crate::state::ScoringState;

/// Undoes the beginning of a change whose first call is still to be made.
///
/// Returns its attempt, if there was such a change.
pub(crate) fn undo(scoring: &mut ScoringState, observed: &Observed) -> Option<u64> {
    let before = scoring.before.take()?;
    if !is_uncalled(scoring, &before, observed) {
        return None;
    }
    let attempt = scoring.change.as_ref().map(|change| change.attempt);
    *scoring = *before;
    attempt
}

/// Keeps how things stood at the beginning of the turn, if a change that is still to be called for began in it.
pub(super) fn keep(turn: &mut Turn<'_>, before: &ScoringState) {
    let began = turn.scoring.phase == Phase::Applying && before.phase != Phase::Applying;
    if began && is_uncalled(&turn.scoring, before, turn.view.observed) {
        turn.scoring.before = Some(Box::new(before.clone()));
    }
}

/// Tells of a change that had begun and waits again because of an alarm.
pub(super) fn tell(turn: &mut Turn<'_>) {
    if !waits_again(turn) {
        return;
    }
    let Some(obstacle) = preflight::guard_obstacle(turn) else {
        return;
    };
    let message = format!("Nothing of the change is in force yet, and it waits again: {obstacle}.");
    turn.record(HistoryKind::Held, Actor::Controller, "NotBegun", message);
}

fn waits_again(turn: &Turn<'_>) -> bool {
    turn.had_begun() && turn.scoring.phase == Phase::Preflight && turn.blindness().is_none()
}

/// Whether scoring has not been asked for the image of the change under way, which differs from what was in force.
fn is_uncalled(scoring: &ScoringState, before: &ScoringState, observed: &Observed) -> bool {
    let found = observed.services.get(&ServiceName::Scoring);
    let (Some(change), Some(found)) = (&scoring.change, found) else {
        return false;
    };
    let wanted = scoring.image_revision().map(template);
    let replaced = before.image_revision().map(template);
    let found_template = Some(&found.template);
    let is_back_from_it = matches!(found.deployment.state, DeploymentState::RolledBack { .. })
        && change.deployment_before.as_ref() != Some(&found.deployment.id)
        && found_template == replaced.as_ref();
    change.target.is_some()
        && wanted != replaced
        && found_template != wanted.as_ref()
        && !is_back_from_it
}

fn template(revision: &ScoringRevision) -> TaskTemplate {
    TaskTemplate::of(&revision.image)
}
