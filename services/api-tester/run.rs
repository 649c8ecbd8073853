//! Holds a service to its description, and the committed description to the code.

use std::path::{Path, PathBuf};
use std::process::Command;

use utoipa::openapi::OpenApi;

/// Checks that `committed` is what the code says.
///
/// # Panics
/// When it is not, with how to refresh it.
pub(crate) fn is_current(committed: &str, description: &OpenApi, package: &str) {
    assert_eq!(
        committed,
        service_kit::openapi::text(description).expect("a JSON form"),
        "refresh it: cargo run -p {package} -- openapi > services/{package}/openapi.json"
    );
}

/// Requests made up for each operation. It takes seconds.
const EXAMPLES: &str = "150";

/// Has the tester hold the service at `base` to its own description, with these headers.
///
/// # Panics
/// With everything the tester says, when an answer is not as described.
pub(crate) fn holds_to_its_description(base: &str, options: &[&str]) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api-tester");
    let tester = installed();
    // It leaves notes where it runs.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let output = Command::new(&tester)
        .current_dir(&elsewhere)
        .args(["run", &format!("{base}/openapi.json")])
        .args(["--checks", "all", "--max-examples", EXAMPLES])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--generation-database", "none", "--no-color"])
        .args(options)
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", here)
        .output()
        .unwrap_or_else(|error| {
            panic!(
                "{} cannot be run ({error}): `make test` installs it",
                tester.display()
            )
        });
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
}

/// Where `make test` installs it: beside what cargo builds.
fn installed() -> PathBuf {
    let program = std::env::current_exe().expect("a test's own path");
    let mut folders = program.ancestors().skip(1);
    let target = folders.find(|it| it.join("api-tester").exists());
    target
        .expect("the API tester is not installed: `make test` does that")
        .join("api-tester/bin/schemathesis")
}
