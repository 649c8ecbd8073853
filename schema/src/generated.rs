//! What is generated from these types: the JSON Schemas that editors and the controller check files
//! with, and the CRD that Kubernetes clients know the kind by.
//!
//! Every document is a pure function of the types; the committed files are compared with them.

mod crd;
mod reference;
mod tidy;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

pub use crd::{crd, crd_yaml};

use crate::infrastructure::Infrastructure;
use crate::names::{PlatformName, ServiceName};
use crate::platform::{API_VERSION, KIND, LoanPlatformSpec};
use crate::settings::{
    AuthSettings, LoanApiSettings, ScoreProviderSettings, ScoringSettings, SettingsDocument,
};

/// Dialect of both JSON Schemas.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A document that could not be generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The CRD could not be turned into plain data.
    #[error("the CRD could not be serialised")]
    Crd(#[from] serde_json::Error),
    /// The CRD could not be written as YAML.
    #[error("the CRD could not be written as YAML")]
    Yaml(#[from] serde_saphyr::ser::Error),
}

/// A generated file: where it is committed, and what stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedFile {
    /// Path from the root of the repository.
    pub path: &'static str,
    /// The whole content, with a newline at the end.
    pub content: String,
}

/// Every generated file.
///
/// # Errors
/// When one cannot be serialised, which would be a mistake in the types.
pub fn files() -> Result<Vec<GeneratedFile>, GenerateError> {
    Ok(vec![
        GeneratedFile {
            path: "schema/loanplatform.schema.json",
            content: pretty(&spec_schema())?,
        },
        GeneratedFile {
            path: "schema/settings.schema.json",
            content: pretty(&settings_schema())?,
        },
        GeneratedFile {
            path: "schema/infrastructure.schema.json",
            content: pretty(&infrastructure_schema())?,
        },
        GeneratedFile {
            path: "schema/loanplatform.crd.yaml",
            content: crd_yaml()?,
        },
        GeneratedFile {
            path: "docs/spec.md",
            content: reference::page(&spec_schema()),
        },
    ])
}

/// The JSON Schema of what the bootstrap tells the controller.
#[must_use]
pub fn infrastructure_schema() -> Value {
    let mut schema = schema_of::<Infrastructure>();
    if let Some(fields) = schema.as_object_mut() {
        fields.insert("$schema".to_owned(), json!(DIALECT));
    }
    schema
}

/// The JSON Schema of a spec file.
#[must_use]
pub fn spec_schema() -> Value {
    let text_map = |description: &str| {
        json!({
            "type": "object",
            "description": description,
            "additionalProperties": { "type": "string" },
        })
    };
    let mut metadata_name = schema_of::<PlatformName>();
    describe(
        &mut metadata_name,
        "The platform's name: a lower-case letter, then lower-case letters, digits and dashes, 40 \
         characters at most. It names the platform in every store and never changes.",
    );
    let mut schema = json!({
        "$schema": DIALECT,
        "title": KIND,
        "description": "One environment's loan platform: services, credit policy, alarms and rollout.",
        "type": "object",
        "additionalProperties": false,
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {
                "const": API_VERSION,
                "description": "Version of the API that the file is written for.",
            },
            "kind": { "const": KIND, "description": "Kind of object that the file describes." },
            "metadata": {
                "type": "object",
                "description": "What identifies the platform.",
                "additionalProperties": false,
                "required": ["name"],
                "properties": {
                    "name": metadata_name,
                    "namespace": {
                        "type": "string",
                        "description": "Kubernetes namespace under which clients find it.",
                        "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
                        "default": "default",
                    },
                    "labels": text_map("Labels, for selecting platforms."),
                    "annotations": text_map("Notes for people and tools; the controller ignores them."),
                },
            },
            "spec": schema_of::<LoanPlatformSpec>(),
        },
    });
    schema.sort_all_objects();
    schema
}

/// The JSON Schema of the settings documents that services read: one per service, told apart by
/// `service`.
#[must_use]
pub fn settings_schema() -> Value {
    let mut schema = json!({
        "$schema": DIALECT,
        "title": "ServiceSettings",
        "description": "A service's settings, as they lie in settings/PLATFORM/SERVICE.json.",
        "oneOf": [
            document_of::<LoanApiSettings>(ServiceName::LoanApi),
            document_of::<AuthSettings>(ServiceName::Auth),
            document_of::<ScoringSettings>(ServiceName::Scoring),
            document_of::<ScoreProviderSettings>(ServiceName::ScoreProvider),
        ],
    });
    schema.sort_all_objects();
    schema
}

/// The schema of `service`'s settings document.
fn document_of<S: JsonSchema>(service: ServiceName) -> Value {
    let mut schema = schema_of::<SettingsDocument<S>>();
    schema["title"] = json!(service.kebab());
    schema["properties"]["service"] = json!({
        "const": service.spec_key(),
        "description": "The service.",
    });
    schema
}

/// The schema of one type, without references, tidied for editors.
fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = SchemaGenerator::new(settings)
        .into_root_schema_for::<T>()
        .to_value();
    tidy::tidy(&mut schema);
    schema
}

fn describe(schema: &mut Value, description: &str) {
    schema["description"] = json!(description);
}

fn pretty(schema: &Value) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(schema).map(|text| text + "\n")
}
