//! Only the holder of the lease changes anything.

use super::{Event, Invariant};
use crate::world::Land;

#[derive(Debug)]
pub(super) struct OneWriter;

impl Invariant for OneWriter {
    fn name(&self) -> &'static str {
        "one-writer"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        let (Event::Started(caller, call) | Event::Landing(caller, call)) = event else {
            return Ok(());
        };
        if call.is_for_the_lease() {
            return Ok(());
        }
        let holder = land
            .ledger
            .lease
            .as_ref()
            .and_then(|it| it.holder.as_deref());
        if holder == Some(&*caller.holder) {
            return Ok(());
        }
        Err(format!(
            "{} makes the call `{call}` while the lease is held by {}",
            caller.holder,
            holder.unwrap_or("nobody")
        ))
    }
}
