//! `Observe` changes nothing but taking a change back; and taking back lowers no count.

use engine::ports::ServiceChange;
use engine::state::PlatformState;
use schema::names::ServiceName;
use schema::platform::Mode;

use super::{Event, Invariant};
use crate::world::{Call, Land, Service};

#[derive(Debug)]
pub(super) struct ModesHold;

impl Invariant for ModesHold {
    fn name(&self) -> &'static str {
        "modes-hold"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        let Event::Landing(caller, call) = event else {
            return Ok(());
        };
        let Some(state) = land.ledger.state.as_ref() else {
            return Ok(());
        };
        let mode = state.accepted.as_ref().map(|accepted| accepted.spec.mode);
        let observes = mode == Some(Mode::Observe) && state.removed_at.is_none();
        let takes_back = state.scoring.is_taking_back() && is_about_scoring(call);
        if observes && call.touches_the_platform() && !takes_back {
            return Err(format!(
                "{} makes the call `{call}` in mode Observe",
                caller.holder
            ));
        }
        lowers_nothing(call, state, land).map_err(|how| format!("{}: {how}", caller.holder))
    }
}

const fn is_about_scoring(call: &Call) -> bool {
    match call {
        Call::PutSettings(document) => matches!(
            document.service,
            ServiceName::Scoring | ServiceName::LoanApi
        ),
        Call::Apply(ServiceChange::Deploy { service, .. }) => {
            matches!(service, ServiceName::Scoring)
        }
        _ => false,
    }
}

/// While a change is taken back, no service gets fewer tasks, whoever asks for it.
fn lowers_nothing(call: &Call, state: &PlatformState, land: &Land) -> Result<(), String> {
    let Call::Apply(ServiceChange::Scale { service, count, .. }) = call else {
        return Ok(());
    };
    let found = land.fleet.service(*service).map(Service::desired);
    let lower = found.filter(|found| count < found && state.scoring.is_taking_back());
    match lower {
        Some(found) => Err(format!(
            "`{call}` while a change is taken back and {found} are wanted"
        )),
        None => Ok(()),
    }
}
