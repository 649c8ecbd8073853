//! The scoring revision: everything that decides how applications are scored, and its digest.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::platform::{
    Cpu, Decision, Image, LoanPlatformSpec, Memory, ScoringClient, ScoringClients,
};

/// What decides how applications are scored. Counts and alarm thresholds are not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScoringRevision {
    /// The half that takes a deployment.
    pub image: ImageHalf,
    /// The half that takes effect in seconds.
    pub settings: SettingsHalf,
}

/// What a scoring task is started from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageHalf {
    /// `services.scoring.image`
    pub image: Image,
    /// `services.scoring.cpu`
    pub cpu: Cpu,
    /// `services.scoring.memory`
    pub memory: Memory,
}

/// What running scoring and loan-api tasks read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettingsHalf {
    /// `services.scoring.clients`
    pub clients: ScoringClients,
    /// `services.loanApi.clients.scoring`
    pub loan_api_client: ScoringClient,
    /// `decision`
    pub decision: Decision,
}

/// SHA-256 of a revision's canonical content, in hex.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
#[schemars(inline)]
pub struct RevisionDigest(pub String);

impl RevisionDigest {
    /// The first twelve characters: enough for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for RevisionDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ScoringRevision {
    /// The revision that `spec` asks for.
    #[must_use]
    pub fn of(spec: &LoanPlatformSpec) -> Self {
        let scoring = &spec.services.scoring;
        Self {
            image: ImageHalf {
                image: scoring.image.clone(),
                cpu: scoring.cpu,
                memory: scoring.memory,
            },
            settings: SettingsHalf {
                clients: scoring.clients.clone(),
                loan_api_client: spec.services.loan_api.clients.scoring,
                decision: spec.decision.clone(),
            },
        }
    }

    /// Its digest. Equal content has an equal digest, however it was written.
    #[must_use]
    pub fn digest(&self) -> RevisionDigest {
        RevisionDigest(digest_of(self))
    }

    /// The fields in which `self` and `newer` differ, by their path in the spec.
    #[must_use]
    pub fn changes_to(&self, newer: &Self) -> Vec<FieldChange> {
        changes_between(&self.by_spec_path(), &newer.by_spec_path())
    }

    /// Whether the field at `path` of a spec is part of its scoring revision.
    #[must_use]
    pub fn covers(path: &str) -> bool {
        ["image", "cpu", "memory"]
            .iter()
            .any(|field| path.strip_prefix("services.scoring.") == Some(field))
            || path.starts_with("services.scoring.clients.")
            || path.starts_with("services.loanApi.clients.scoring.")
            || path.starts_with("decision.")
    }

    fn by_spec_path(&self) -> BTreeMap<String, Value> {
        let mut leaves = BTreeMap::new();
        collect_leaves("services.scoring", &as_json(&self.image), &mut leaves);
        collect_leaves(
            "services.scoring.clients",
            &as_json(&self.settings.clients),
            &mut leaves,
        );
        collect_leaves(
            "services.loanApi.clients.scoring",
            &as_json(&self.settings.loan_api_client),
            &mut leaves,
        );
        collect_leaves("decision", &as_json(&self.settings.decision), &mut leaves);
        leaves
    }
}

impl LoanPlatformSpec {
    /// The fields in which `self` and `newer` differ, by their path in the spec.
    #[must_use]
    pub fn changes_to(&self, newer: &Self) -> Vec<FieldChange> {
        leaf_changes(self, newer)
    }
}

/// A field that differs between two revisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct FieldChange {
    /// Path in the spec: `services.scoring.clients.provider.retry.maxAttempts`.
    pub path: String,
    /// Value before; absent where the field is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Value after; absent where the field is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(
            f,
            "{}: {} → {}",
            self.path,
            shown(&self.from),
            shown(&self.to)
        )
    }
}

/// SHA-256, in hex, of the canonical JSON of `content`: object keys sorted, no spaces.
#[must_use]
pub fn digest_of(content: &impl Serialize) -> String {
    hex::encode(Sha256::digest(as_json(content).to_string()))
}

/// The fields in which `before` and `after` differ, by their path within them.
#[must_use]
pub fn leaf_changes(before: &impl Serialize, after: &impl Serialize) -> Vec<FieldChange> {
    let leaves = |value: &Value| {
        let mut leaves = BTreeMap::new();
        collect_leaves("", value, &mut leaves);
        leaves
    };
    let (before, after) = (as_json(before), as_json(after));
    if before == after {
        return Vec::new();
    }
    changes_between(&leaves(&before), &leaves(&after))
}

fn changes_between(
    before: &BTreeMap<String, Value>,
    after: &BTreeMap<String, Value>,
) -> Vec<FieldChange> {
    let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    let change = |path: &String| FieldChange {
        path: path.clone(),
        from: before.get(path).map(plain),
        to: after.get(path).map(plain),
    };
    paths
        .into_iter()
        .map(change)
        .filter(|change| change.from != change.to)
        .collect()
}

fn as_json(content: &impl Serialize) -> Value {
    // `Value` keeps object keys sorted, which makes its text canonical. The types digested here
    // have string keys only, so they always have a JSON form.
    serde_json::to_value(content).unwrap_or(Value::Null)
}

fn collect_leaves(path: &str, value: &Value, leaves: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                collect_leaves(&path, field, leaves);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect_leaves(&format!("{path}[{index}]"), item, leaves);
            }
        }
        // An absent field and an absent part are alike.
        Value::Null => {}
        leaf => {
            leaves.insert(path.to_owned(), leaf.clone());
        }
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
