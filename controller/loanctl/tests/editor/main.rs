//! A spec file in an editor: what the YAML language server makes of the `$schema` line.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod server;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use server::LanguageServer;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A folder with a spec as the project lays them out: the schema beside it, where the first line of the spec points.
struct Checkout(tempfile::TempDir);

impl Checkout {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for part in ["specs", "schema"] {
            fs::create_dir(folder.path().join(part)).unwrap();
        }
        let schema = "schema/loanplatform.schema.json";
        fs::copy(Path::new(ROOT).join(schema), folder.path().join(schema)).unwrap();
        Self(folder)
    }

    fn spec(&self) -> PathBuf {
        self.0.path().join("specs/local.yaml")
    }
}

/// The spec of the project's own laptop.
fn good() -> String {
    fs::read_to_string(Path::new(ROOT).join("specs/local.yaml")).unwrap()
}

/// Where `text` first stands: its line and column, from 0.
fn place(spec: &str, text: &str) -> (usize, usize) {
    let lines = spec.lines().enumerate();
    let mut found = lines.filter_map(|(line, content)| Some((line, content.find(text)?)));
    found
        .next()
        .unwrap_or_else(|| panic!("no {text} in\n{spec}"))
}

fn messages(diagnostics: &[Value]) -> Vec<String> {
    let message = |it: &Value| it["message"].as_str().unwrap().to_owned();
    diagnostics.iter().map(message).collect()
}

#[test]
fn a_good_spec_has_nothing_underlined() {
    let checkout = Checkout::new();
    let mut editor = LanguageServer::start();
    let diagnostics = editor.open(&checkout.spec(), &good());
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
}

#[test]
fn a_bad_spec_has_each_mistake_underlined_where_it_stands() {
    let checkout = Checkout::new();
    let spec = good()
        .replace("mode: Enforce ", "mode: Enforced ")
        .replace("bakeTime: 70s", "bakeTime: seventy")
        .replace("      memory: 1024", "      memroy: 1024");
    let mut editor = LanguageServer::start();
    let diagnostics = editor.open(&checkout.spec(), &spec);

    let said = messages(&diagnostics).join("\n");
    let lines: Vec<u64> = diagnostics
        .iter()
        .map(|it| it["range"]["start"]["line"].as_u64().unwrap())
        .collect();
    for (mistake, part) in [
        ("mode: Enforced", "Enforce"),
        (
            "bakeTime: seventy",
            "write a whole number and one of ms, s, m, h",
        ),
        ("memroy", "memroy"),
    ] {
        let line = place(&spec, mistake).0 as u64;
        assert!(lines.contains(&line), "{mistake}: {diagnostics:#?}");
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn fields_and_values_are_completed() {
    let checkout = Checkout::new();
    let approve = good()
        .lines()
        .find(|it| it.contains("approve:"))
        .unwrap()
        .to_owned();
    let spec = good().replace(&approve, "    ");
    let mut editor = LanguageServer::start();
    editor.open(&checkout.spec(), &spec);

    let line = place(&good(), "approve:").0;
    let fields = editor.complete(&checkout.spec(), (line, 4));
    assert!(fields.contains(&"approve".to_owned()), "{fields:?}");
    assert!(
        !fields.contains(&"bakeTime".to_owned()),
        "it stands there already: {fields:?}"
    );

    let (line, column) = place(&spec, "mode: Enforce");
    let values = editor.complete(&checkout.spec(), (line, column + "mode: ".len()));
    for value in ["Enforce", "Observe", "Suspend"] {
        assert!(values.contains(&value.to_owned()), "{values:?}");
    }
}

#[test]
fn a_field_is_explained_where_the_pointer_rests() {
    let checkout = Checkout::new();
    let spec = good();
    let mut editor = LanguageServer::start();
    editor.open(&checkout.spec(), &spec);
    let (line, column) = place(&spec, "minSamples: 50");
    let text = editor.hover(&checkout.spec(), (line, column + 2));
    assert!(text.contains("Scoring calls"), "{text}");
}
