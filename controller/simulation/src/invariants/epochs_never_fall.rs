//! Settings documents carry an order that grows, and no task is offered an older one.

use std::collections::BTreeMap;

use schema::names::ServiceName;

use super::{Event, Invariant};
use crate::world::{Call, Land};

#[derive(Debug, Default)]
pub(super) struct EpochsNeverFall {
    written: BTreeMap<ServiceName, (u64, u64)>,
    term: Option<(u64, String)>,
}

impl Invariant for EpochsNeverFall {
    fn name(&self) -> &'static str {
        "epochs-never-fall"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        match event {
            Event::Tick { .. } => self.every_term_is_later(land),
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
            // With its last document a service's order is forgotten; what is made anew begins anew.
            Event::Landing(_, Call::Delete(path)) => {
                self.written
                    .retain(|service, _| !path.ends_with(&format!("/{service}.json")));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl EpochsNeverFall {
    /// Whoever takes the lease begins a term above all before it.
    fn every_term_is_later(&mut self, land: &Land) -> Result<(), String> {
        let Some(lease) = &land.ledger.lease else {
            return Ok(());
        };
        let Some(holder) = &lease.holder else {
            return Ok(());
        };
        let term = (lease.epoch, holder.clone());
        match self.term.replace(term) {
            Some((epoch, before)) if before != *holder && lease.epoch <= epoch => Err(format!(
                "{holder} holds the lease with epoch {}, after {before} with {epoch}",
                lease.epoch
            )),
            _ => Ok(()),
        }
    }
}
