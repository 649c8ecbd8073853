//! The committed files are what the types say, and what their readers can take.

use std::path::Path;

use schema::generated::{crd_yaml, files, settings_schema, spec_schema};
use serde_json::Value;

#[test]
fn the_committed_files_are_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for file in files().unwrap() {
        let committed = std::fs::read_to_string(root.join(file.path)).unwrap_or_default();
        assert!(
            committed == file.content,
            "{} is stale: refresh it with `cargo run -p loanctl -- schema --write`",
            file.path
        );
    }
}

#[test]
fn generating_twice_gives_the_same_bytes() {
    assert_eq!(files().unwrap(), files().unwrap());
}

#[test]
fn every_field_of_a_spec_is_described() {
    let mut bare = Vec::new();
    walk(&spec_schema(), "", &mut |path, schema| {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if !property["description"].is_string() {
                bare.push(format!("{path}/{name}"));
            }
        }
    });
    assert_eq!(bare, Vec::<String>::new());
}

#[test]
fn no_object_of_a_spec_takes_unknown_fields() {
    let mut open = Vec::new();
    walk(&spec_schema(), "", &mut |path, schema| {
        if schema["properties"].is_object() && schema["additionalProperties"] != false {
            open.push(path.to_owned());
        }
    });
    assert_eq!(open, Vec::<String>::new());
}

#[test]
fn neither_schema_has_references_or_a_choice_of_constants() {
    for schema in [spec_schema(), settings_schema()] {
        walk(&schema, "", &mut |path, schema| {
            for keyword in ["$ref", "$defs", "anyOf"] {
                assert!(schema[keyword].is_null(), "{path} has {keyword}");
            }
        });
    }
}

#[test]
fn a_field_with_a_default_shows_it() {
    let schema = spec_schema();
    let retry = &schema["properties"]["spec"]["properties"]["services"]["properties"]["scoring"]["properties"]
        ["clients"]["properties"]["provider"]["properties"]["retry"];
    assert_eq!(retry["properties"]["maxAttempts"]["default"], 2);
    assert_eq!(retry["properties"]["initialBackoff"]["default"], "25ms");
}

#[test]
fn the_crd_has_no_keyword_that_a_structural_schema_may_not_have() {
    let crd: Value = serde_saphyr::from_str(&crd_yaml().unwrap()).unwrap();
    let version = &crd["spec"]["versions"][0];
    assert_eq!(version["subresources"]["status"], serde_json::json!({}));
    walk(
        &version["schema"]["openAPIV3Schema"],
        "",
        &mut |path, schema| {
            for keyword in ["$ref", "oneOf", "anyOf", "const", "x-duration-range"] {
                assert!(schema[keyword].is_null(), "{path} has {keyword}");
            }
            assert_ne!(schema["additionalProperties"], false, "{path}");
            assert_ne!(schema["uniqueItems"], true, "{path}");
            let typed =
                schema["type"].is_string() || !schema["x-kubernetes-int-or-string"].is_null();
            assert!(typed, "{path} has no type");
        },
    );
}

/// Calls `visit` with every schema under `schema`, itself included.
fn walk(schema: &Value, path: &str, visit: &mut dyn FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(property, &format!("{path}/{name}"), visit);
    }
    for keyword in ["items", "additionalProperties"] {
        if schema[keyword].is_object() {
            walk(&schema[keyword], &format!("{path}/{keyword}"), visit);
        }
    }
    for choice in schema["oneOf"].as_array().into_iter().flatten() {
        walk(choice, &format!("{path}/oneOf"), visit);
    }
}
