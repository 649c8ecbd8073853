//! What was taken back does not come back until its retry token changes.

use schema::status::HistoryKind;

use super::{Event, Invariant};
use crate::world::{Land, news};

#[derive(Debug)]
pub(super) struct TakenBackStaysOut;

impl Invariant for TakenBackStaysOut {
    fn name(&self) -> &'static str {
        "taken-back-stays-out"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        let Event::Saved { before, after, .. } = event else {
            return Ok(());
        };
        let Some(change) = &after.scoring.change else {
            return Ok(());
        };
        let begun = news(*before, after).any(|entry| {
            entry.kind == HistoryKind::RolloutStarted
                && entry.to.as_ref() == Some(&change.candidate.0)
        });
        let token = land.ledger.taken_back.get(&change.candidate);
        if begun && token == Some(&change.retry_token) {
            return Err(format!(
                "{} begins again under the retry token {:?}, under which it was taken back",
                change.candidate.short(),
                change.retry_token
            ));
        }
        Ok(())
    }
}
