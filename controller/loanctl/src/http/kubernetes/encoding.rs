//! How objects are written, by the shape that a client takes.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ListMeta, ObjectMeta, Status};
use serde::Serialize;
use serde_json::Error;

use super::accept::{Accepted, Shape};
use super::columns::{self, Column};
use super::object::Object;
use super::resource::Resource;
use super::status::Failure;
use super::table::{Include, Partial, Row, Table};
use crate::http::asked::Asked;

/// Where tables and metadata are from.
const META: &str = "meta.k8s.io/v1";
/// How a list ends.
pub(super) const CLOSING: &str = "]}";

/// How objects are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As they are.
    Whole,
    /// As rows of a table.
    Table(Include),
    /// Their metadata alone.
    Metadata,
}

/// What becomes of an object in a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
}

/// How a list begins.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    kind: String,
    api_version: String,
    metadata: ListMeta,
    #[serde(skip_serializing_if = "Option::is_none")]
    column_definitions: Option<Vec<Column>>,
}

/// An object that says no more than how far the client has come.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Mark {
    kind: &'static str,
    api_version: String,
    metadata: ObjectMeta,
}

impl Encoding {
    /// The way in which a request takes objects.
    ///
    /// # Errors
    /// When it takes none of those that there are.
    pub(super) fn of(asked: &Asked) -> Result<Self, Failure> {
        let accepted = Accepted::of(asked.header(http::header::ACCEPT));
        match accepted.best_of(&[Shape::Plain, Shape::Table, Shape::Metadata]) {
            Some(Shape::Table) => {
                Include::parse(asked.parameter("includeObject").as_deref()).map(Self::Table)
            }
            Some(Shape::Metadata) => Ok(Self::Metadata),
            Some(Shape::Plain) => Ok(Self::Whole),
            Some(Shape::Discovery) | None => Err(Failure::not_acceptable()),
        }
    }

    /// One object.
    pub(super) fn one(
        self,
        resource: Resource,
        object: Object,
        now: Timestamp,
    ) -> Result<String, Error> {
        match self {
            Self::Whole => serde_json::to_string(&object),
            Self::Metadata => serde_json::to_string(&Partial::of(&object)),
            Self::Table(include) => {
                let table = Table::of(resource, object, include, now)?;
                serde_json::to_string(&table)
            }
        }
    }

    /// A list up to its first item.
    pub(super) fn opening(self, resource: Resource, version: u64) -> Result<String, Error> {
        let names = resource.names();
        let (kind, api_version) = match self {
            Self::Whole => (format!("{}List", names.kind), names.api_version()),
            Self::Metadata => ("PartialObjectMetadataList".to_owned(), META.to_owned()),
            Self::Table(_) => ("Table".to_owned(), META.to_owned()),
        };
        let is_table = matches!(self, Self::Table(_));
        let mut head = serde_json::to_string(&Head {
            kind,
            api_version,
            metadata: ListMeta {
                resource_version: Some(version.to_string()),
                ..ListMeta::default()
            },
            column_definitions: is_table.then(|| columns::of(resource)),
        })?;
        head.pop();
        let items = if is_table { "rows" } else { "items" };
        Ok(format!("{head},\"{items}\":["))
    }

    /// An item of a list.
    pub(super) fn item(self, object: Object, now: Timestamp) -> Result<String, Error> {
        match self {
            Self::Whole => serde_json::to_string(&object),
            Self::Metadata => serde_json::to_string(&Partial::of(&object)),
            Self::Table(include) => serde_json::to_string(&Row::of(object, include, now)?),
        }
    }

    /// A line of a watch: what became of `object`. A table's columns are in the first line alone.
    pub(super) fn line(
        self,
        verb: Verb,
        resource: Resource,
        object: Object,
        is_first: bool,
        now: Timestamp,
    ) -> Result<String, Error> {
        let object = match self {
            Self::Table(include) if !is_first => {
                let table = Table::of(resource, object, include, now)?;
                serde_json::to_string(&table.without_columns())?
            }
            _ => self.one(resource, object, now)?,
        };
        Ok(line(verb, &object))
    }

    /// A line that says how far a watch has come; with `begun`, that the objects at its beginning are all told.
    pub(super) fn bookmark(
        self,
        resource: Resource,
        version: u64,
        begun: bool,
    ) -> Result<String, Error> {
        let mut metadata = ObjectMeta {
            resource_version: Some(version.to_string()),
            ..ObjectMeta::default()
        };
        if begun {
            let mark = ("k8s.io/initial-events-end".to_owned(), "true".to_owned());
            metadata.annotations = Some([mark].into());
        }
        let (kind, api_version) = match self {
            Self::Whole => (resource.names().kind, resource.names().api_version()),
            Self::Metadata => ("PartialObjectMetadata", META.to_owned()),
            Self::Table(_) => ("Table", META.to_owned()),
        };
        let mark = Mark {
            kind,
            api_version,
            metadata,
        };
        Ok(line(Verb::Bookmark, &serde_json::to_string(&mark)?))
    }
}

/// A line that says why a watch ends.
pub(super) fn error_line(status: &Status) -> Result<String, Error> {
    Ok(line(Verb::Error, &serde_json::to_string(status)?))
}

fn line(verb: Verb, object: &str) -> String {
    let verb = match verb {
        Verb::Added => "ADDED",
        Verb::Modified => "MODIFIED",
        Verb::Deleted => "DELETED",
        Verb::Bookmark => "BOOKMARK",
        Verb::Error => "ERROR",
    };
    format!("{{\"type\":\"{verb}\",\"object\":{object}}}\n")
}
