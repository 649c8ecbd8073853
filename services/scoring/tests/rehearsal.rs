//! The program is asked whether it could take settings.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn asked(settings: &Value) -> Output {
    let mut scoring = Command::new(env!("CARGO_BIN_EXE_scoring"))
        .arg("check-settings")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = scoring.stdin.take().unwrap();
    input.write_all(settings.to_string().as_bytes()).unwrap();
    drop(input);
    scoring.wait_with_output().unwrap()
}

fn settings() -> Value {
    json!({
        "provider": {"url": "http://score-provider:8084"},
        "decision": {"bands": [{"riskBand": "LOW", "minScore": 700, "interestRate": "11.90"}]},
    })
}

#[test]
fn settings_that_it_can_take_are_answered_with_success() {
    let answer = asked(&json!([settings(), settings()]));
    assert_eq!(answer.status.code(), Some(0));
}

#[test]
fn settings_that_it_cannot_take_are_refused_with_their_field() {
    let mut newer = settings();
    newer["provider"]["hedging"] = json!({"after": "50ms"});
    let answer = asked(&json!([settings(), newer]));
    assert_eq!(answer.status.code(), Some(65));
    let reason = String::from_utf8(answer.stderr).unwrap();
    assert!(reason.contains("hedging"), "{reason}");
}
