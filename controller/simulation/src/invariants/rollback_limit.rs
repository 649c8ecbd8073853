//! After so many automatic rollbacks new changes wait for a person.

use jiff::SignedDuration;
use schema::status::HistoryKind;

use super::{Event, Invariant};
use crate::world::{Land, news};

#[derive(Debug)]
pub(super) struct RollbackLimit;

impl Invariant for RollbackLimit {
    fn name(&self) -> &'static str {
        "rollback-limit"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        let Event::Saved { before, after, .. } = event else {
            return Ok(());
        };
        let (Some(accepted), Some(change)) = (&after.accepted, &after.scoring.change) else {
            return Ok(());
        };
        let started = news(*before, after).find(|it| it.kind == HistoryKind::RolloutStarted);
        let Some(started) = started.filter(|_| change.target.is_some()) else {
            return Ok(());
        };
        let limit = accepted.spec.rollout.max_automatic_rollbacks;
        let interval =
            SignedDuration::try_from(limit.interval.get()).unwrap_or(SignedDuration::MAX);
        let recent = land.ledger.rollbacks.iter();
        // A change may begin and be taken back in one round: that rollback comes after it.
        let recent =
            recent.filter(|at| **at < started.at && started.at.duration_since(**at) < interval);
        let (count, allowed) = (recent.count(), limit.count.get() as usize);
        if count >= allowed {
            return Err(format!(
                "a change begins after {count} rollbacks within {}, and {allowed} are allowed",
                limit.interval
            ));
        }
        Ok(())
    }
}
