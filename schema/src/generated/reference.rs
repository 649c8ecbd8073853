//! The spec's reference for people, made from its JSON Schema: every field with what it may hold.

use serde_json::Value;

/// What stands above the fields.
const HEAD: &str = "\
# Every field of a spec

Made from the types by `loanctl schema --write`; an editor with a YAML language server shows the same through the first
line of a spec file. Required fields are marked; every other one may be left out, and then has the value given. An unknown
field is refused.

Durations are whole numbers with a unit, as in `250ms`, `10s`, `5m` or `24h`.
";

/// The reference of the spec that `schema` describes, in Markdown.
pub(super) fn page(schema: &Value) -> String {
    let mut page = HEAD.to_owned();
    for part in ["metadata", "spec"] {
        section(&mut page, part, &schema["properties"][part]);
    }
    page
}

/// A section for an object, and one for each object in it.
fn section(page: &mut String, path: &str, object: &Value) {
    let Some(fields) = object["properties"].as_object() else {
        return;
    };
    page.push_str(&format!("\n## `{path}`\n\n{}\n", paragraph(object)));
    page.push_str(
        "\n| field | holds | when left out | what it means |\n| --- | --- | --- | --- |\n",
    );
    let required: Vec<&str> = object["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (name, field) in fields {
        page.push_str(&format!(
            "| `{name}` | {} | {} | {} |\n",
            cell(&holds(field)),
            cell(&left_out(field, required.contains(&name.as_str()))),
            cell(&meaning(field))
        ));
    }
    for (name, field) in fields {
        section(page, &format!("{path}.{name}"), field);
        section(page, &format!("{path}.{name}[]"), &field["items"]);
    }
}

fn paragraph(object: &Value) -> String {
    object["description"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// What a field may hold.
fn holds(field: &Value) -> String {
    if let Some(values) = field["enum"].as_array() {
        let values = values.iter().map(|value| format!("`{}`", plain(value)));
        return values.collect::<Vec<_>>().join(", ");
    }
    if let Some(range) = field["x-duration-range"].as_object() {
        let bound = |name| range.get(name).map(plain).unwrap_or_default();
        return format!("duration, {} to {}", bound("min"), bound("max"));
    }
    let kind = match &field["type"] {
        Value::Array(kinds) => kinds.iter().map(plain).collect::<Vec<_>>().join(" or "),
        kind => plain(kind),
    };
    match kind.as_str() {
        "array" => format!(
            "list of {}{}",
            plural(&field["items"]),
            at_most(&field["maxItems"])
        ),
        "object" if field["properties"].is_object() => "object, below".to_owned(),
        "object" => "text by name".to_owned(),
        "boolean" => "`true`, `false`".to_owned(),
        "string" => format!("text{}", at_most_characters(field)),
        "integer" => format!("whole number{}", range(field)),
        _ => format!("{kind}{}", range(field)),
    }
}

fn plural(items: &Value) -> String {
    match items["type"].as_str() {
        Some("object") => "objects, below".to_owned(),
        Some("integer") => "whole numbers".to_owned(),
        _ if items["enum"].is_array() => holds(items),
        _ => "texts".to_owned(),
    }
}

fn at_most(limit: &Value) -> String {
    if limit.is_null() {
        String::new()
    } else {
        format!(", {} at most", plain(limit))
    }
}

fn at_most_characters(field: &Value) -> String {
    match (&field["patternErrorMessage"], &field["maxLength"]) {
        (Value::String(rule), _) => format!(": {rule}"),
        (_, Value::Null) => String::new(),
        (_, limit) => format!(", {} characters at most", plain(limit)),
    }
}

fn range(field: &Value) -> String {
    let bound = |name: &str| (!field[name].is_null()).then(|| plain(&field[name]));
    match (bound("minimum"), bound("maximum")) {
        (Some(min), Some(max)) => format!(", {min} to {max}"),
        (Some(min), None) => format!(", {min} at least"),
        (None, Some(max)) => format!(", {max} at most"),
        (None, None) => String::new(),
    }
}

fn left_out(field: &Value, is_required: bool) -> String {
    if is_required {
        return "**required**".to_owned();
    }
    match &field["default"] {
        Value::Null => "—".to_owned(),
        Value::Object(_) => "as its fields say".to_owned(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        value => format!("`{}`", plain(value)),
    }
}

/// The description, and what each of the values means.
fn meaning(field: &Value) -> String {
    let mut text = paragraph(field);
    let values = field["enum"].as_array().into_iter().flatten();
    let descriptions = field["enumDescriptions"].as_array().into_iter().flatten();
    for (value, description) in values.zip(descriptions) {
        if let Some(description) = description.as_str() {
            text.push_str(&format!(" `{}`: {description}", plain(value)));
        }
    }
    text
}

/// Text that stands in one cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::spec_schema;

    #[test]
    fn every_field_stands_in_the_reference_with_what_it_may_hold() {
        let page = page(&spec_schema());
        for line in [
            "## `spec.services.scoring.clients.provider.retry`",
            "## `spec.alarms[]`",
            "| `image` | text: ",
            "| `mode` | `Enforce`, `Observe`, `Suspend` | `Enforce` |",
            "| `bakeTime` | duration, ",
            "| `services` | object, below | **required** |",
        ] {
            assert!(page.contains(line), "{line} is not in\n{page}");
        }
    }
}
