//! Settings documents carry an order that grows, and no task is offered an older one.

use std::collections::BTreeMap;

use schema::names::ServiceName;

use super::{Event, Invariant};
use crate::world::{Call, Land};

#[derive(Debug, Default)]
pub(super) struct EpochsNeverFall {
    written: BTreeMap<ServiceName, (u64, u64)>,
}

impl Invariant for EpochsNeverFall {
    fn name(&self) -> &'static str {
        "epochs-never-fall"
    }

    fn watch(&mut self, event: &Event<'_>, _: &Land) -> Result<(), String> {
        match event {
            Event::Offended(how) => Err((*how).to_owned()),
            Event::Landing(caller, Call::PutSettings(document)) => {
                let order = document.order();
                let before = self.written.insert(document.service, order);
                match before.filter(|before| order <= *before) {
                    Some(before) => Err(format!(
                        "{} writes settings of {} with order {order:?} over {before:?}",
                        caller.holder, document.service
                    )),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}
