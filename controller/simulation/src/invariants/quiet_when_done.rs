//! In steady state a resync changes nothing: neither the platform nor what is saved.

use schema::status::Phase;

use super::{Event, Invariant};
use crate::world::Land;

#[derive(Debug, Default)]
pub(super) struct QuietWhenDone {
    before: Option<(u64, u64)>,
}

impl Invariant for QuietWhenDone {
    fn name(&self) -> &'static str {
        "quiet-when-done"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        let counts = (land.ledger.mutations, land.ledger.saves);
        match event {
            Event::AtRest => self.before = Some(counts),
            Event::StillAtRest if is_steady(land) => {
                let (mutations, saves) = self.before.unwrap_or(counts);
                if (mutations, saves) != counts {
                    return Err(format!(
                        "{} calls and {} writes of the state were made at rest",
                        counts.0 - mutations,
                        counts.1 - saves
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
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
