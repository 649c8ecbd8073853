//! Whether a document is meant to be a platform at all, and which.

use std::ops::Range;

use schema::names::PlatformName;
use schema::platform::{API_VERSION, KIND};

use crate::finding::Finding;
use crate::path::FieldPath;
use crate::tree::{Content, Node};

/// Why `document` is no platform: it is empty, no mapping, or of another kind. One plain answer
/// instead of fifty about its fields.
pub(crate) fn mistaken(document: &Node) -> Option<Finding> {
    let root = FieldPath::default();
    let answer = match &document.content {
        Content::Null => {
            Finding::error(root, "the file is empty").help("start from one of the files in specs/")
        }
        Content::Map(_) => return wrong_kind(document),
        Content::List(_) => Finding::error(root, "the file holds a list, and a spec is a mapping"),
        _ => Finding::error(root, "the file holds plain text, and a spec is a mapping"),
    };
    Some(answer.allowed(format!("a {KIND}")))
}

fn wrong_kind(document: &Node) -> Option<Finding> {
    let text = |key: &str| document.entry(key).map(|entry| text_of(&entry.value));
    match (text("kind"), text("apiVersion")) {
        (None, None) => Some(
            Finding::error(
                FieldPath::default(),
                format!("this is no {KIND}: apiVersion and kind are missing"),
            )
            .allowed(format!("apiVersion: {API_VERSION} and kind: {KIND}"))
            .help(format!(
                "begin the file with apiVersion: {API_VERSION} and kind: {KIND}"
            )),
        ),
        (Some(kind), _) if kind != Some(KIND) => Some(not(document, "kind", KIND)),
        (_, Some(version)) if version != Some(API_VERSION) => {
            Some(not(document, "apiVersion", API_VERSION))
        }
        _ => None,
    }
}

fn not(document: &Node, key: &str, wanted: &str) -> Finding {
    let value = document.entry(key).and_then(|entry| text_of(&entry.value));
    let found = value.map_or_else(String::new, crate::path::shortened);
    let path = FieldPath::default().key(key);
    Finding::error(
        path,
        format!("{key} `{found}` is not known here: it must be {wanted}"),
    )
    .found(&found)
    .allowed(wanted)
}

fn text_of(node: &Node) -> Option<&str> {
    match &node.content {
        Content::Text(text) => Some(text),
        _ => None,
    }
}

/// The name that `document` gives its platform.
pub(crate) fn name_in(document: &Node) -> Option<PlatformName> {
    let node = document.get(&FieldPath::from("metadata.name"))?;
    PlatformName::try_from(text_of(node)?).ok()
}

/// The name in text that is no YAML: the first `name:` indented under a line `metadata:`.
pub(crate) fn name_in_text(text: &str) -> Option<(PlatformName, Range<usize>)> {
    let mut offset = 0;
    let mut is_metadata = false;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        if !line.starts_with([' ', '\t']) {
            is_metadata = content.starts_with("metadata:");
        } else if let (true, Some(value)) = (is_metadata, content.strip_prefix("name:")) {
            let value = value.split('#').next().unwrap_or_default().trim();
            let value = value.trim_matches(['"', '\'']);
            let name = PlatformName::try_from(value).ok()?;
            let begin = start + line.find(value)?;
            return Some((name, begin..begin + value.len()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_broken_file_is_read_from_its_text() {
        for (text, name) in [
            ("metadata:\n  name: dev # ours\nspec: [", Some("dev")),
            ("metadata:\n  labels: {}\n  name: \"dev\"\n", Some("dev")),
            ("spec:\n  name: dev\n", None),
            ("metadata:\nspec:\n  name: dev\n", None),
            ("metadata:\n  name: Not Legal\n", None),
            ("", None),
        ] {
            let found = name_in_text(text).map(|(name, _)| name.to_string());
            assert_eq!(found.as_deref(), name, "{text}");
        }
    }
}
