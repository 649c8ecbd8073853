//! What is done about a scoring revision stands in the saved state first, with where to go back to.

use engine::ports::{ServiceChange, TaskTemplate};
use engine::state::PlatformState;
use schema::names::ServiceName;
use schema::revision::RevisionDigest;

use super::{Event, Invariant};
use crate::world::{Call, Land};

#[derive(Debug)]
pub(super) struct WriteAhead;

impl Invariant for WriteAhead {
    fn name(&self) -> &'static str {
        "write-ahead"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        let Event::Landing(caller, call) = event else {
            return Ok(());
        };
        let complaint = match call {
            Call::Apply(ServiceChange::Deploy {
                service: ServiceName::Scoring,
                template,
                ..
            }) => deploy(template, land.ledger.state.as_ref()),
            Call::PutSettings(document)
                if matches!(
                    document.service,
                    ServiceName::Scoring | ServiceName::LoanApi
                ) =>
            {
                let revision = RevisionDigest(document.scoring_revision.clone());
                settings(&revision, land.ledger.state.as_ref())
            }
            _ => Ok(()),
        };
        complaint.map_err(|how| format!("{} makes the call `{call}`, but {how}", caller.holder))
    }
}

fn deploy(template: &TaskTemplate, state: Option<&PlatformState>) -> Result<(), String> {
    let state = state.ok_or("no state is saved")?;
    let image = state
        .scoring
        .image
        .as_ref()
        .ok_or("no image half is saved")?;
    let known = state.scoring.revisions.get(image);
    if known.is_none_or(|known| TaskTemplate::of(&known.image) != *template) {
        return Err(format!(
            "the saved state has scoring on revision {}",
            image.short()
        ));
    }
    is_recorded(image, state)
}

fn settings(revision: &RevisionDigest, state: Option<&PlatformState>) -> Result<(), String> {
    let state = state.ok_or("no state is saved")?;
    let saved = state.scoring.settings.as_ref();
    if saved != Some(revision) {
        return Err(format!(
            "the saved state has the settings of {}",
            saved.map_or("nothing", RevisionDigest::short)
        ));
    }
    is_recorded(revision, state)
}

/// What is not known to be good is the candidate of a recorded change; one that replaces a good one
/// says which.
fn is_recorded(revision: &RevisionDigest, state: &PlatformState) -> Result<(), String> {
    let scoring = &state.scoring;
    if scoring.good.contains(revision) {
        return Ok(());
    }
    let changes = scoring.change.iter().chain(&scoring.standing);
    let mut records = changes
        .filter(|change| change.candidate == *revision || change.target.as_ref() == Some(revision));
    match records.next() {
        None => Err(format!("no record of {} is saved", revision.short())),
        Some(change) if change.target.is_none() && !scoring.good.is_empty() => Err(format!(
            "the record of {} names nothing to go back to",
            revision.short()
        )),
        Some(_) => Ok(()),
    }
}
