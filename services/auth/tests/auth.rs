//! Auth as its clients, the loan API and its operators see it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that fails fails its test"
)]

mod support;

use serde_json::{Value, json};
use support::Auth;
use tokio::io::{AsyncBufReadExt, BufReader};

const GRANT: &str = "grant_type=client_credentials";

#[tokio::test]
async fn a_client_with_the_right_secret_gets_a_token_that_is_verified() {
    let auth = Auth::start().await.ready().await;
    let response = auth.token("demo", "demo-secret", GRANT).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let granted: Value = response.json().await.unwrap();
    assert_eq!(granted["token_type"], "Bearer");
    assert_eq!(granted["expires_in"], 3600);
    let token = granted["access_token"].as_str().unwrap();
    let verified = auth.verify(token).await;
    assert_eq!(verified["active"], true);
    assert_eq!(verified["clientId"], "demo");
    assert!(verified["expiresAt"].is_string());
    let refused = auth.verify(&token.replace('.', "x")).await;
    assert_eq!(refused["active"], false);
    let keys = auth.http.get(auth.url(".well-known/jwks.json"));
    let keys = keys.send().await.unwrap();
    assert_eq!(keys.headers()["cache-control"], "public, max-age=300");
    let keys: Value = keys.json().await.unwrap();
    assert_eq!(keys["keys"][0]["crv"], "Ed25519");
    assert!(
        keys["keys"][0].get("d").is_none(),
        "the private key is not published"
    );
}

#[tokio::test]
async fn a_token_is_refused_in_the_words_of_the_standard() {
    let auth = Auth::start().await.ready().await;
    for (client, secret, form, status, error) in [
        ("demo", "wrong", GRANT, 401, "invalid_client"),
        ("nobody", "demo-secret", GRANT, 401, "invalid_client"),
        (
            "demo",
            "demo-secret",
            "grant_type=password",
            400,
            "unsupported_grant_type",
        ),
        ("demo", "demo-secret", "", 400, "invalid_request"),
    ] {
        let response = auth.token(client, secret, form).await;
        assert_eq!(response.status(), status, "{client} {form}");
        assert_eq!(
            response.headers().contains_key("www-authenticate"),
            status == 401
        );
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"], error, "{client} {form}");
    }
}

#[tokio::test]
async fn without_settings_a_service_is_alive_but_not_ready() {
    let auth = Auth::start().await;
    assert_eq!(auth.admin("healthz").await.0, 200);
    let (status, body) = auth.admin("readyz").await;
    let ready: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 503);
    assert_eq!(ready["settings"], Value::Null);
    assert!(
        ready["reason"].as_str().unwrap().contains("settings"),
        "{ready}"
    );
    let response = auth.token("demo", "demo-secret", GRANT).await;
    assert_eq!(response.status(), 503);

    let auth = auth.ready().await;
    let (_, body) = auth.admin("readyz").await;
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap(),
        json!({"ready": true, "reason": null, "settings": {
            "epoch": 3, "sequence": 9, "revision": "abc", "scoringRevision": "def"}})
    );
    let (_, settings) = auth.admin("settings").await;
    let settings: Value = serde_json::from_str(&settings).unwrap();
    assert_eq!(settings["settings"]["tokenLifetime"], "1h");
    assert_eq!(settings["rejected"], Value::Null);
    let (_, metrics) = auth.admin("metrics").await;
    assert!(
        metrics.contains("settings_revision_info{revision=\"abc\"} 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn metrics_of_the_service_port_are_emitted_and_the_admin_port_is_not_counted() {
    let mut auth = Auth::start().await.ready().await;
    auth.token("demo", "wrong", GRANT).await;
    let mut requests = 0;
    while requests == 0 {
        let line = auth.output.next_line().await.unwrap().expect("it ended");
        let line: Value = serde_json::from_str(&line).expect("a line that is not JSON");
        if line.get("_aws").is_some() {
            requests += line["Requests"].as_u64().unwrap();
            assert_eq!(line["ClientErrors"], line["Requests"]);
            assert_eq!(line["Platform"], "local");
        }
    }
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn the_log_level_can_be_changed_while_running() {
    let mut auth = Auth::start().await.ready().await;
    let change = |level: &'static str| {
        auth.http
            .put(auth.admin_url("log-level"))
            .body(level)
            .send()
    };
    assert_eq!(change("no=such=level").await.unwrap().status(), 400);
    assert_eq!(change("debug").await.unwrap().status(), 200);
    auth.token("demo", "wrong", GRANT).await;
    let answered = loop {
        let line = auth.output.next_line().await.unwrap().expect("it ended");
        let line: Value = serde_json::from_str(&line).expect("a line that is not JSON");
        if line["message"] == "answered" {
            break line;
        }
    };
    assert_eq!(answered["status"], 401);
    assert_eq!(answered["trace_id"].as_str().unwrap().len(), 32);
}

#[tokio::test]
async fn a_service_that_cannot_start_says_why() {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_auth"))
        .args([
            "--platform",
            "local",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
        ])
        .args(["--settings", "file:///nowhere/auth.json"])
        .args([
            "--clients-file",
            "/nowhere/clients.json",
            "--signing-key-file",
            "/nowhere/key",
        ])
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("/nowhere/clients.json"), "{said}");
}

#[tokio::test]
async fn a_service_dies_with_the_process_that_started_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut shell = support::spawn_below_a_shell(&folder);
    let mut output = BufReader::new(shell.stdout.take().unwrap()).lines();
    let first = output.next_line().await.unwrap().expect("it ended at once");
    assert!(first.contains("listening"), "{first}");
    shell.kill().await.unwrap();
    let all_ended = async { while output.next_line().await.unwrap().is_some() {} };
    let ended = tokio::time::timeout(support::PATIENCE, all_ended).await;
    ended.expect("the service outlives its parent");
}

#[tokio::test]
async fn who_guesses_waits_and_does_not_keep_the_client_out() {
    let auth = Auth::start().await.ready().await;
    let right = auth.token("demo", "demo-secret", GRANT).await;
    assert_eq!(right.status(), 200);
    let mut denied = 0;
    let paused = loop {
        let guessed = auth.token("demo", "wrong", GRANT).await;
        if guessed.status() != 401 {
            break guessed;
        }
        denied += 1;
        assert!(denied < 20, "nobody stops who guesses");
    };
    assert!(denied > 5, "a person may mistype");
    assert_eq!(paused.status(), 429);
    assert!(paused.headers().contains_key("retry-after"));
    let right = auth.token("demo", "demo-secret", GRANT).await;
    assert_eq!(right.status(), 200);
}

#[tokio::test]
async fn a_secret_is_sent_encoded_as_in_a_form() {
    let auth = Auth::start().await.ready().await;
    let encoded = auth.token("demo", "demo%2Dsecret", GRANT).await;
    assert_eq!(encoded.status(), 200);
}
