//! Checks a document against the JSON Schema of a spec file: names, types, ranges and patterns.

mod duration_range;
mod wording;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::LocationSegment;
use jsonschema::{ValidationError, Validator};
use schema::generated::spec_schema;
use schema::units::DURATION_RANGE_KEYWORD;
use serde_json::Value;

use crate::finding::Finding;
use crate::path::{FieldPath, Step, shortened};
use crate::suggest::nearest;
use crate::tree::Node;

/// What the shape check says.
pub(crate) struct Shape {
    /// Every problem, in no particular order.
    pub(crate) findings: Vec<Finding>,
    /// Fields whose value cannot be used: what hangs on them cannot be judged.
    pub(crate) unusable: BTreeSet<FieldPath>,
    /// Keys that no field has.
    pub(crate) unknown: BTreeSet<FieldPath>,
}

/// The schema, and the validator built from it once; a schema that does not compile is a mistake in
/// the types and is reported as such.
static SCHEMA: LazyLock<(Value, Result<Validator, String>)> = LazyLock::new(|| {
    let schema = spec_schema();
    let validator = jsonschema::options()
        .with_keyword(DURATION_RANGE_KEYWORD, duration_range::keyword)
        .build(&schema)
        .map_err(|error| error.to_string());
    (schema, validator)
});

/// Checks `document`, whose plain form is `json`.
pub(crate) fn check(document: &Node, json: &Value) -> Shape {
    let (schema, validator) = &*SCHEMA;
    let mut shape = Shape {
        findings: Vec::new(),
        unusable: BTreeSet::new(),
        unknown: BTreeSet::new(),
    };
    match validator {
        Ok(validator) => {
            let mut errors: Vec<_> = validator.iter_errors(json).collect();
            // Unknown keys first: a misspelt field is not also a missing one.
            errors.sort_by_key(|error| error.kind().keyword() != "additionalProperties");
            for error in errors {
                shape.take(&Problem::new(schema, &error), document);
            }
        }
        Err(reason) => shape.findings.push(Finding::error(
            FieldPath::default(),
            format!("the schema of this program is broken: {reason}"),
        )),
    }
    shape
}

/// One error of the validator, with what is needed to put it into words.
struct Problem<'a> {
    path: FieldPath,
    kind: &'a ValidationErrorKind,
    instance: &'a Value,
    /// The schema that the value at `path` breaks.
    schema: &'a Value,
}

impl<'a> Problem<'a> {
    fn new(root: &'a Value, error: &'a ValidationError<'_>) -> Self {
        let keyword_path = error.schema_path().as_str();
        let (schema_path, _) = keyword_path.rsplit_once('/').unwrap_or_default();
        Self {
            path: path_of(error),
            kind: error.kind(),
            instance: error.instance(),
            schema: root.pointer(schema_path).unwrap_or(&Value::Null),
        }
    }

    fn known_fields(&self) -> Vec<&'a str> {
        let properties = self.schema["properties"].as_object();
        properties
            .into_iter()
            .flat_map(|fields| fields.keys().map(String::as_str))
            .collect()
    }
}

impl Shape {
    fn take(&mut self, problem: &Problem<'_>, document: &Node) {
        match problem.kind {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let known = problem.known_fields();
                let is_absent = |field: &&str| document.get(&problem.path.key(*field)).is_none();
                let absent: Vec<&str> = known.iter().copied().filter(is_absent).collect();
                for key in unexpected {
                    self.unknown_key(&problem.path, key, &known, &absent);
                }
            }
            ValidationErrorKind::Required { property } => {
                self.missing(problem, property.as_str().unwrap_or_default());
            }
            _ => self.bad_value(problem),
        }
    }

    /// A field that is still `absent` is a better guess than one that is there.
    fn unknown_key(&mut self, around: &FieldPath, key: &str, known: &[&str], absent: &[&str]) {
        let path = around.key(key);
        let written = shortened(key);
        let fields = known.join(", ");
        let finding = Finding::error(path.clone(), format!("`{written}` is not a field here"))
            .at_key()
            .found(&written)
            .allowed(&fields);
        let guess =
            nearest(key, absent.iter().copied()).or_else(|| nearest(key, known.iter().copied()));
        self.findings.push(match guess {
            Some(field) => {
                self.unusable.insert(around.key(field));
                finding.help(format!("did you mean `{field}`?"))
            }
            None => finding.help(format!("fields here: {fields}")),
        });
        self.unknown.insert(path);
    }

    fn missing(&mut self, problem: &Problem<'_>, field: &str) {
        let path = problem.path.key(field);
        // A misspelt key was taken for this field already.
        if !self.unusable.insert(path.clone()) {
            return;
        }
        let finding = Finding::error(path, format!("`{field}` is missing"));
        let description = problem.schema["properties"][field]["description"].as_str();
        self.findings.push(match description {
            Some(description) => finding.help(description.trim_end_matches('.')),
            None => finding,
        });
    }

    /// One problem per value: a text that is both too long and malformed is one mistake.
    fn bad_value(&mut self, problem: &Problem<'_>) {
        if self.unusable.insert(problem.path.clone()) {
            self.findings.push(wording::of_value(problem));
        }
    }
}

fn path_of(error: &ValidationError<'_>) -> FieldPath {
    error
        .instance_path()
        .into_iter()
        .map(|segment| match segment {
            LocationSegment::Property(key) => Step::Key(key.into_owned()),
            LocationSegment::Index(index) => Step::Item(index),
        })
        .collect()
}
