//! Nothing is removed unless the spec file was missing for long, the policy says so, and it is not
//! merely unreadable.

use engine::ports::ServiceChange;
use engine::state::PlatformState;
use schema::platform::DeletionPolicy;
use std::time::Duration;

use super::{Event, Invariant};
use crate::timeline::between;
use crate::world::{Call, Land};

/// Longest time in which a missing file says nothing, less what clocks and looks may differ by.
const BELIEVED_AFTER: Duration = Duration::from_secs(115);

#[derive(Debug)]
pub(super) struct RemovalIsSeenTwice;

impl Invariant for RemovalIsSeenTwice {
    fn name(&self) -> &'static str {
        "removal-is-seen-twice"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        match event {
            Event::Saved { by, before, after } => {
                let was = before.is_some_and(|before| before.removed_at.is_some());
                if was || after.removed_at.is_none() {
                    return Ok(());
                }
                let missing = land.ledger.missing.get(&*by.holder);
                let believed = missing.is_some_and(|it| {
                    it.listings >= 2 && between(it.since, it.last) >= BELIEVED_AFTER
                });
                if believed {
                    return Ok(());
                }
                Err(format!(
                    "{} takes the platform for removed after {missing:?}",
                    by.holder
                ))
            }
            Event::Landing(caller, call @ Call::Apply(ServiceChange::Delete { .. })) => {
                let state = land.ledger.state.as_ref();
                let removed = state.is_some_and(|state| state.removed_at.is_some());
                let policy = state.map_or(DeletionPolicy::Retain, PlatformState::deletion_policy);
                if removed && policy == DeletionPolicy::Delete {
                    return Ok(());
                }
                Err(format!("{} makes the call `{call}`", caller.holder))
            }
            _ => Ok(()),
        }
    }
}
