//! The image half of a change goes first, running on the old settings.

use engine::ports::{DeploymentState, TaskTemplate};
use schema::names::ServiceName;

use super::{Event, Invariant, UNSEEN};
use crate::timeline::earlier;
use crate::world::{Call, Land};

#[derive(Debug)]
pub(super) struct ImageBeforeSettings;

impl Invariant for ImageBeforeSettings {
    fn name(&self) -> &'static str {
        "image-before-settings"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        let Event::Landing(caller, Call::PutSettings(document)) = event else {
            return Ok(());
        };
        let Some(state) = land.ledger.state.as_ref() else {
            return Ok(());
        };
        let change = state.scoring.change.as_ref();
        let change = change.filter(|change| {
            change.target.is_some()
                && change.verdict.is_none()
                && change.candidate.0 == document.scoring_revision
        });
        let candidate = change.and_then(|it| state.scoring.revisions.get(&it.candidate));
        let (Some(candidate), Some(found)) = (candidate, land.fleet.service(ServiceName::Scoring))
        else {
            return Ok(());
        };
        let by_hand = land.ledger.scoring_touched_at;
        let since = change.map(|change| earlier(change.started_at, UNSEEN));
        if by_hand.is_some_and(|at| since.is_some_and(|since| at > since)) {
            return Ok(());
        }
        let runs_it = *found.template() == TaskTemplate::of(&candidate.image);
        if runs_it && !matches!(found.state(), DeploymentState::InProgress) {
            return Ok(());
        }
        Err(format!(
            "{} writes settings of {:.12} while scoring's deployment of {} is {:?}",
            caller.holder,
            document.scoring_revision,
            found.template().image,
            found.state()
        ))
    }
}
