//! `Observe` changes nothing but taking a change back; and taking back lowers no count.

use engine::ports::ServiceChange;
use engine::state::PlatformState;
use schema::names::ServiceName;
use schema::platform::Mode;

use super::{Event, Invariant};
use crate::world::{Call, Land};

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
        lowers_nothing(call, state).map_err(|how| format!("{}: {how}", caller.holder))
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

/// While a change is taken back, no service gets fewer tasks than the spec in force wants.
fn lowers_nothing(call: &Call, state: &PlatformState) -> Result<(), String> {
    let Call::Apply(ServiceChange::Scale { service, count, .. }) = call else {
        return Ok(());
    };
    let enforced = state
        .enforced
        .as_ref()
        .filter(|_| state.scoring.is_taking_back());
    let workload = enforced.and_then(|spec| spec.services.workload(*service));
    let wanted = workload.and_then(|workload| workload.desired_count);
    match wanted.filter(|wanted| *count < wanted.get()) {
        Some(wanted) => Err(format!(
            "`{call}` while a change is taken back, and {wanted} are wanted"
        )),
        None => Ok(()),
    }
}
