//! The columns of tables, and what stands in them.

use std::sync::LazyLock;

use jiff::Timestamp;
use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use k8s_openapi::api::core::v1::{Event, Namespace};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceColumnDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Serialize;
use serde_json::{Value, json};

use super::object::Object;
use super::resource::Resource;
use super::{age, crd};

/// A column, as clients are told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Column {
    pub(super) name: String,
    r#type: String,
    format: String,
    description: String,
    /// Greater than zero: shown where there is room (`-o wide`).
    pub(super) priority: i32,
}

/// A column of platforms, and where its values are.
#[derive(Debug)]
struct PlatformColumn {
    shown: Column,
    path: Option<JpQuery>,
}

static PLATFORM_COLUMNS: LazyLock<Vec<PlatformColumn>> = LazyLock::new(|| {
    crd::columns()
        .into_iter()
        .map(PlatformColumn::new)
        .collect()
});

/// The columns of a kind of objects.
pub(super) fn of(resource: Resource) -> Vec<Column> {
    match resource {
        Resource::Platforms => {
            let printed = PLATFORM_COLUMNS.iter().map(|column| column.shown.clone());
            std::iter::once(name()).chain(printed).collect()
        }
        // As a cluster has them.
        Resource::Events => vec![
            text("Last Seen", 0),
            text("Type", 0),
            text("Reason", 0),
            text("Object", 0),
            text("Subobject", 1),
            text("Source", 1),
            text("Message", 0),
            text("First Seen", 1),
            Column {
                r#type: "integer".to_owned(),
                ..text("Count", 1)
            },
            Column {
                priority: 1,
                ..name()
            },
        ],
        Resource::Namespaces => vec![name(), text("Status", 0), text("Age", 0)],
    }
}

/// What stands in the columns of `object`.
///
/// # Errors
/// When it has no JSON form.
pub(super) fn cells(object: &Object, now: Timestamp) -> Result<Vec<Value>, serde_json::Error> {
    match object {
        Object::Platform(platform) => {
            let value = serde_json::to_value(platform)?;
            let printed = PLATFORM_COLUMNS
                .iter()
                .map(|column| column.cell(&value, now));
            Ok(std::iter::once(json!(platform.metadata.name))
                .chain(printed)
                .collect())
        }
        Object::Event(event) => Ok(cells_of_event(event, now)),
        Object::Namespace(namespace) => Ok(cells_of_namespace(namespace, now)),
    }
}

fn cells_of_event(event: &Event, now: Timestamp) -> Vec<Value> {
    let involved = &event.involved_object;
    let kind = involved.kind.as_deref().unwrap_or_default().to_lowercase();
    vec![
        json!(age(event.last_timestamp.as_ref(), now)),
        json!(event.type_),
        json!(event.reason),
        json!(format!(
            "{kind}/{}",
            involved.name.as_deref().unwrap_or_default()
        )),
        json!(involved.field_path.as_deref().unwrap_or_default()),
        json!(
            event
                .source
                .as_ref()
                .and_then(|source| source.component.as_deref())
        ),
        json!(event.message.as_deref().map(str::trim)),
        json!(age(event.first_timestamp.as_ref(), now)),
        json!(event.count),
        json!(event.metadata.name),
    ]
}

fn cells_of_namespace(namespace: &Namespace, now: Timestamp) -> Vec<Value> {
    let phase = namespace
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    vec![
        json!(namespace.metadata.name),
        json!(phase),
        json!(age(namespace.metadata.creation_timestamp.as_ref(), now)),
    ]
}

fn age(then: Option<&Time>, now: Timestamp) -> String {
    then.map_or_else(|| age::UNKNOWN.to_owned(), |then| age::between(then.0, now))
}

impl PlatformColumn {
    fn new(column: CustomResourceColumnDefinition) -> Self {
        // Kubernetes leaves out the sign of the root.
        let path = parse_json_path(&format!("${}", column.json_path));
        let path = path.inspect_err(|error| {
            tracing::error!(%error, column = column.name, "the path of a column cannot be read");
        });
        Self {
            path: path.ok(),
            shown: Column {
                name: column.name,
                r#type: column.type_,
                format: column.format.unwrap_or_default(),
                description: column.description.unwrap_or_default(),
                priority: column.priority.unwrap_or_default(),
            },
        }
    }

    /// What a cluster puts there: the first value at the path, if it is of the column's type; a time's age.
    fn cell(&self, platform: &Value, now: Timestamp) -> Value {
        let found = self
            .path
            .as_ref()
            .and_then(|path| js_path_process(path, platform).ok());
        let Some(found) = found.and_then(|found| found.into_iter().next()) else {
            return Value::Null;
        };
        let value = found.val();
        match self.shown.r#type.as_str() {
            "string" => json!(
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            ),
            "integer" => json!(value.as_i64()),
            "number" => json!(value.as_f64()),
            "boolean" => json!(value.as_bool()),
            "date" => match value.as_str().map(str::parse) {
                Some(Ok(then)) => json!(age::between(then, now)),
                Some(Err(_)) => json!("<invalid>"),
                None => Value::Null,
            },
            _ => Value::Null,
        }
    }
}

fn name() -> Column {
    Column {
        format: "name".to_owned(),
        description: "Name must be unique within a namespace.".to_owned(),
        ..text("Name", 0)
    }
}

fn text(name: &str, priority: i32) -> Column {
    Column {
        name: name.to_owned(),
        r#type: "string".to_owned(),
        format: String::new(),
        description: String::new(),
        priority,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
    use schema::status::Phase;

    use super::super::events::tests::{event, with_history};
    use super::*;

    fn shown(resource: Resource) -> Vec<String> {
        let columns = of(resource).into_iter();
        columns
            .filter(|column| column.priority == 0)
            .map(|column| column.name)
            .collect()
    }

    #[test]
    fn platforms_have_the_columns_of_the_custom_resource_definition() {
        assert_eq!(
            shown(Resource::Platforms),
            ["Name", "Ready", "Phase", "Reason", "Age"]
        );
        assert!(PLATFORM_COLUMNS.iter().all(|column| column.path.is_some()));
        let mut platform = with_history(Vec::new());
        platform.status.scoring.phase = Phase::Baking;
        let condition = |type_: &str, reason: &str| Condition {
            type_: type_.to_owned(),
            status: "True".to_owned(),
            reason: reason.to_owned(),
            message: String::new(),
            observed_generation: None,
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        };
        platform.status.conditions = vec![
            condition("Reconciling", "Other"),
            condition("Ready", "AsSpecified"),
        ];
        let now = Timestamp::from_second(3_600).unwrap();
        let cells = cells(&Object::Platform(platform.into()), now).unwrap();
        assert_eq!(cells.len(), of(Resource::Platforms).len());
        assert_eq!(
            cells[..5],
            [
                json!("local"),
                json!("True"),
                json!("Baking"),
                json!("AsSpecified"),
                json!("60m")
            ]
        );
    }

    /// What stands in a column of a type, of an object whose `value` is this.
    fn cell(r#type: &str, value: &Value) -> Value {
        let column = PlatformColumn::new(CustomResourceColumnDefinition {
            type_: r#type.to_owned(),
            json_path: ".value".to_owned(),
            ..CustomResourceColumnDefinition::default()
        });
        column.cell(
            &json!({ "value": value }),
            Timestamp::from_second(60).unwrap(),
        )
    }

    #[test]
    fn a_value_stands_there_if_it_is_of_the_type_of_its_column() {
        for (r#type, value, shown) in [
            ("string", json!("a"), json!("a")),
            ("string", json!(7), json!("7")),
            ("integer", json!(7), json!(7)),
            ("integer", json!("7"), Value::Null),
            ("number", json!(0.5), json!(0.5)),
            ("boolean", json!(true), json!(true)),
            ("boolean", json!("true"), Value::Null),
            ("date", json!("1970-01-01T00:00:30Z"), json!("30s")),
            ("date", json!("yesterday"), json!("<invalid>")),
            ("date", json!(30), Value::Null),
            ("other", json!("a"), Value::Null),
        ] {
            assert_eq!(cell(r#type, &value), shown, "{value} as {type}");
        }
    }

    #[test]
    fn what_is_not_there_leaves_its_column_empty() {
        let platform = Object::Platform(with_history(Vec::new()).into());
        let cells = cells(&platform, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(cells[1], Value::Null);
    }

    #[test]
    fn events_look_as_they_do_on_a_cluster() {
        assert_eq!(
            shown(Resource::Events),
            ["Last Seen", "Type", "Reason", "Object", "Message"]
        );
        let now = Timestamp::from_second(11).unwrap();
        let cells = cells(&Object::Event(Box::new(event())), now).unwrap();
        assert_eq!(cells.len(), of(Resource::Events).len());
        assert_eq!(
            cells[..4],
            [
                json!("10s"),
                json!("Normal"),
                json!("Promoted"),
                json!("loanplatform/local")
            ]
        );
    }
}
