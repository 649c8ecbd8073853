//! The program as ECS runs it: settings in S3, secrets in the environment, health asked by itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Long enough for a busy machine, short enough to notice what hangs.
const PATIENCE: Duration = Duration::from_secs(30);
const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";

/// S3 with settings for auth in its bucket `loans`.
async fn s3() -> MockServer {
    let s3 = MockServer::start().await;
    let document = json!({
        "platform": "dev", "service": "auth", "epoch": 1, "sequence": 1,
        "revision": "abc", "scoringRevision": "def", "settings": {"tokenLifetime": "1h"},
    });
    let answer = ResponseTemplate::new(200)
        .insert_header("ETag", "\"7d3a\"")
        .set_body_string(document.to_string());
    Mock::given(method("GET"))
        .and(path("/loans/settings/dev/auth.json"))
        .respond_with(answer)
        .mount(&s3)
        .await;
    s3
}

/// The program with the variables that tasks of auth have.
fn task(endpoint: &str) -> Command {
    let mut auth = Command::new(env!("CARGO_BIN_EXE_auth"));
    auth.env_clear()
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("LOAN_PLATFORM", "dev")
        .env("LOAN_LISTEN", "0.0.0.0:0")
        .env("LOAN_ADMIN", "0.0.0.0:0")
        .env("LOAN_SETTINGS", "s3://loans/settings/dev/auth.json")
        .env("LOAN_SETTINGS_INTERVAL", "20ms")
        .env("LOAN_LOG", "json")
        .env("LOAN_CLIENTS", "[]")
        .env("LOAN_SIGNING_KEY", KEY)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    auth
}

/// How the program answers `check-health` with its admin port at `admin`.
async fn health(admin: &str) -> Option<i32> {
    let mut check = Command::new(env!("CARGO_BIN_EXE_auth"));
    check.arg("check-health").env("LOAN_ADMIN", admin);
    check.stderr(Stdio::null()).status().await.unwrap().code()
}

#[tokio::test]
async fn auth_starts_from_settings_in_s3_and_secrets_in_its_environment() {
    let s3 = s3().await;
    let mut auth = task(&s3.uri()).spawn().unwrap();
    let mut output = BufReader::new(auth.stdout.take().unwrap()).lines();
    let first = output.next_line().await.unwrap().expect("it ended at once");
    let first: Value = serde_json::from_str(&first).unwrap();
    let admin = first["admin"].as_str().unwrap();
    let ready = format!("http://{}/readyz", admin.replace("0.0.0.0", "127.0.0.1"));
    let since = Instant::now();
    while reqwest::get(&ready).await.unwrap().status() != 200 {
        assert!(since.elapsed() < PATIENCE, "not ready in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(health(admin).await, Some(0));
    auth.kill().await.unwrap();
    assert_eq!(health(admin).await, Some(1));
}

#[tokio::test]
async fn a_secret_that_is_given_twice_or_not_at_all_is_named_at_start() {
    for (variable, value, error) in [
        (
            "LOAN_CLIENTS_FILE",
            "/tmp/clients.json",
            "LOAN_CLIENTS_FILE and LOAN_CLIENTS are both set: remove one",
        ),
        (
            "LOAN_SIGNING_KEY_FILE",
            "/tmp/key.pem",
            "LOAN_SIGNING_KEY_FILE and LOAN_SIGNING_KEY are both set: remove one",
        ),
    ] {
        let ended = task("http://127.0.0.1:9").env(variable, value).output();
        let ended = tokio::time::timeout(PATIENCE, ended)
            .await
            .unwrap()
            .unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains(error), "{said}");
        assert!(!said.contains("PRIVATE KEY"), "{said}");
    }
}
