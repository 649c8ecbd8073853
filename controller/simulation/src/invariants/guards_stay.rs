//! An alarm that judges a change is neither written nor removed by the controller meanwhile.

use schema::status::Phase;

use super::{Event, Invariant};
use crate::world::{Call, Land};

#[derive(Debug)]
pub(super) struct GuardsStay;

impl Invariant for GuardsStay {
    fn name(&self) -> &'static str {
        "guards-stay"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        let Event::Landing(caller, call) = event else {
            return Ok(());
        };
        let name = match call {
            Call::PutAlarm(definition) => &definition.name,
            Call::DeleteAlarm(name) => name,
            _ => return Ok(()),
        };
        let Some(state) = land.ledger.state.as_ref() else {
            return Ok(());
        };
        let judged = matches!(
            state.scoring.phase,
            Phase::Applying
                | Phase::Baking
                | Phase::Inconclusive
                | Phase::RollingBack
                | Phase::Verifying
        ) && state.removed_at.is_none();
        let change = state.scoring.change.as_ref().filter(|_| judged);
        let judges = change.is_some_and(|change| change.baseline.contains_key(name));
        // One that somebody removed may be made again.
        if judges && land.monitor.alarm(name).is_some() {
            return Err(format!(
                "{} makes the call `{call}` while that alarm judges a change",
                caller.holder
            ));
        }
        Ok(())
    }
}
