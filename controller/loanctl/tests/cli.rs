//! The command line as a user types it: what it prints, and the codes it ends with.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use serde_json::Value;
use snapbox::cmd::{Command, OutputAssert, cargo_bin};

const GOOD: &str = include_str!("e2e/platform.yaml");

/// A folder for spec files, in which `loanctl` is run.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn loanctl(&self, arguments: &[&str]) -> OutputAssert {
        Command::new(cargo_bin!("loanctl"))
            .args(arguments)
            .current_dir(self.path())
            .env_remove("LOAN_STORE")
            .assert()
    }
}

fn bad() -> String {
    GOOD.replace("maxAttempts: 2", "maxAttempts: many")
        .replace("threshold: 20", "treshold: 20")
}

fn stdout(output: &OutputAssert) -> String {
    String::from_utf8(output.get_output().stdout.clone()).unwrap()
}

fn json(output: &OutputAssert) -> Value {
    serde_json::from_slice(&output.get_output().stdout).unwrap()
}

#[test]
fn a_valid_spec_is_said_to_be_valid() {
    let folder = Folder::with(&[("good.yaml", GOOD)]);
    let output = folder.loanctl(&["validate", "good.yaml"]);
    output.code(0).stdout_eq("good.yaml: valid\n").stderr_eq("");
}

#[test]
fn every_problem_is_shown_with_its_place_and_its_line() {
    let folder = Folder::with(&[("bad.yaml", &bad())]);
    let output = folder.loanctl(&["validate", "bad.yaml"]).code(1);
    output.stdout_eq(
        "\
error: the text `many` stands here, and it must be a whole number
  --> bad.yaml:27:26
   |
27 |             maxAttempts: many
   |                          ^^^^ spec.services.scoring.clients.provider.retry.maxAttempts

error: `treshold` is not a field here
  --> bad.yaml:57:7
   |
57 |       treshold: 20
   |       ^^^^^^^^ spec.alarms[0].treshold
   |
   = note: allowed: [..]
   = help: did you mean `threshold`?
bad.yaml: 2 errors
",
    );
}

#[test]
fn machines_get_every_problem_as_json() {
    let folder = Folder::with(&[("bad.yaml", &bad()), ("good.yaml", GOOD)]);

    let refused = folder
        .loanctl(&["validate", "bad.yaml", "-o", "json"])
        .code(1);
    let report = json(&refused);
    assert_eq!(report["valid"], false, "{report:#}");
    assert_eq!(report["files"][0], "bad.yaml", "{report:#}");
    assert_eq!(
        report["diagnostics"].as_array().map(Vec::len),
        Some(2),
        "{report:#}"
    );
    let first = &report["diagnostics"][0];
    for (key, value) in [
        ("severity", Value::from("error")),
        ("file", Value::from("bad.yaml")),
        ("line", Value::from(27)),
        ("column", Value::from(26)),
        ("found", Value::from("many")),
        ("allowed", Value::from("a whole number")),
    ] {
        assert_eq!(first[key], value, "{key} of {first:#}");
    }

    let taken = folder
        .loanctl(&["validate", "good.yaml", "-o", "json"])
        .code(0);
    let report = json(&taken);
    assert_eq!(report["valid"], true, "{report:#}");
    assert_eq!(report["diagnostics"], serde_json::json!([]), "{report:#}");
}

#[test]
fn two_files_of_one_name_are_an_error_in_each() {
    let folder = Folder::with(&[("a.yaml", GOOD), ("b.yaml", GOOD)]);

    let output = folder.loanctl(&["validate", "."]).code(1);

    let said = stdout(&output);
    for (file, other) in [("a.yaml", "b.yaml"), ("b.yaml", "a.yaml")] {
        assert!(said.contains(&format!("{file}:6:9")), "{said}");
        let claim = format!("platform `local` is described by ./{other} too");
        assert!(said.contains(&claim), "`{claim}` is not in:\n{said}");
    }
}

#[test]
fn unusable_arguments_end_with_2() {
    let folder = Folder::with(&[]);
    for (arguments, why) in [
        (&["validate", "absent.yaml"][..], "absent.yaml"),
        (&["validate", "."], "no .yaml files"),
        (&["validate"], "PATH"),
        (&["validate", "--bogus", "."], "--bogus"),
        (&["status"], "loanctl up"),
        (&["status", "--store", "file:///not/there"], "/not/there"),
        (
            &["history", "local", "--store", "file:///not/there"],
            "/not/there",
        ),
        (
            &["status", "--store", "ftp://bucket"],
            "file:///path/to/state",
        ),
        (
            &["schema", "absent.json"],
            "schema/loanplatform.schema.json",
        ),
        (&["explode"], "explode"),
    ] {
        let output = folder.loanctl(arguments);
        let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
        assert_eq!(
            output.get_output().status.code(),
            Some(2),
            "{arguments:?}: {said}"
        );
        assert!(
            said.contains(why),
            "{arguments:?} does not say `{why}`: {said}"
        );
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
}

#[test]
fn an_unknown_platform_is_a_failure_that_names_what_is_known() {
    let folder = Folder::with(&[]);
    let store = format!("file://{}", folder.path().display());
    for command in ["status", "history"] {
        let output = folder.loanctl(&[command, "nobody", "--store", &store]);
        output
            .code(1)
            .stdout_eq("")
            .stderr_eq("loanctl: no platform nobody; known: none\n");
    }
}

#[test]
fn a_store_without_platforms_is_no_error() {
    let folder = Folder::with(&[]);
    let store = format!("file://{}", folder.path().display());
    folder
        .loanctl(&["status", "--store", &store])
        .code(0)
        .stdout_eq("No platforms yet: put a spec file into the specs directory.\n");
    let listed = folder
        .loanctl(&["status", "--store", &store, "-o", "json"])
        .code(0);
    assert_eq!(json(&listed)["kind"], "LoanPlatformList");
    assert_eq!(json(&listed)["items"], serde_json::json!([]));
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "reading wrote something"
    );
}

#[test]
fn schemas_are_printed_as_json_and_the_crd_as_yaml() {
    let folder = Folder::with(&[]);

    let of_spec = json(&folder.loanctl(&["schema"]).code(0));
    assert!(of_spec["properties"]["spec"].is_object(), "{of_spec:#}");
    let of_settings = json(&folder.loanctl(&["schema", "settings.schema.json"]).code(0));
    assert!(of_settings["$schema"].is_string(), "{of_settings:#}");
    let crd = stdout(&folder.loanctl(&["schema", "loanplatform.crd.yaml"]).code(0));
    assert!(crd.contains("kind: CustomResourceDefinition"), "{crd}");
}

#[test]
fn a_reader_that_hangs_up_is_no_failure() {
    let folder = Folder::with(&[]);
    let line = format!("{} schema | head -1", cargo_bin!("loanctl").display());
    let output = Command::new("bash")
        .args(["-o", "pipefail", "-c", &line])
        .current_dir(folder.path())
        .assert();
    output.code(0).stdout_eq("{\n").stderr_eq("");
}

#[test]
fn a_quota_that_is_none_is_refused_with_those_there_are() {
    let folder = Folder::with(&[]);
    for (quota, part) in [
        ("Describe=20", "there are ServiceModify, ServiceRead, "),
        ("ServiceRead=fast", "`fast` is no rate"),
    ] {
        let arguments = ["controller", "--store", "s3://loans", "--quota", quota];
        let output = folder.loanctl(&arguments).code(2);
        let message = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
        assert!(message.contains(part), "{message}");
    }
    let help = folder.loanctl(&["controller", "--help"]).code(0);
    assert!(stdout(&help).contains("--quota ServiceRead=40/200"));
}

#[test]
fn a_container_asks_its_controller_whether_it_is_healthy() {
    let folder = Folder::with(&[]);
    for (answer, code, said) in [
        ("HTTP/1.1 200 OK\r\n\r\n", 0, ""),
        (
            "HTTP/1.1 503 Service Unavailable\r\n\r\n",
            1,
            "says `HTTP/1.1 503`",
        ),
        ("", 1, "nothing answers at 127.0.0.1:"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let controller = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap();
            assert!(request[..length].starts_with(b"GET /healthz HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let output = folder.loanctl(&["check-health", "--listen", &address]);
        let output = output.code(code);
        controller.join().unwrap();
        let errors = String::from_utf8_lossy(&output.get_output().stderr);
        assert!(
            errors.contains(said) && errors.is_empty() == said.is_empty(),
            "{errors}"
        );
    }
}

/// A spec of which nothing is known yet.
fn planned(folder: &Folder, arguments: &[&str]) -> OutputAssert {
    folder.loanctl(&[&["plan"], arguments].concat())
}

#[test]
fn a_plan_of_a_new_platform_shows_all_that_is_made_in_its_order() {
    let folder = Folder::with(&[("good.yaml", GOOD)]);
    let output = planned(&folder, &["good.yaml"]).code(2);
    let text = stdout(&output);
    let places: Vec<Option<usize>> = [
        "local: new (good.yaml)",
        "+ alarm scoring-failures",
        "+ settings of scoring",
        "+ service auth",
        "+ service scoring",
        "None has proved good yet",
        "scoring-failures: ScoringFailureRatio > 20 in 2 of 2 datapoints of 10s",
        "Plan: ",
    ]
    .iter()
    .map(|part| text.find(part))
    .collect();
    assert!(places.iter().all(Option::is_some), "{places:?}: {text}");
    assert!(places.is_sorted(), "{places:?}: {text}");
}

#[test]
fn a_plan_for_machines_names_every_change() {
    let folder = Folder::with(&[("good.yaml", GOOD)]);
    let output = planned(&folder, &["good.yaml", "-o", "json"]).code(2);
    let plan = json(&output);
    assert_eq!(plan["changes"], true);
    let platform = &plan["platforms"][0];
    assert_eq!(platform["name"], "local");
    assert_eq!(platform["generation"]["to"], 1);
    assert_eq!(platform["scoring"]["fate"], "First");
    let first = &platform["stages"][0]["changes"][0];
    assert_eq!(first["kind"], "Create", "{first:#}");
    assert_eq!(first["resource"], "alarm scoring-failures", "{first:#}");
}

#[test]
fn no_mistake_looks_like_a_plan_with_changes() {
    let folder = Folder::with(&[("bad.yaml", &bad())]);
    let refused = planned(&folder, &["bad.yaml"]).code(1);
    assert!(stdout(&refused).contains("bad.yaml: 2 errors"));
    planned(&folder, &["absent.yaml"]).code(1);
    planned(&folder, &["bad.yaml", "--store", "nowhere"]).code(1);
    planned(&folder, &["--no-such-option"]).code(1);
    planned(&folder, &[]).code(1);
    planned(&folder, &["--help"]).code(0);
}

#[test]
fn every_shell_gets_its_completions() {
    let folder = Folder::with(&[]);
    for shell in ["bash", "zsh", "fish"] {
        let output = folder.loanctl(&["completions", shell]).code(0);
        assert!(stdout(&output).contains("validate"), "{shell}");
    }
}
