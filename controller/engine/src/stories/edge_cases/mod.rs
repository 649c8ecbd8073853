//! The hard cases of an automatic rollback, one by one: what other systems get wrong, or leave open.

mod attribution;
mod evidence;
mod order;
mod taking_back;

use std::sync::Arc;

use schema::status::{HistoryEntry, HistoryKind, Phase};

use super::story::Story;
use crate::plan::Action;
use crate::ports::ServiceChange;

/// A platform with a good revision, and a change of scoring's settings that is being watched.
pub(super) fn baking() -> Story {
    let mut story = Story::with_a_good_revision();
    story.changes_retries(10);
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    story
}

/// The same with a change of scoring's image.
pub(super) fn baking_an_image() -> Story {
    let mut story = Story::with_a_good_revision();
    story.changes_image("scoring:2");
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    story
}

pub(super) fn last_entry(story: &Story, kind: HistoryKind) -> Arc<HistoryEntry> {
    let history = story.state.history.iter().rev();
    let found = history.into_iter().find(|entry| entry.kind == kind);
    found
        .unwrap_or_else(|| panic!("no {kind:?} in {:#?}", story.state.history))
        .clone()
}

pub(super) fn deployments(story: &Story) -> usize {
    let deploys = |call: &&Action| matches!(call, Action::Service(ServiceChange::Deploy { .. }));
    story.calls.iter().filter(deploys).count()
}
