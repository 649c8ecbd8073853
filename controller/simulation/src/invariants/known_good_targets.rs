//! A change goes back only to a revision that was promoted.

use schema::status::Phase;

use super::{Event, Invariant};
use crate::world::Land;

#[derive(Debug)]
pub(super) struct KnownGoodTargets;

impl Invariant for KnownGoodTargets {
    fn name(&self) -> &'static str {
        "known-good-targets"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        let Event::Saved { after, .. } = event else {
            return Ok(());
        };
        let scoring = &after.scoring;
        // Until a change begins, where it would go back to is not settled.
        let begun = !matches!(
            scoring.phase,
            Phase::Idle | Phase::Preflight | Phase::Paused
        );
        let target = scoring.change.as_ref().filter(|_| begun);
        match target.and_then(|change| change.target.as_ref()) {
            Some(target) if !land.ledger.promoted.contains(target) => Err(format!(
                "in phase {:?} the way back leads to {}, which was never promoted",
                scoring.phase,
                target.short()
            )),
            _ => Ok(()),
        }
    }
}
