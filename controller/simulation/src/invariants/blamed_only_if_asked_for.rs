//! An alarm speaks against a change only once scoring has been asked to run it, or has its settings.

use engine::ports::{ServiceChange, TaskTemplate};
use engine::state::{Cause, ChangeRecord, PlatformState, Verdict};
use jiff::Timestamp;
use schema::names::ServiceName;

use super::{Event, Invariant, UNSEEN, new_verdict};
use crate::timeline::earlier;
use crate::world::{Call, Land};

/// What scoring has been asked to run, and when last.
#[derive(Debug, Default)]
pub(super) struct BlamedOnlyIfAskedFor(Vec<(TaskTemplate, Timestamp)>);

impl Invariant for BlamedOnlyIfAskedFor {
    fn name(&self) -> &'static str {
        "blamed-only-if-asked-for"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        match event {
            Event::Landing(_, Call::Apply(change)) => {
                if let Some(template) = of_scoring(change) {
                    self.0.retain(|(known, _)| known != template);
                    self.0.push((template.clone(), land.now()));
                }
                Ok(())
            }
            Event::Saved { before, after, .. } => self.judge(*before, after, land),
            _ => Ok(()),
        }
    }
}

impl BlamedOnlyIfAskedFor {
    fn judge(
        &self,
        before: Option<&PlatformState>,
        after: &PlatformState,
        land: &Land,
    ) -> Result<(), String> {
        let by_alarm = |(_, verdict): &(_, &Verdict)| matches!(verdict.cause, Cause::Alarm { .. });
        let Some((change, _)) = new_verdict(before, after).filter(by_alarm) else {
            return Ok(());
        };
        let Some((asked_for, replaced)) = templates(after, change) else {
            return Ok(());
        };
        let in_force = before.and_then(|before| before.scoring.settings.as_ref());
        if in_force == Some(&change.candidate) {
            return Ok(());
        }
        let by_hand = land.ledger.scoring_touched_at;
        let since = earlier(change.started_at, UNSEEN);
        let was_asked = self
            .0
            .iter()
            .any(|(it, at)| *it == asked_for && *at >= since);
        // One that differs from an unproven change in its settings only finds its image there.
        let scoring = land.fleet.service(ServiceName::Scoring);
        let is_there = scoring.is_some_and(|found| *found.template() == asked_for);
        let is_done_by_hand = by_hand.is_some_and(|at| at >= since);
        if asked_for == replaced || is_there || was_asked || is_done_by_hand {
            return Ok(());
        }
        Err(format!(
            "an alarm is laid to {}, which scoring has not been asked to run since {since}",
            change.candidate.short()
        ))
    }
}

fn of_scoring(change: &ServiceChange) -> Option<&TaskTemplate> {
    match change {
        ServiceChange::Create(definition) if definition.service == ServiceName::Scoring => {
            Some(&definition.template)
        }
        ServiceChange::Deploy {
            service: ServiceName::Scoring,
            template,
            ..
        } => Some(template),
        _ => None,
    }
}

/// What the change has scoring run, and what it replaces.
fn templates(state: &PlatformState, change: &ChangeRecord) -> Option<(TaskTemplate, TaskTemplate)> {
    let template = |digest| {
        let revision = state.scoring.revision(digest)?;
        Some(TaskTemplate::of(&revision.image))
    };
    Some((
        template(&change.candidate)?,
        template(change.target.as_ref()?)?,
    ))
}
