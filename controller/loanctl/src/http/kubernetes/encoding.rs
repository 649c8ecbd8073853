//! How objects are written, by the shape that a client takes.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ListMeta, ObjectMeta, Status};
use serde::Serialize;
use serde_json::Error;

use super::accept::{Accepted, Shape};
use super::object::Object;
use super::resource::Resource;
use super::status::Failure;
use super::table::{Include, Partial, Table};
use crate::http::asked::Asked;

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

/// A list of objects.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<T> {
    kind: String,
    api_version: String,
    metadata: ListMeta,
    items: Vec<T>,
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
                let version = object.metadata().resource_version.clone();
                let table = Table::of(resource, version, std::iter::once(object), include, now)?;
                serde_json::to_string(&table)
            }
        }
    }

    /// A list of objects.
    pub(super) fn many(
        self,
        resource: Resource,
        version: u64,
        objects: impl Iterator<Item = Object>,
        now: Timestamp,
    ) -> Result<String, Error> {
        let metadata = ListMeta {
            resource_version: Some(version.to_string()),
            ..ListMeta::default()
        };
        match self {
            Self::Whole => serde_json::to_string(&List {
                kind: format!("{}List", resource.names().kind),
                api_version: resource.names().api_version(),
                metadata,
                items: objects.collect(),
            }),
            Self::Metadata => serde_json::to_string(&List {
                kind: "PartialObjectMetadataList".to_owned(),
                api_version: "meta.k8s.io/v1".to_owned(),
                metadata,
                items: objects.map(|object| Partial::of(&object)).collect(),
            }),
            Self::Table(include) => {
                let table = Table::of(resource, Some(version.to_string()), objects, include, now)?;
                serde_json::to_string(&table)
            }
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
                let version = object.metadata().resource_version.clone();
                let table = Table::of(resource, version, std::iter::once(object), include, now)?;
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
            Self::Whole | Self::Table(_) => (resource.names().kind, resource.names().api_version()),
            Self::Metadata => ("PartialObjectMetadata", "meta.k8s.io/v1".to_owned()),
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
