//! The provider as a process, over HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails"
)]

#[path = "../../scoring/tests/process/mod.rs"]
mod process;

use std::time::Duration;

use process::Process;
use reqwest::Response;
use serde_json::{Value, json};

async fn provider(settings: Value) -> Process {
    let program = env!("CARGO_BIN_EXE_score-provider");
    Process::start(program, "scoreProvider", settings, "").await
}

fn settings(error_rate: u32, hang_rate: u32) -> Value {
    json!({
        "latency": { "p50": "0ms", "p99": "0ms" },
        "errorRate": error_rate,
        "hangRate": hang_rate,
        "seed": 1,
    })
}

fn applicant(user_id: &str) -> Value {
    json!({ "applicationId": "app-1", "userId": user_id, "amount": "5000", "income": 3000 })
}

async fn asks(provider: &Process, applicant: &Value) -> Response {
    provider
        .post("/v1/scores")
        .json(applicant)
        .send()
        .await
        .unwrap()
}

/// Whether the provider answers with `status`, and if not, with what.
async fn answers(provider: &Process, status: u16) -> Result<(), Value> {
    let found = asks(provider, &applicant("user-1")).await.status().as_u16();
    if found == status {
        Ok(())
    } else {
        Err(json!(found))
    }
}

#[tokio::test]
async fn the_same_applicant_gets_the_same_score_from_every_process() {
    let (one, other) = (
        provider(settings(0, 0)).await,
        provider(settings(0, 0)).await,
    );
    for user_id in ["user-1", "user-2", "user-3"] {
        let first: Value = asks(&one, &applicant(user_id)).await.json().await.unwrap();
        let second: Value = asks(&other, &applicant(user_id))
            .await
            .json()
            .await
            .unwrap();
        assert_eq!(first, second);
        assert_eq!(first["provider"], "stand-in");
        assert!((450..=850).contains(&first["score"].as_u64().unwrap()));
    }
}

#[tokio::test]
async fn errors_come_and_go_with_the_settings() {
    let mut provider = provider(settings(100, 0)).await;
    let pid = provider.child.id();
    assert_eq!(answers(&provider, 500).await, Ok(()));
    let metrics = provider.metrics().await;
    assert!(metrics.contains("\nerrors_total 1\n"), "{metrics}");
    provider.apply(settings(0, 0)).await;
    provider
        .eventually("the errors are gone", async |provider: &Process| {
            answers(provider, 200).await
        })
        .await;
    assert_eq!(provider.child.id(), pid);
}

#[tokio::test]
async fn what_the_contract_does_not_allow_is_refused_with_the_time_to_come_back() {
    let mut limited = settings(0, 0);
    limited["rateLimit"] = json!({ "requestsPerSecond": 1, "burst": 1 });
    let mut provider = provider(limited).await;
    let refused = async |provider: &Process| {
        let answer = asks(provider, &applicant("user-1")).await;
        match answer.headers().get("retry-after") {
            Some(wait) if answer.status() == 429 && wait == "1" => Ok(()),
            _ => Err(json!(answer.status().as_u16())),
        }
    };
    provider.eventually("a refusal", refused).await;
    provider.apply(settings(0, 0)).await;
    for _ in 0..5 {
        assert_eq!(answers(&provider, 200).await, Ok(()));
    }
}

#[tokio::test]
async fn an_outage_comes_and_goes() {
    let mut flaky = settings(0, 0);
    flaky["outages"] = json!({ "every": "1s", "length": "500ms" });
    let provider = provider(flaky).await;
    for status in [503, 200, 503] {
        provider
            .eventually("the other answer", async |provider: &Process| {
                answers(provider, status).await
            })
            .await;
    }
}

#[tokio::test]
async fn a_hanging_request_is_not_answered() {
    let provider = provider(settings(0, 100)).await;
    let request = provider.post("/v1/scores").json(&applicant("user-1"));
    let error = request
        .timeout(Duration::from_millis(300))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
}

#[tokio::test]
async fn attempts_that_were_abandoned_still_fill_the_queue() {
    let mut limited = settings(0, 0);
    limited["capacity"] = json!(1);
    let provider = provider(limited).await;
    // Each is given up before its turn comes. If that took it out of the queue, none would ever be
    // turned away.
    let hasty = async |provider: &Process| {
        let request = provider.post("/v1/scores").json(&applicant("user-1"));
        match request.timeout(Duration::from_millis(50)).send().await {
            Ok(answer) if answer.status() == 503 => Ok(()),
            Ok(answer) => Err(json!(answer.status().as_u16())),
            Err(error) => Err(json!(error.to_string())),
        }
    };
    provider
        .eventually("the provider turns attempts away", hasty)
        .await;
}

#[tokio::test]
async fn an_applicant_that_cannot_be_one_is_refused_with_the_field() {
    let provider = provider(settings(0, 0)).await;
    for (field, value) in [
        ("userId", json!("")),
        ("amount", json!(0)),
        ("income", json!(-1)),
    ] {
        let mut wrong = applicant("user-1");
        wrong[field] = value;
        let answer = asks(&provider, &wrong).await;
        assert_eq!(answer.status(), 422);
        assert_eq!(answer.json::<Value>().await.unwrap()["field"], field);
    }
}
