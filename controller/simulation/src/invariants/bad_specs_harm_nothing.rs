//! A spec that cannot be used is refused, and the last good one stays in force.

use schema::status::HistoryKind;

use super::{Event, Invariant};
use crate::world::{Land, news};

#[derive(Debug)]
pub(super) struct BadSpecsHarmNothing;

impl Invariant for BadSpecsHarmNothing {
    fn name(&self) -> &'static str {
        "bad-specs-harm-nothing"
    }

    fn watch(&mut self, event: &Event<'_>, _: &Land) -> Result<(), String> {
        let Event::Saved {
            before: Some(before),
            after,
            ..
        } = event
        else {
            return Ok(());
        };
        let mut kinds = news(Some(before), after).map(|entry| entry.kind);
        let accepts = kinds.any(|kind| kind == HistoryKind::SpecAccepted);
        if before.accepted != after.accepted && !accepts {
            return Err("another spec is in force than was accepted".to_owned());
        }
        if before.accepted.is_some() && after.accepted.is_none() {
            return Err("no spec is in force any more".to_owned());
        }
        Ok(())
    }
}
