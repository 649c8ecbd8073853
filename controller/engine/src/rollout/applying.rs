//! Applying: the image half first, on the old settings; the settings half when it has landed.

use jiff::SignedDuration;
use schema::names::ServiceName;
use schema::status::Phase;

use super::turn::Turn;
use super::{PROGRESS_DEADLINE_S, beginning, external, preflight, verdict};
use crate::ports::{DeploymentState, ObservedService, TaskTemplate};
use crate::state::Cause;

/// Services that read the settings half.
pub(super) const SETTINGS_READERS: [ServiceName; 2] = [ServiceName::Scoring, ServiceName::LoanApi];

pub(super) fn follow(turn: &mut Turn<'_>) {
    note_asked(turn);
    if external::is_still_to_be_replaced(turn) {
        preflight::take_baseline(turn);
    }
    if verdict::convict_if_fired(turn) || beginning::superseded(turn) {
        return;
    }
    if let Some(reason) = failed_deployment(turn) {
        verdict::take_back(turn, Cause::DeploymentFailed, true, &reason);
        return;
    }
    if external::interferes(turn) {
        return;
    }
    if let Some(blindness) = turn.blindness() {
        turn.wait(blindness);
        return;
    }
    match obstacle(turn) {
        None if turn.scoring.settings == turn.scoring.image => begin_bake(turn),
        None => {
            turn.scoring.settings = turn.scoring.image.clone();
            turn.wait("the new settings to reach every task");
        }
        Some(obstacle) if is_overdue(turn) => {
            let reason = format!("It did not reach every task within 10 minutes: {obstacle}.");
            verdict::take_back(turn, Cause::NotEffective, false, &reason);
        }
        Some(obstacle) => turn.wait(obstacle),
    }
}

/// What keeps the halves in force from having reached every task.
pub(super) fn obstacle(turn: &Turn<'_>) -> Option<String> {
    image_obstacle(turn).or_else(|| settings_obstacle(turn))
}

pub(super) fn image_obstacle(turn: &Turn<'_>) -> Option<String> {
    let wanted = &turn.scoring.image_revision()?.image;
    let Some(found) = turn.scoring_found() else {
        return Some("scoring to be created".to_owned());
    };
    let runs_it = found.template == TaskTemplate::of(wanted);
    if runs_it && has_landed(found) {
        return None;
    }
    Some(format!("scoring to run {} on every task", wanted.image))
}

/// Whether every task runs from the template that the service now has.
fn has_landed(found: &ObservedService) -> bool {
    match found.deployment.state {
        DeploymentState::Completed | DeploymentState::RolledBack { .. } => true,
        DeploymentState::InProgress | DeploymentState::Failed { .. } => false,
    }
}

pub(super) fn settings_obstacle(turn: &Turn<'_>) -> Option<String> {
    let wanted = turn.scoring.settings.as_ref()?;
    let lagging = SETTINGS_READERS.into_iter().find(|service| {
        !(turn.view.observed.settings_belong_to(*service, &wanted.0)
            && turn.view.observed.settings_are_live(*service))
    })?;
    Some(format!(
        "every task of {lagging} to report the new settings"
    ))
}

/// Remembers since when scoring's tasks have been seen to be asked for the candidate's image.
fn note_asked(turn: &mut Turn<'_>) {
    let wanted = turn.scoring.image_revision();
    let is_asked = wanted
        .zip(turn.scoring_found())
        .is_some_and(|(wanted, found)| found.template == TaskTemplate::of(&wanted.image));
    if is_asked {
        let now = turn.now();
        turn.edit_change(|change| change.asked_at = change.asked_at.or(Some(now)));
    }
}

/// Why the candidate's tasks do not run, by the word of what runs them.
pub(super) fn failed_deployment(turn: &Turn<'_>) -> Option<String> {
    let change = turn.change()?;
    // A first revision has nothing to go back to; a newer one simply replaces it.
    change.target.as_ref()?;
    let wanted = TaskTemplate::of(&turn.scoring.image_revision()?.image);
    let found = turn.scoring_found()?;
    let is_new = change.deployment_before.as_ref() != Some(&found.deployment.id);
    match &found.deployment.state {
        DeploymentState::Failed { reason } if found.template == wanted => {
            Some(format!("Its tasks do not become ready: {reason}."))
        }
        DeploymentState::RolledBack { reason } if is_new && found.template != wanted => {
            Some(format!(
                "Its tasks did not become ready, and the image before it is back already: {reason}."
            ))
        }
        _ => None,
    }
}

/// Whether it has taken too long since it was asked for. With many platforms edited at once, the call itself may
/// wait for the account's quotas far longer than that, which is not the change's fault.
fn is_overdue(turn: &Turn<'_>) -> bool {
    let change = turn.change().filter(|change| change.target.is_some());
    let asked_at = change.and_then(|change| change.asked_at);
    asked_at.is_some_and(|at| {
        turn.now().duration_since(at) > SignedDuration::from_secs(PROGRESS_DEADLINE_S)
    })
}

fn begin_bake(turn: &mut Turn<'_>) {
    let deployment = turn.scoring_deployment();
    turn.edit_change(|change| {
        change.deployment = deployment;
        change.replaces = None;
    });
    turn.start_bake_clock();
    turn.enter(Phase::Baking);
}
