//! The spec is the user's: it is never written back, nor removed.

use super::{Event, Invariant};
use crate::world::{Call, Land};

#[derive(Debug)]
pub(super) struct SpecsAreReadOnly;

impl Invariant for SpecsAreReadOnly {
    fn name(&self) -> &'static str {
        "specs-are-read-only"
    }

    fn watch(&mut self, event: &Event<'_>, _: &Land) -> Result<(), String> {
        match event {
            Event::Started(caller, call @ (Call::Put(path) | Call::Delete(path)))
                if path.starts_with("specs/") =>
            {
                Err(format!("{} makes the call `{call}`", caller.holder))
            }
            _ => Ok(()),
        }
    }
}
