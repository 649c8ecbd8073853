//! What was taken back does not come back until its retry token changes.

use schema::revision::RevisionDigest;
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
        let begun = news(*before, after).filter(|it| it.kind == HistoryKind::RolloutStarted);
        let spec = after.accepted.as_ref().map(|accepted| &accepted.spec);
        let Some(token) = spec.map(|spec| &spec.rollout.retry_token) else {
            return Ok(());
        };
        let candidates = begun.filter_map(|it| it.to.clone().map(RevisionDigest));
        for candidate in candidates {
            if land.ledger.taken_back.get(&candidate) == Some(token) {
                return Err(format!(
                    "{} begins again under the retry token {token:?}, under which it was taken back",
                    candidate.short()
                ));
            }
        }
        Ok(())
    }
}
