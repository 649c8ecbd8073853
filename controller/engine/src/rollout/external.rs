//! Somebody else's changes of scoring's tasks while a change is being judged: seen, and not fought.

use schema::status::{Actor, HistoryKind, Phase};

use super::applying::SETTINGS_READERS;
use super::turn::Turn;
use super::verdict;
use crate::ports::{DeploymentState, ObservedService, TaskTemplate};
use crate::state::{ChangeRecord, ExternalChange};

/// Holds the change under way if somebody else has changed what scoring's tasks are started from.
///
/// Returns whether it is held now.
pub(super) fn interferes(turn: &mut Turn<'_>) -> bool {
    let Some(found) = foreign_template(turn) else {
        note_redeployment(turn);
        return false;
    };
    let message = format!(
        "Somebody else has scoring run {} now. The change under way is held and nothing of it is put \
         back; the next edit of the spec ends the hold and has the spec's revision in force again.",
        found.image
    );
    turn.scoring.external = Some(ExternalChange {
        generation: turn.view.generation,
        found,
        at: turn.now(),
    });
    turn.edit_change(|change| change.disturbed = true);
    turn.enter(Phase::Paused);
    turn.record(HistoryKind::Held, Actor::Outside, "ExternalChange", message);
    true
}

/// While held: a gating alarm still takes the change back.
pub(super) fn hold(turn: &mut Turn<'_>) {
    if is_out(turn) && verdict::convict_if_fired(turn) {
        return;
    }
    let found = turn.scoring.external.as_ref();
    let image = found.map(|external| external.found.image.to_string());
    turn.wait(format!(
        "the next edit of the spec: somebody else has scoring run {}",
        image.unwrap_or_default()
    ));
}

/// Whether anything of the change has come into force: its settings, or its image since the hold began.
fn is_out(turn: &Turn<'_>) -> bool {
    turn.change()
        .is_some_and(|change| change.asked_at.is_some() || change.target != turn.scoring.settings)
}

/// Whether somebody else's image still runs although the hold for it is over, on settings from before the change:
/// the call for the change's own waits, and what alarms say meanwhile is not its doing.
pub(super) fn is_still_to_be_replaced(turn: &Turn<'_>) -> bool {
    let was_held = turn.change().is_some_and(|it| it.replaces.is_some());
    was_held && !is_out(turn) && turn.blindness().is_none()
}

/// A new generation is the word of the spec's owner: what is in it comes into force.
pub(super) fn end_with_a_new_generation(turn: &mut Turn<'_>) {
    let generation = turn.view.generation;
    let over = turn
        .scoring
        .external
        .take_if(|external| external.generation != generation);
    let Some(over) = over.filter(|_| turn.scoring.phase == Phase::Paused) else {
        return;
    };
    let now = turn.now();
    let deployment_before = turn.scoring_deployment();
    turn.edit_change(|change| {
        change.started_at = now;
        change.asked_at = None;
        change.effective_at = None;
        change.bake = None;
        change.deployment_before = deployment_before;
        change.deployment = None;
        change.replaces = Some(over.found);
    });
    hold_settings_back(turn);
    turn.enter(Phase::Applying);
    let message = "The spec was edited: its revision is brought in again.".to_owned();
    turn.record(HistoryKind::Resumed, Actor::Spec, "NewGeneration", message);
}

/// The image goes first once more, on the old settings, unless the new ones are out already.
fn hold_settings_back(turn: &mut Turn<'_>) {
    let Some((candidate, target)) = turn
        .change()
        .and_then(|change| Some((change.candidate.0.clone(), change.target.clone()?)))
    else {
        return;
    };
    let observed = turn.view.observed;
    let are_out = SETTINGS_READERS
        .iter()
        .any(|service| observed.settings_belong_to(*service, &candidate));
    if !are_out {
        turn.scoring.settings = Some(target);
    }
}

/// What scoring runs, if the controller never asked for it.
fn foreign_template(turn: &Turn<'_>) -> Option<TaskTemplate> {
    let change = turn.change()?;
    change.target.as_ref()?;
    let found = turn.scoring_found()?;
    let mut ours = turn.scoring.revisions.values();
    let is_known = ours.any(|revision| TaskTemplate::of(&revision.image) == found.template);
    let is_being_replaced = change.replaces.as_ref() == Some(&found.template);
    let is_foreign = !is_known || was_put_back(turn, change, found);
    (is_foreign && !is_being_replaced).then(|| found.template.clone())
}

/// Whether somebody else had scoring run another known image again: by a deployment that is neither
/// ours nor the runner's own going back.
fn was_put_back(turn: &Turn<'_>, change: &ChangeRecord, found: &ObservedService) -> bool {
    let candidate = turn.scoring.revisions.get(&change.candidate);
    let runs_candidate = candidate.is_some_and(|it| TaskTemplate::of(&it.image) == found.template);
    let id = Some(&found.deployment.id);
    let is_known = id == change.deployment_before.as_ref() || id == change.deployment.as_ref();
    let by_the_runner = matches!(found.deployment.state, DeploymentState::RolledBack { .. });
    change.deployment.is_some() && !runs_candidate && !is_known && !by_the_runner
}

/// Somebody else started all of scoring's tasks afresh: no other code, but what an alarm says now may
/// be its doing.
fn note_redeployment(turn: &mut Turn<'_>) {
    let id = turn.scoring_deployment();
    turn.edit_change(|change| {
        let known = [&change.deployment_before, &change.deployment];
        if change.deployment.is_some() && id.is_some() && !known.contains(&&id) {
            change.disturbed = true;
        }
    });
}
