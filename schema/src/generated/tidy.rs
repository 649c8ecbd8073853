//! Makes what schemars writes into what people and editors want to read.

use serde_json::{Map, Value, json};

/// Tidies `schema` and everything below it:
///
/// - an enum is one list of values with their descriptions beside it, not a choice of constants;
/// - an optional field may be left out, so `null` is neither offered nor a default;
/// - descriptions are one paragraph, and formats and titles that say nothing are gone.
pub(super) fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(object) => {
            object.values_mut().for_each(tidy);
            flatten_optional(object);
            flatten_enum(object);
            drop_null(object);
            join_description(object);
            drop_noise(object);
        }
        _ => {}
    }
}

/// `anyOf: [X, null]` becomes X; what stands beside it (the field's description) wins.
fn flatten_optional(object: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = object.get("anyOf") else {
        return;
    };
    let is_null = |choice: &&Value| choice["type"] == "null";
    let mut present = choices.iter().filter(|choice| !is_null(choice));
    let (Some(Value::Object(only)), None) = (present.next(), present.next()) else {
        return;
    };
    let only = only.clone();
    object.remove("anyOf");
    for (key, value) in only {
        object.entry(key).or_insert(value);
    }
}

/// `oneOf` of described constants becomes `enum` with `enumDescriptions`, which editors show.
fn flatten_enum(object: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = object.get("oneOf") else {
        return;
    };
    let Some(values) = choices.iter().map(constant).collect::<Option<Vec<_>>>() else {
        return;
    };
    let descriptions: Vec<Value> = choices
        .iter()
        .map(|choice| choice["description"].clone())
        .collect();
    object.remove("oneOf");
    object.insert("type".into(), json!("string"));
    object.insert("enum".into(), json!(values));
    object.insert("enumDescriptions".into(), json!(descriptions));
}

fn constant(choice: &Value) -> Option<Value> {
    choice.get("const").cloned()
}

fn drop_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
}

fn join_description(object: &mut Map<String, Value>) {
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
}

/// `format: uint32` and the like repeat the range; titles repeat type names of this code.
fn drop_noise(object: &mut Map<String, Value>) {
    if object.get("format").is_some_and(Value::is_string) {
        object.remove("format");
    }
    if object.get("title").is_some_and(Value::is_string) {
        object.remove("title");
    }
}
