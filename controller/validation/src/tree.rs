//! A YAML document as a tree in which everything knows where it stands.
//!
//! Values and places come from one parse, so they cannot disagree.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Location, Spanned};

use crate::path::{FieldPath, Step};

/// A value and the bytes it is written in; an alias is where it is used.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) content: Content,
    pub(crate) span: Range<usize>,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value. Keys may be repeated: that is for a check to find.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: Node,
}

/// Which side of an entry a problem is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Key,
    Value,
}

impl Node {
    /// The document as JSON; of a repeated key, the first.
    pub(crate) fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(value) => Value::Number(value.clone()),
            Content::Text(value) => Value::String(value.clone()),
            Content::List(items) => items.iter().map(Self::to_json).collect(),
            Content::Map(entries) => {
                let mut object = Map::new();
                for entry in entries {
                    object
                        .entry(entry.key.clone())
                        .or_insert_with(|| entry.value.to_json());
                }
                Value::Object(object)
            }
        }
    }

    /// The entry of `key`, if this is a mapping that has it.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The value at `path`.
    pub(crate) fn get(&self, path: &FieldPath) -> Option<&Self> {
        path.steps()
            .iter()
            .try_fold(self, |node, step| match (step, &node.content) {
                (Step::Key(key), _) => node.entry(key).map(|entry| &entry.value),
                (Step::Item(index), Content::List(items)) => items.get(*index),
                (Step::Item(_), _) => None,
            })
    }

    /// The bytes to mark for a problem at `path`; where the field is absent, those of the nearest
    /// field around it.
    pub(crate) fn locate(&self, path: &FieldPath, side: Side) -> Range<usize> {
        let mut node = self;
        let mut marked = self.start();
        for (depth, step) in path.steps().iter().enumerate() {
            let is_last = depth + 1 == path.steps().len();
            match step {
                Step::Key(key) => {
                    let Some(entry) = node.entry(key) else { break };
                    node = &entry.value;
                    let wants_value = is_last && side == Side::Value && node.is_written_scalar();
                    marked = if wants_value {
                        node.span.clone()
                    } else {
                        entry.key_span.clone()
                    };
                }
                Step::Item(index) => {
                    let Content::List(items) = &node.content else {
                        break;
                    };
                    let Some(item) = items.get(*index) else { break };
                    node = item;
                    marked = item.start();
                }
            }
        }
        marked
    }

    /// The bytes with which this value begins: a scalar itself, or the first key of a mapping.
    fn start(&self) -> Range<usize> {
        match &self.content {
            Content::Map(entries) if self.span.is_empty() => entries
                .first()
                .map_or_else(|| self.span.clone(), |entry| entry.key_span.clone()),
            _ => self.span.clone(),
        }
    }

    fn is_written_scalar(&self) -> bool {
        !self.span.is_empty() && !matches!(self.content, Content::List(_) | Content::Map(_))
    }
}

impl From<Spanned<Content>> for Node {
    fn from(spanned: Spanned<Content>) -> Self {
        Self {
            span: bytes(&spanned.referenced),
            content: spanned.value,
        }
    }
}

/// The bytes of a location; string input always has them.
pub(crate) fn bytes(location: &Location) -> Range<usize> {
    let span = location.span();
    let number = |value: Option<u64>| usize::try_from(value.unwrap_or(0)).unwrap_or(usize::MAX);
    let start = number(span.byte_offset());
    start..start.saturating_add(number(span.byte_len()))
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a mapping")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Content, E> {
        // A number that is not finite cannot stand in JSON; as text it is refused like any text.
        Ok(Number::from_f64(value)
            .map_or_else(|| Content::Text(value.to_string()), Content::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Content>>()? {
            list.push(item.into());
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Content, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = entries.next_entry::<Spanned<String>, Spanned<Content>>()? {
            map.push(Entry {
                key_span: bytes(&key.referenced),
                key: key.value,
                value: value.into(),
            });
        }
        Ok(Content::Map(map))
    }
}
