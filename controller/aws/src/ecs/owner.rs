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
pub(crate) fn is_ours(found: &[Tag]) -> bool {
    found
        .iter()
        .any(|tag| tag.key() == Some(OWNER) && tag.value() == Some(KEEPER))
}

/// `tags` in ECS's words.
pub(crate) fn in_ecs(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    tags.iter().map(tag).collect()
}
