//! Puts a schema error about one value into words: what was found and what is allowed.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use schema::units::{DURATION_RANGE_KEYWORD, PATTERN_HELP_KEYWORD};
use serde_json::Value;

use super::Problem;
use crate::finding::Finding;
use crate::path::shortened;
use crate::suggest::nearest;

/// The finding for a value that breaks its schema.
pub(super) fn of_value(problem: &Problem<'_>) -> Finding {
    use ValidationErrorKind as Kind;
    let schema = problem.schema;
    let range = |min: &str, max: &str| format!("{} to {}", text(&schema[min]), text(&schema[max]));
    match problem.kind {
        Kind::Type { kind } => wrong_type(problem, kind),
        Kind::Enum { options } => not_one_of(problem, options),
        Kind::Constant { expected_value } => {
            plain(problem, "must be", &format!("`{}`", text(expected_value)))
        }
        Kind::Minimum { .. } | Kind::Maximum { .. } => {
            plain(problem, "is outside", &range("minimum", "maximum"))
        }
        Kind::Custom { keyword, .. } if keyword == DURATION_RANGE_KEYWORD => {
            let ends = &schema[DURATION_RANGE_KEYWORD];
            let range = format!("{} to {}", text(&ends["min"]), text(&ends["max"]));
            plain(problem, "is outside", &range)
        }
        Kind::Pattern { pattern } => malformed(problem, pattern),
        Kind::MaxLength { limit } => plain(
            problem,
            "is too long:",
            &format!("at most {}", counted(*limit, "character")),
        ),
        Kind::MinLength { limit } => plain(
            problem,
            "is too short:",
            &format!("at least {}", counted(*limit, "character")),
        ),
        Kind::MaxItems { limit } => plain(
            problem,
            "is too long:",
            &format!("at most {}", counted(*limit, "item")),
        ),
        Kind::MinItems { limit } => plain(
            problem,
            "is too short:",
            &format!("at least {}", counted(*limit, "item")),
        ),
        other => plain(problem, "is refused by", other.keyword()),
    }
}

/// `FOUND WORDS ALLOWED`, as in "11 is outside 1 to 10".
fn plain(problem: &Problem<'_>, words: &str, allowed: &str) -> Finding {
    let found = quoted(problem.instance);
    let message = format!("{found} {words} {allowed}");
    Finding::error(problem.path.clone(), message).allowed(allowed)
}

fn not_one_of(problem: &Problem<'_>, options: &Value) -> Finding {
    let options: Vec<String> = options.as_array().into_iter().flatten().map(text).collect();
    let finding = plain(problem, "is not one of", &options.join(", "));
    let written = problem.instance.as_str().unwrap_or_default();
    match nearest(written, options.iter().map(String::as_str)) {
        Some(option) => finding.help(format!("did you mean `{option}`?")),
        None => finding,
    }
}

fn malformed(problem: &Problem<'_>, pattern: &str) -> Finding {
    let found = quoted(problem.instance);
    match problem.schema[PATTERN_HELP_KEYWORD].as_str() {
        Some(words) => Finding::error(
            problem.path.clone(),
            format!("{found} is malformed: {words}"),
        )
        .allowed(words.trim_start_matches("write ")),
        None => plain(problem, "does not match", pattern),
    }
}

fn wrong_type(problem: &Problem<'_>, kind: &TypeKind) -> Finding {
    let wanted = match kind {
        TypeKind::Single(_) if !problem.schema[DURATION_RANGE_KEYWORD].is_null() => {
            "a duration with its unit".to_owned()
        }
        TypeKind::Single(_) if is_not_finite(problem.instance) => "a finite number".to_owned(),
        TypeKind::Single(kind) => type_in_words(&kind.to_string()).to_owned(),
        TypeKind::Multiple(_) => text(&problem.schema["type"]),
    };
    let found = described(problem.instance);
    let finding = Finding::error(
        problem.path.clone(),
        format!("{found} stands here, and it must be {wanted}"),
    )
    .found(&found)
    .allowed(&wanted);
    match (
        problem.instance,
        problem.schema[PATTERN_HELP_KEYWORD].as_str(),
    ) {
        (Value::Null, _) => finding.help("give it a value, or take the line out"),
        (Value::Number(_), Some(words)) => finding.help(words),
        (Value::String(written), _) if written.parse::<f64>().is_ok_and(f64::is_finite) => {
            finding.help("write the number without quotes or leading zeros")
        }
        _ => finding,
    }
}

/// Whether `value` is what became of an infinity or a not-a-number of YAML.
fn is_not_finite(value: &Value) -> bool {
    let text = value
        .as_str()
        .unwrap_or_default()
        .trim_start_matches(['+', '-']);
    text.eq_ignore_ascii_case(".inf") || text.eq_ignore_ascii_case(".nan")
}

/// `1 item`, `2 items`.
fn counted(count: u64, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

fn type_in_words(name: &str) -> &str {
    match name {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "object" => "a mapping",
        "array" => "a list",
        "boolean" => "true or false",
        other => other,
    }
}

/// A value with its type: "the text `x`".
fn described(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => format!("the text {}", quoted(value)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}

/// A value by itself, text in quotes.
fn quoted(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{}`", shortened(text)),
        Value::Array(_) => "the list".to_owned(),
        Value::Object(_) => "the mapping".to_owned(),
        other => other.to_string(),
    }
}

/// A value of the schema as people read it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
