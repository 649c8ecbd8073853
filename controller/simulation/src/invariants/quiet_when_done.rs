//! In steady state a resync changes nothing: neither the platform nor what is saved.

use std::time::Duration;

use schema::platform::Alarm;
use schema::status::Phase;

use super::{Event, Invariant};
use crate::timeline::earlier;
use crate::world::Land;

/// A platform at rest is looked at once a minute, and a look takes its time.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(90);

/// What was done until some time.
#[derive(Clone, Copy, Debug)]
struct Counts {
    mutations: u64,
    saves: u64,
    /// Moves of alarms: the status tells of those that a look sees, so they are saved.
    moves: usize,
}

#[derive(Debug, Default)]
pub(super) struct QuietWhenDone {
    before: Option<Counts>,
}

impl Invariant for QuietWhenDone {
    fn name(&self) -> &'static str {
        "quiet-when-done"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        match (event, self.before) {
            (Event::AtRest, _) => {
                let moves = seen_by_now(land);
                self.before = Some(Counts {
                    moves,
                    ..Counts::of(land)
                });
            }
            (Event::StillAtRest, Some(before)) if is_steady(land) => {
                return Counts::of(land).is_quiet_since(before, reacts(land));
            }
            _ => {}
        }
        Ok(())
    }
}

impl Counts {
    fn of(land: &Land) -> Self {
        Self {
            mutations: land.ledger.mutations,
            saves: land.ledger.saves,
            moves: land.ledger.transitions.len(),
        }
    }

    fn is_quiet_since(self, before: Self, reacts: bool) -> Result<(), String> {
        let calls = self.mutations - before.mutations;
        let saves = self.saves - before.saves;
        let moved = self.moves > before.moves;
        // What an alarm has done about its firing is no unrest.
        if (calls == 0 && saves == 0) || (moved && (calls == 0 || reacts)) {
            return Ok(());
        }
        Err(format!(
            "{calls} calls and {saves} writes of the state were made at rest"
        ))
    }
}

/// Moves of alarms until a look ago.
fn seen_by_now(land: &Land) -> usize {
    let since = earlier(land.now(), LOOKED_AT_EVERY);
    let moves = land.ledger.transitions.iter();
    moves.filter(|moved| moved.at <= since).count()
}

/// Whether an alarm has more done than a rollback, or what it had done is not over.
fn reacts(land: &Land) -> bool {
    let Some(state) = &land.ledger.state else {
        return false;
    };
    let mut alarms = state.enforced.iter().flat_map(|spec| &spec.alarms);
    let acts = |alarm: &Alarm| alarm.scale_out.is_some() || alarm.force_breaker_open.is_some();
    alarms.any(acts) || !state.remedies.is_empty()
}

/// Whether nothing is being tried or watched any more: what was in vain is tried again now and then,
/// and a bake saves its clock, that of a first revision too, for which `Ready` does not wait.
fn is_steady(land: &Land) -> bool {
    let Some(state) = &land.ledger.state else {
        return true;
    };
    let bakes = matches!(state.scoring.phase, Phase::Baking | Phase::Inconclusive);
    let mut conditions = state.status.conditions.iter();
    !bakes && conditions.any(|it| it.type_ == "Ready" && it.status == "True")
}
