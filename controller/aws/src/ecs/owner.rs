//! Tags that say whose a service is.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::Tag;

use super::place::Place;

/// Tag with the name of what keeps it.
const OWNER: &str = "lending.dev/managed-by";
/// What keeps it.
const KEEPER: &str = "loanctl";
/// Tag with the platform's name.
const PLATFORM: &str = "lending.dev/platform";
/// Tag with the service's name.
const SERVICE: &str = "lending.dev/service";

/// Tag with the generation of the edit that a service or a task definition was made for. It is no part of what is
/// compared: nothing is made anew because a generation is another.
const GENERATION: &str = "lending.dev/generation";
/// Tag with the bucket of the controller that made a service: others may share its cluster.
const STORE: &str = "lending.dev/store";

/// What made something, and for which edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin<'a> {
    /// The bucket of the controller that makes it.
    pub(crate) store: &'a str,
    /// The generation of the edit that it is made for.
    pub(crate) generation: i64,
}

impl Origin<'_> {
    /// The tag that says for which edit.
    pub(crate) fn generation_tag(&self) -> Tag {
        tag(GENERATION, &self.generation.to_string())
    }

    /// The tags that say so of a service.
    pub(crate) fn tags(&self) -> [Tag; 2] {
        [self.generation_tag(), store_tag(self.store)]
    }
}

/// The tag that says whose a service is among controllers.
pub(crate) fn store_tag(store: &str) -> Tag {
    tag(STORE, store)
}

/// Whether `found` say that the controller of `store` keeps it. What says nothing of a store was made before they
/// were told apart.
pub(crate) fn is_of_store(found: &[Tag], store: &str) -> bool {
    let mut stores = found.iter().filter(|tag| tag.key() == Some(STORE));
    is_ours(found) && stores.all(|tag| tag.value() == Some(store))
}

/// The tags of what belongs to `place`. Other tags are other people's, and left alone.
pub(crate) fn tags(place: &Place) -> BTreeMap<String, String> {
    BTreeMap::from([
        (OWNER.to_owned(), KEEPER.to_owned()),
        (PLATFORM.to_owned(), place.platform.to_string()),
        (SERVICE.to_owned(), place.service.to_string()),
    ])
}

/// Those of `found` that are ours to keep.
pub(crate) fn ours(found: &[Tag]) -> BTreeMap<String, String> {
    let pairs = found
        .iter()
        .filter_map(|tag| Some((tag.key()?, tag.value()?)));
    pairs
        .filter(|(key, _)| [OWNER, PLATFORM, SERVICE].contains(key))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Whether `found` say that the controller keeps it.
fn is_ours(found: &[Tag]) -> bool {
    found
        .iter()
        .any(|tag| tag.key() == Some(OWNER) && tag.value() == Some(KEEPER))
}

/// `tags` in ECS's words.
pub(crate) fn in_ecs(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| tag(key, value)).collect()
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}
