//! The OpenAPI document: what `kubectl explain` reads, and what `kubectl apply` checks files with.

use std::sync::LazyLock;

use schema::revision::digest_of;
use serde_json::{Value, json};

use super::crd;
use super::resource::{Names, Resource};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| of(Resource::Platforms.names(), crd::schema()));
static DIGEST: LazyLock<String> = LazyLock::new(|| digest_of(&*DOCUMENT));

/// Which documents there are. Clients keep them under their digests.
pub(super) fn index() -> Value {
    let names = Resource::Platforms.names();
    let path = format!("apis/{}", names.api_version());
    let url = format!("/openapi/v3/{path}?hash={}", *DIGEST);
    json!({ "paths": { path: { "serverRelativeURL": url } } })
}

/// The document of platforms.
pub(super) fn document() -> &'static Value {
    &DOCUMENT
}

fn of(names: Names, schema: Value) -> Value {
    let kind = json!({ "group": names.group, "version": names.version, "kind": names.kind });
    let one = schema_name(names, names.kind);
    let many = schema_name(names, &format!("{}List", names.kind));
    let base = format!("/apis/{}", names.api_version());
    let collection = format!("{base}/namespaces/{{namespace}}/{}", names.plural);
    json!({
        "openapi": "3.0.0",
        "info": { "title": "loanctl", "version": env!("CARGO_PKG_VERSION") },
        "paths": {
            format!("{base}/{}", names.plural): { "get": operation("list", &many, &kind) },
            collection.clone(): { "get": operation("list", &many, &kind) },
            format!("{collection}/{{name}}"): {
                "get": operation("get", &one, &kind),
                "patch": refused(&kind),
            },
        },
        "components": { "schemas": {
            many: list_schema(&one, names),
            one: object_schema(schema, &kind),
        } },
    })
}

fn schema_name(names: Names, kind: &str) -> String {
    let reversed: Vec<&str> = names.group.rsplit('.').collect();
    format!("{}.{}.{kind}", reversed.join("."), names.version)
}

fn operation(action: &str, schema: &str, kind: &Value) -> Value {
    let content = json!({ "schema": { "$ref": format!("#/components/schemas/{schema}") } });
    json!({
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": kind,
        "responses": { "200": { "description": "OK", "content": { "application/json": content } } },
    })
}

/// A change is always refused. It is described all the same: kubectl looks here whether the server checks the fields of
/// what is applied, and complains of the server where it finds nothing, before it would hear what to do instead.
fn refused(kind: &Value) -> Value {
    let parameter = |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string", "uniqueItems": true } });
    json!({
        "description": "Refused: platforms are changed by editing their spec files.",
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": kind,
        "parameters": [parameter("dryRun"), parameter("fieldValidation")],
        "responses": { "405": { "description": "Method Not Allowed" } },
    })
}

/// The schema of the custom resource definition, with what every object has.
fn object_schema(mut schema: Value, kind: &Value) -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    schema["properties"]["apiVersion"] = text("Version of the API that the object is written in.");
    schema["properties"]["kind"] = text("Kind of the object.");
    schema["properties"]["metadata"] = json!({
        "type": "object",
        "description": "What identifies the platform: its name, and labels to select it by.",
        "properties": {
            "name": text("Its name, which never changes."),
            "namespace": text("Its namespace."),
            "uid": text("Tells it from others of the same name that were there before."),
            "resourceVersion": text("Changes whenever anything of it does."),
            "generation": {
                "type": "integer", "format": "int64", "description": "Counts the edits of its spec file."
            },
            "creationTimestamp": {
                "type": "string", "format": "date-time", "description": "When it was first seen."
            },
            "labels": {
                "type": "object",
                "description": "Labels of its spec file.",
                "additionalProperties": { "type": "string" },
            },
            "annotations": {
                "type": "object",
                "description": "Annotations of its spec file.",
                "additionalProperties": { "type": "string" },
            },
        },
    });
    schema["x-kubernetes-group-version-kind"] = json!([kind]);
    schema
}

fn list_schema(item: &str, names: Names) -> Value {
    let kind = json!({
        "group": names.group, "version": names.version, "kind": format!("{}List", names.kind),
    });
    json!({
        "type": "object",
        "description": format!("A list of objects of the kind {}.", names.kind),
        "required": ["items"],
        "properties": {
            "apiVersion": { "type": "string" },
            "kind": { "type": "string" },
            "metadata": { "type": "object" },
            "items": {
                "type": "array",
                "items": { "$ref": format!("#/components/schemas/{item}") },
            },
        },
        "x-kubernetes-group-version-kind": [kind],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_find_the_schema_by_its_kind_and_the_document_by_the_index() {
        let document = document();
        let names = Resource::Platforms.names();
        let kind = json!({ "group": names.group, "version": names.version, "kind": names.kind });
        let schema = &document["components"]["schemas"]["dev.lending.v1alpha1.LoanPlatform"];
        assert_eq!(schema["x-kubernetes-group-version-kind"], json!([kind]));
        assert!(schema["properties"]["spec"]["properties"]["rollout"].is_object());
        let paths = document["paths"].as_object().unwrap();
        assert!(
            paths
                .values()
                .all(|path| path["get"]["x-kubernetes-group-version-kind"] == kind)
        );
        let index = index();
        let url = &index["paths"]["apis/lending.dev/v1alpha1"]["serverRelativeURL"];
        assert!(
            url.as_str()
                .unwrap()
                .starts_with("/openapi/v3/apis/lending.dev/v1alpha1?hash=")
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut rest = vec![document];
        let mut references = 0;
        while let Some(value) = rest.pop() {
            if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference}");
                references += 1;
            }
            rest.extend(
                value
                    .as_object()
                    .into_iter()
                    .flat_map(|object| object.values()),
            );
            rest.extend(value.as_array().into_iter().flatten());
        }
        assert!(references > 0);
    }
}
