//! Tables: lines for people, which clients print as they are.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ListMeta, ObjectMeta};
use serde::Serialize;
use serde_json::Value;

use super::columns::{self, Column};
use super::object::Object;
use super::resource::Resource;
use super::status::Failure;

/// What of its object comes with a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Include {
    /// Nothing.
    None,
    /// Its metadata.
    #[default]
    Metadata,
    /// All of it.
    Object,
}

/// A table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Table {
    kind: &'static str,
    api_version: &'static str,
    metadata: ListMeta,
    column_definitions: Vec<Column>,
    rows: Vec<Row>,
}

/// A line of a table.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    cells: Vec<Value>,
    object: Option<Beside>,
}

/// The object beside a row.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Beside {
    Metadata(Box<Partial>),
    Object(Object),
}

/// The metadata of an object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Partial {
    kind: &'static str,
    api_version: &'static str,
    metadata: ObjectMeta,
}

impl Include {
    /// What `includeObject` asks for.
    ///
    /// # Errors
    /// When it is none of the three.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, Failure> {
        match text {
            None | Some("" | "Metadata") => Ok(Self::Metadata),
            Some("None") => Ok(Self::None),
            Some("Object") => Ok(Self::Object),
            Some(other) => Err(Failure::bad_request(format!(
                "unrecognized includeObject value: \"{other}\": there are None, Metadata and Object"
            ))),
        }
    }
}

impl Table {
    /// A table of one object.
    ///
    /// # Errors
    /// When it has no JSON form.
    pub(super) fn of(
        resource: Resource,
        object: Object,
        include: Include,
        now: Timestamp,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            kind: "Table",
            api_version: "meta.k8s.io/v1",
            metadata: ListMeta {
                resource_version: object.metadata().resource_version.clone(),
                ..ListMeta::default()
            },
            column_definitions: columns::of(resource),
            rows: vec![Row::of(object, include, now)?],
        })
    }

    /// The same less its columns, for whom they were told before.
    #[must_use]
    pub(super) fn without_columns(self) -> Self {
        Self {
            column_definitions: Vec::new(),
            ..self
        }
    }
}

impl Row {
    /// The line of `object`.
    ///
    /// # Errors
    /// When it has no JSON form.
    pub(super) fn of(
        object: Object,
        include: Include,
        now: Timestamp,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            cells: columns::cells(&object, now)?,
            object: match include {
                Include::None => None,
                Include::Metadata => Some(Beside::Metadata(Box::new(Partial::of(&object)))),
                Include::Object => Some(Beside::Object(object)),
            },
        })
    }
}

impl Partial {
    pub(super) fn of(object: &Object) -> Self {
        Self {
            kind: "PartialObjectMetadata",
            api_version: "meta.k8s.io/v1",
            metadata: object.metadata().clone(),
        }
    }
}
