//! What was taken back does not come back until its retry token changes.

use std::collections::BTreeMap;

use engine::state::PlatformState;
use schema::status::{HistoryEntry, HistoryKind};

use super::{Event, Invariant};
use crate::world::{Land, news};

/// Retry tokens by revision.
type Tokens = BTreeMap<String, String>;

#[derive(Debug, Default)]
pub(super) struct TakenBackStaysOut {
    /// Under which each revision was brought in last.
    tried: Tokens,
    /// Under which each was taken back.
    taken_back: Tokens,
}

impl Invariant for TakenBackStaysOut {
    fn name(&self) -> &'static str {
        "taken-back-stays-out"
    }

    fn watch(&mut self, event: &Event<'_>, _: &Land) -> Result<(), String> {
        let Event::Saved { before, after, .. } = event else {
            return Ok(());
        };
        if before.is_none() {
            // A platform that was removed and is made anew is another one.
            *self = Self::default();
        }
        news(*before, after).try_for_each(|entry| self.take_in(entry, after))
    }
}

impl TakenBackStaysOut {
    fn take_in(&mut self, entry: &HistoryEntry, state: &PlatformState) -> Result<(), String> {
        match entry.kind {
            HistoryKind::RolloutStarted => {
                let accepted = state.accepted.as_ref().ok_or("nothing is accepted")?;
                let token = accepted.spec.rollout.retry_token.clone();
                let candidate = entry.to.clone().unwrap_or_default();
                if self.taken_back.get(&candidate) == Some(&token) {
                    return Err(format!(
                        "{candidate:.12} begins again under the retry token {token:?}, under which it was \
                         taken back"
                    ));
                }
                self.tried.insert(candidate, token);
            }
            HistoryKind::RollbackStarted if entry.reason != "Withdrawn" => {
                let revision = entry.from.clone().unwrap_or_default();
                self.taken_back.extend(self.tried.remove_entry(&revision));
            }
            _ => {}
        }
        Ok(())
    }
}
