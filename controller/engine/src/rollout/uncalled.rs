//! A change that has begun and whose first call is still to be made: it waits for the account's quotas, or failed.
//!
//! Nothing of it is in force, so it is to blame for nothing. What made it wait to begin makes it wait again.

use schema::revision::{RevisionDigest, ScoringRevision};
use schema::status::{Actor, HistoryKind, Phase};

use super::turn::Turn;
use super::{preflight, verdict};
use crate::ports::{DeploymentState, TaskTemplate};

/// Judges anew whether the change may begin, as long as nothing of it has.
pub(super) fn reconsider(turn: &mut Turn<'_>) {
    if turn.scoring.phase != Phase::Applying {
        return;
    }
    note_asked(turn);
    if !is_uncalled(turn) {
        turn.scoring.standing = None;
        return;
    }
    if convicts_what_it_replaces(turn) {
        return;
    }
    if can_be_put_off(turn) && is_put_off(turn) {
        return;
    }
    preflight::take_baseline(turn);
}

/// Remembers since when scoring's tasks have been asked to run the candidate's image.
pub(super) fn note_asked(turn: &mut Turn<'_>) {
    let candidate = turn.scoring.image_revision().map(template);
    let found = turn.scoring_found().map(|found| &found.template);
    if candidate.is_some() && candidate.as_ref() == found {
        let now = turn.now();
        turn.edit_change(|change| change.asked_at = change.asked_at.or(Some(now)));
    }
}

/// Whether scoring has never been seen to be asked for the candidate's image, nor to be back from it.
fn is_uncalled(turn: &Turn<'_>) -> bool {
    let Some((change, found)) = turn.change().zip(turn.scoring_found()) else {
        return false;
    };
    let template = |digest: &RevisionDigest| turn.scoring.revision(digest).map(template);
    let candidate = template(&change.candidate);
    let replaced = change.replaced.as_ref().and_then(template);
    let is_back = matches!(found.deployment.state, DeploymentState::RolledBack { .. })
        && change.deployment_before.as_ref() != Some(&found.deployment.id);
    // Where it was to replace a change that was still on its way, it is that one that scoring is back from.
    let is_back_from_it = is_back && turn.scoring.standing.is_none();
    change.asked_at.is_none() && replaced.is_some() && replaced != candidate && !is_back_from_it
}

/// What it is to replace is in force, and judged like any other.
fn convicts_what_it_replaces(turn: &mut Turn<'_>) -> bool {
    let candidate = turn.scoring.image.clone();
    turn.scoring.image = turn.change().and_then(|change| change.replaced.clone());
    let convicts = verdict::convict_standing(turn);
    if !convicts {
        turn.scoring.image = candidate;
    }
    convicts
}

/// Whether what it is to replace may go on without it: not where that could not be taken back everywhere.
fn can_be_put_off(turn: &Turn<'_>) -> bool {
    let replaced = turn.change().and_then(|change| change.replaced.as_ref());
    turn.scoring.standing.is_some() || replaced == turn.scoring.settings.as_ref()
}

/// Has it wait to begin where it could not begin now.
///
/// Returns whether it waits.
fn is_put_off(turn: &mut Turn<'_>) -> bool {
    let is_wanted = turn
        .change()
        .is_some_and(|change| change.candidate == turn.wanted_digest);
    if !is_wanted || preflight::circumstances(turn).is_some() {
        wait_again(turn);
        return true;
    }
    let Some(obstacle) = preflight::guard_obstacle(turn) else {
        return false;
    };
    wait_again(turn);
    let message = format!("Nothing of the change is in force yet, and it waits again: {obstacle}.");
    turn.record(HistoryKind::Held, Actor::Controller, "NotBegun", message);
    // That it begins after all is worth saying again.
    turn.edit_change(|change| change.replaced = None);
    true
}

fn wait_again(turn: &mut Turn<'_>) {
    turn.scoring.image = turn.change().and_then(|change| change.replaced.clone());
    turn.enter(Phase::Preflight);
}

fn template(revision: &ScoringRevision) -> TaskTemplate {
    TaskTemplate::of(&revision.image)
}
