//! A change that has begun and whose first call is still to be made: it waits for the account's quotas, or failed.
//!
//! Nothing of it is in force, so it is to blame for nothing. What made it wait to begin makes it wait again.

use schema::revision::ScoringRevision;
use schema::status::{Actor, HistoryKind, Phase};

use super::preflight;
use super::turn::Turn;
use crate::ports::TaskTemplate;

/// Judges anew whether the change may begin, as long as nothing of it has.
pub(super) fn reconsider(turn: &mut Turn<'_>) {
    if turn.scoring.phase != Phase::Applying {
        return;
    }
    if !is_uncalled(turn) {
        turn.scoring.standing = None;
        return;
    }
    let is_wanted = turn
        .change()
        .is_some_and(|change| change.candidate == turn.wanted_digest);
    if !is_wanted || turn.blindness().is_some() {
        put_off(turn);
    } else if let Some(obstacle) = preflight::guard_obstacle(turn) {
        put_off(turn);
        let message =
            format!("Nothing of the change is in force yet, and it waits again: {obstacle}.");
        turn.record(HistoryKind::Held, Actor::Controller, "NotBegun", message);
    } else {
        preflight::take_baseline(turn);
    }
}

/// Has it wait to begin, and what it was to replace in force.
fn put_off(turn: &mut Turn<'_>) {
    turn.scoring.image = turn.change().and_then(|change| change.replaced.clone());
    turn.enter(Phase::Preflight);
}

/// Whether scoring still runs what the change is to replace, by the deployment that was there before.
fn is_uncalled(turn: &Turn<'_>) -> bool {
    let Some((change, found)) = turn.change().zip(turn.scoring_found()) else {
        return false;
    };
    let template = |revision: &ScoringRevision| TaskTemplate::of(&revision.image);
    let replaced = change.replaced.as_ref();
    let replaced = replaced
        .and_then(|digest| turn.scoring.revision(digest))
        .map(template);
    let candidate = turn.scoring.revision(&change.candidate).map(template);
    replaced != candidate
        && replaced.as_ref() == Some(&found.template)
        && change.deployment_before.as_ref() == Some(&found.deployment.id)
}
