//! Reads the checked JSON into the spec's types; around bad fields, so that the rules between the
//! good ones can speak in the same run.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use schema::LoanPlatform;
use schema::platform::{API_VERSION, KIND};
use serde_json::{Value, json};
use serde_path_to_error::Segment;

use crate::finding::Finding;
use crate::path::{FieldPath, Step};

/// Most values that the types refuse, one after the other, before the file is given up on.
const MAX_CUTS: usize = 16;

/// What could be read.
pub(crate) struct Read {
    /// The platform, its unusable fields at their defaults; for the rules, not for use.
    pub(crate) platform: Option<LoanPlatform>,
    /// Values that the schema takes and the types do not.
    pub(crate) findings: Vec<Finding>,
    /// Fields that nothing may be said about.
    pub(crate) unusable: BTreeSet<FieldPath>,
}

/// Reads `json` without its `unknown` fields, and with a stand-in for each `unusable` one that has to
/// be there.
pub(crate) fn read(
    mut json: Value,
    unknown: &BTreeSet<FieldPath>,
    mut unusable: BTreeSet<FieldPath>,
) -> Read {
    for path in unknown {
        cut(&mut json, path);
    }
    // Outer fields first: a stand-in for a section brings its inner fields along.
    for path in &unusable {
        replace(&mut json, path);
    }
    let mut findings = Vec::new();
    for _ in 0..MAX_CUTS {
        let error = match serde_path_to_error::deserialize::<_, LoanPlatform>(json.clone()) {
            Ok(platform) => {
                return Read {
                    platform: Some(platform),
                    findings,
                    unusable,
                };
            }
            Err(error) => error,
        };
        let path = path_of(error.path());
        if !unusable.iter().any(|field| path.contains(field)) {
            findings.push(refused(&json, &path, error.inner()));
        }
        let is_new = unusable.insert(path.clone());
        if !is_new || !replace(&mut json, &path) {
            break;
        }
    }
    Read {
        platform: None,
        findings,
        unusable,
    }
}

fn refused(json: &Value, path: &FieldPath, error: &serde_json::Error) -> Finding {
    let written = at(json, path);
    if written.is_some_and(Value::is_f64) {
        return Finding::error(path.clone(), "the number is written with a fraction")
            .allowed("a whole number");
    }
    Finding::error(path.clone(), format!("the value cannot be read: {error}"))
}

fn path_of(path: &serde_path_to_error::Path) -> FieldPath {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(Step::Item(*index)),
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// What stands in for required fields whose own value is missing or unusable. Rules that read them
/// stay silent, so the values do not matter.
static STAND_INS: LazyLock<Value> = LazyLock::new(|| {
    let image = json!({ "image": "stand-in" });
    json!({
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": { "name": "stand-in" },
        "spec": {
            "services": {
                "loanApi": image,
                "auth": image,
                "scoring": {
                    "image": "stand-in",
                    "clients": { "provider": { "url": "http://stand-in" } },
                },
                "scoreProvider": image,
            },
            "decision": {
                "bands": [{ "riskBand": "LOW", "minScore": 0, "interestRate": "0.00" }],
            },
            "alarms": [{
                "name": "stand-in",
                "threshold": 0,
                "metric": { "namespace": "stand-in", "name": "stand-in", "statistic": "Sum" },
                "scaleOut": {
                    "service": "loanApi", "step": 1, "maxCount": 1, "cooldown": "1m", "for": "1m",
                },
                "forceBreakerOpen": { "service": "scoring", "client": "provider", "for": "1m" },
            }],
        },
    })
});

/// The stand-in for the field at `path`, if it is a required one. Every item of a list has the same.
fn stand_in(path: &FieldPath) -> Option<&'static Value> {
    let steps = path.steps().iter();
    steps
        .into_iter()
        .try_fold(&*STAND_INS, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Item(_) => value.get(0),
        })
}

/// Puts the stand-in of `path` in its place, or takes out what stands there. Whether anything
/// changed.
fn replace(json: &mut Value, path: &FieldPath) -> bool {
    let Some(value) = stand_in(path) else {
        return cut(json, path);
    };
    match (parent_of(json, path), path.steps().last()) {
        (Some(Value::Object(object)), Some(Step::Key(key))) => {
            object.insert(key.clone(), value.clone());
            true
        }
        (Some(Value::Array(items)), Some(Step::Item(index))) => match items.get_mut(*index) {
            Some(item) => {
                *item = value.clone();
                true
            }
            None => false,
        },
        _ => false,
    }
}

/// Takes the field at `path` out of its mapping; whether there was one.
fn cut(json: &mut Value, path: &FieldPath) -> bool {
    match (parent_of(json, path), path.steps().last()) {
        (Some(Value::Object(object)), Some(Step::Key(key))) => object.remove(key).is_some(),
        _ => false,
    }
}

fn parent_of<'a>(json: &'a mut Value, path: &FieldPath) -> Option<&'a mut Value> {
    let parent = path.parent();
    parent
        .steps()
        .iter()
        .try_fold(json, |value, step| match step {
            Step::Key(key) => value.get_mut(key),
            Step::Item(index) => value.get_mut(index),
        })
}

fn at<'a>(json: &'a Value, path: &FieldPath) -> Option<&'a Value> {
    path.steps()
        .iter()
        .try_fold(json, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Item(index) => value.get(index),
        })
}
