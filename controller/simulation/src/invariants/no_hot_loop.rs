//! The same write is not made again and again: what something else changes back is left for a person.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::ports::ServiceChange;
use jiff::Timestamp;

use super::{Event, Invariant};
use crate::timeline::between;
use crate::world::{Call, Caller, Land};

/// How long writes are counted.
const WINDOW: Duration = Duration::from_secs(600);
/// Most equal writes of one thing within it. The engine makes three and then one more; some answers are lost.
const MOST: usize = 8;

/// The last writes of each thing by one life of a controller.
#[derive(Debug, Default)]
pub(super) struct NoHotLoop {
    holder: String,
    generation: i64,
    last: BTreeMap<String, Repeated>,
}

#[derive(Debug, Default)]
struct Repeated {
    wanted: String,
    at: Vec<Timestamp>,
}

impl Invariant for NoHotLoop {
    fn name(&self) -> &'static str {
        "no-hot-loop"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        let Event::Landing(caller, call) = event else {
            return Ok(());
        };
        let (Some((subject, wanted)), Some(state)) = (about(call), &land.ledger.state) else {
            return Ok(());
        };
        self.begin_anew(caller, state.generation);
        // Taking a change back is never given up.
        if state.scoring.is_taking_back() {
            return Ok(());
        }
        let repeated = self.last.entry(subject).or_default();
        if repeated.wanted != wanted {
            repeated.wanted = wanted;
            repeated.at.clear();
        }
        let now = land.now();
        repeated.at.retain(|at| between(*at, now) < WINDOW);
        repeated.at.push(now);
        if repeated.at.len() > MOST {
            let times = repeated.at.len();
            return Err(format!("`{call}` is made {times} times within ten minutes"));
        }
        Ok(())
    }
}

impl NoHotLoop {
    fn begin_anew(&mut self, caller: &Caller, generation: i64) {
        if *self.holder != *caller.holder || self.generation != generation {
            self.holder = caller.holder.to_string();
            self.generation = generation;
            self.last.clear();
        }
    }
}

/// What a call is about, and what it wants of it.
fn about(call: &Call) -> Option<(String, String)> {
    let subject = match call {
        Call::Apply(ServiceChange::Scale { service, .. }) => format!("count of {service}"),
        Call::Apply(ServiceChange::Deploy { service, .. }) => format!("tasks of {service}"),
        Call::Apply(ServiceChange::Repair { service, .. }) => format!("surroundings of {service}"),
        Call::Apply(ServiceChange::Create(definition)) => definition.service.to_string(),
        Call::Apply(ServiceChange::Delete { service, .. }) => service.to_string(),
        Call::PutAlarm(definition) => format!("alarm {}", definition.name),
        Call::DeleteAlarm(name) => format!("alarm {name}"),
        Call::PutSettings(document) => {
            let subject = format!("settings of {}", document.service);
            return Some((subject, document.revision.clone()));
        }
        Call::Put(_) | Call::Delete(_) => return None,
    };
    Some((subject, call.to_string()))
}
