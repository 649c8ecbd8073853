//! Conditions keep kstatus's rules, and what is remembered stays within its bounds.

use engine::state::{HISTORY_KEPT, PlatformState};

use super::{Event, Invariant};
use crate::world::Land;

#[derive(Debug)]
pub(super) struct Kstatus;

impl Invariant for Kstatus {
    fn name(&self) -> &'static str {
        "kstatus"
    }

    fn watch(&mut self, event: &Event<'_>, _: &Land) -> Result<(), String> {
        let Event::Saved { before, after, .. } = event else {
            return Ok(());
        };
        if before.is_some_and(|before| before.generation > after.generation) {
            return Err("the generation fell".to_owned());
        }
        if after.history.len() > HISTORY_KEPT {
            return Err(format!("{} history entries are kept", after.history.len()));
        }
        conditions(after)
    }
}

fn conditions(state: &PlatformState) -> Result<(), String> {
    // A removed platform is saved before it is looked at again.
    if state.removed_at.is_some() || state.status.conditions.is_empty() {
        return Ok(());
    }
    let holds = |name: &str| {
        let mut conditions = state.status.conditions.iter();
        conditions.any(|it| it.type_ == name && it.status == "True")
    };
    let ready = |name: &str| state.status.conditions.iter().any(|it| it.type_ == name);
    if !ready("Ready") {
        return Err("there is no condition Ready".to_owned());
    }
    if holds("Reconciling") && holds("Stalled") {
        return Err("it is Reconciling and Stalled at once".to_owned());
    }
    if holds("Ready") && (holds("Reconciling") || holds("Stalled")) {
        return Err("it is Ready and something else at once".to_owned());
    }
    let observed = state.status.observed_generation.unwrap_or(0);
    if observed > state.generation {
        return Err(format!(
            "observedGeneration {observed} is ahead of {}",
            state.generation
        ));
    }
    Ok(())
}
