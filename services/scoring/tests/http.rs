//! Scoring as a process, over HTTP, against a provider that does what a test says.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails"
)]

mod process;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use process::Process;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use wiremock::matchers::{body_partial_json, header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn settings(client: &Value) -> Value {
    let mut provider = json!({
        "url": "http://score-provider:8084",
        "timeout": "2s",
        "attemptTimeout": "900ms",
        "retry": { "initialBackoff": "1ms", "maxBackoff": "1ms" },
        "circuitBreaker": { "consecutiveFailures": 1000 },
    });
    for (field, value) in client.as_object().unwrap() {
        provider[field] = value.clone();
    }
    json!({
        "provider": provider,
        "decision": { "bands": [
            { "riskBand": "LOW", "minScore": 700, "interestRate": "11.90" },
            { "riskBand": "MEDIUM", "minScore": 620, "interestRate": "17.50" },
        ]},
    })
}

async fn scoring(provider: &MockServer, client: Value) -> Process {
    scoring_at(&provider.address().to_string(), client).await
}

async fn scoring_at(provider: &str, client: Value) -> Process {
    let hosts = format!("score-provider:8084={provider}");
    let program = env!("CARGO_BIN_EXE_scoring");
    Process::start(program, "scoring", settings(&client), &hosts).await
}

async fn provider(answer: ResponseTemplate) -> MockServer {
    let provider = MockServer::start().await;
    answers(&provider, answer).await;
    provider
}

/// Makes `provider` answer this way from now on.
async fn answers(provider: &MockServer, answer: ResponseTemplate) {
    provider.reset().await;
    Mock::given(method("POST"))
        .and(path("/v1/scores"))
        .and(header_exists("traceparent"))
        .and(header_exists("idempotency-key"))
        .and(body_partial_json(json!({ "userId": "user-1" })))
        .respond_with(answer)
        .mount(provider)
        .await;
}

fn score(score: u32) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "score": score, "provider": "test" }))
}

fn hanging() -> ResponseTemplate {
    score(700).set_delay(Duration::from_secs(60))
}

/// An application that nobody has asked about before.
fn application() -> Value {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let id = format!("app-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    json!({ "applicationId": id, "userId": "user-1", "amount": 5000, "income": "3000.50" })
}

async fn asks(scoring: &Process) -> (u16, Value) {
    asks_for(scoring, &application()).await
}

async fn asks_for(scoring: &Process, application: &Value) -> (u16, Value) {
    let request = scoring.post("/score").json(application);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn attempts(provider: &MockServer) -> usize {
    provider.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn a_score_comes_with_its_risk_band_and_who_scored() {
    let provider = MockServer::start().await;
    let scoring = scoring(&provider, json!({})).await;
    for (points, band) in [(712, "LOW"), (699, "MEDIUM"), (619, "HIGH")] {
        answers(&provider, score(points)).await;
        let expected = json!({
            "score": points, "riskBand": band, "provider": "test", "scoringRevision": "none",
        });
        assert_eq!(asks(&scoring).await, (200, expected));
    }
}

#[tokio::test]
async fn an_application_asked_for_again_is_neither_billed_again_nor_scored_otherwise() {
    let provider = provider(ResponseTemplate::new(500)).await;
    let scoring = scoring(&provider, json!({})).await;
    let application = application();
    assert_eq!(asks_for(&scoring, &application).await.0, 503);

    let slow = score(712).set_delay(Duration::from_millis(300));
    answers(&provider, slow).await;
    let ask = || asks_for(&scoring, &application);
    let (first, second) = futures::future::join(ask(), ask()).await;
    assert_eq!((first.0, &first), (200, &second));
    assert_eq!(attempts(&provider).await, 1, "two at once");

    answers(&provider, score(500)).await;
    assert_eq!(ask().await, first);
    assert_eq!(attempts(&provider).await, 0, "and once more later");

    let mut otherwise = application.clone();
    otherwise["amount"] = json!(6000);
    assert_eq!(asks_for(&scoring, &otherwise).await.1["score"], 500);
}

#[tokio::test]
async fn the_attempts_for_an_application_carry_one_key() {
    let provider = provider(ResponseTemplate::new(500)).await;
    let scoring = scoring(&provider, json!({})).await;
    let application = application();
    asks_for(&scoring, &application).await;
    let attempts = provider.received_requests().await.unwrap();
    let keys = attempts
        .iter()
        .map(|it| it.headers["idempotency-key"].to_str().unwrap());
    let expected = format!("\"{}\"", application["applicationId"].as_str().unwrap());
    assert_eq!(keys.collect::<Vec<_>>(), [&expected, &expected]);
}

#[tokio::test]
async fn each_way_to_fail_has_its_status_code_and_number_of_attempts() {
    let mock = MockServer::start().await;
    let scoring = scoring(&mock, json!({})).await;
    let garbage = ResponseTemplate::new(200).set_body_string("no score");
    let status = ResponseTemplate::new;
    for (answer, status, code, sent) in [
        (status(500), 503, "PROVIDER_UNAVAILABLE", 2),
        (status(429), 503, "PROVIDER_UNAVAILABLE", 2),
        (status(422), 502, "PROVIDER_REFUSED", 1),
        (garbage, 502, "PROVIDER_ANSWER_UNUSABLE", 1),
        (score(1_001), 502, "PROVIDER_ANSWER_UNUSABLE", 1),
        (hanging(), 504, "PROVIDER_TIMEOUT", 2),
    ] {
        answers(&mock, answer).await;
        let (found, problem) = asks(&scoring).await;
        assert_eq!((found, problem["code"].as_str()), (status, Some(code)));
        assert_eq!(attempts(&mock).await, sent, "{code}");
    }
}

#[tokio::test]
async fn a_provider_that_asks_for_a_long_pause_is_not_asked_again_and_the_caller_is_told() {
    let provider = provider(ResponseTemplate::new(503).insert_header("retry-after", "7")).await;
    let scoring = scoring(&provider, json!({})).await;
    let answer = scoring
        .post("/score")
        .json(&application())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "7");
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert_eq!(attempts(&provider).await, 1);
}

#[tokio::test]
async fn the_time_that_the_caller_has_left_bounds_the_call() {
    let provider = provider(hanging()).await;
    let scoring = scoring(
        &provider,
        json!({ "timeout": "30s", "attemptTimeout": "10s" }),
    )
    .await;
    for (left_ms, sent) in [("0", 0), ("700", 1)] {
        let request = scoring.post("/score").json(&application());
        let answer = request
            .header("X-Request-Deadline-Ms", left_ms)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 504, "{left_ms} ms left");
        assert_eq!(attempts(&provider).await, sent, "{left_ms} ms left");
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_the_callers_fault() {
    let provider = MockServer::start().await;
    let scoring = scoring(&provider, json!({})).await;
    let missing = scoring.post("/score").json(&json!({ "userId": "user-1" }));
    assert_eq!(missing.send().await.unwrap().status(), 400);
    let deadline = scoring
        .post("/score")
        .json(&application())
        .header("X-Request-Deadline-Ms", "soon");
    assert_eq!(deadline.send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn an_open_breaker_outlives_new_thresholds_and_tests_a_provider_that_is_called_otherwise() {
    let breaker = |failures: u32| {
        json!({
            "consecutiveFailures": failures,
            "waitDurationInOpenState": "10m",
            "maxWaitDurationInOpenState": "1h",
        })
    };
    let provider = provider(ResponseTemplate::new(500)).await;
    let mut scoring = scoring(&provider, json!({ "circuitBreaker": breaker(4) })).await;
    let pid = scoring.child.id();
    for _ in 0..2 {
        assert_eq!(asks(&scoring).await.1["code"], "PROVIDER_UNAVAILABLE");
    }
    let answer = scoring
        .post("/score")
        .json(&application())
        .send()
        .await
        .unwrap();
    let wait_s: u64 = answer.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((480..=600).contains(&wait_s), "{wait_s}");
    assert_eq!(
        answer.json::<Value>().await.unwrap()["code"],
        "BREAKER_OPEN"
    );
    assert_eq!(attempts(&provider).await, 4);

    answers(&provider, score(712)).await;
    scoring
        .apply(settings(&json!({ "circuitBreaker": breaker(1000) })))
        .await;
    assert_eq!(asks(&scoring).await.1["code"], "BREAKER_OPEN");

    let otherwise = json!({ "circuitBreaker": breaker(1000), "attemptTimeout": "800ms" });
    scoring.apply(settings(&otherwise)).await;
    scoring
        .eventually(
            "the provider is tested",
            async |scoring: &Process| match asks(scoring).await {
                (200, _) => Ok(()),
                (_, problem) => Err(problem),
            },
        )
        .await;
    assert_eq!(scoring.child.id(), pid);
}

#[tokio::test]
async fn more_calls_at_once_than_allowed_are_refused() {
    let provider = provider(hanging()).await;
    let bulkhead = json!({ "bulkhead": { "maxConcurrentCalls": 1 } });
    let scoring = scoring(&provider, bulkhead).await;
    let both = futures::future::join(asks(&scoring), asks(&scoring)).await;
    let mut codes = [both.0.1["code"].clone(), both.1.1["code"].clone()];
    codes.sort_by_key(Value::to_string);
    assert_eq!(codes, ["BULKHEAD_FULL", "PROVIDER_TIMEOUT"]);
}

#[tokio::test]
async fn an_attempt_that_is_given_up_closes_its_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let one_attempt = json!({ "attemptTimeout": "50ms", "retry": { "maxAttempts": 1 } });
    let scoring = scoring_at(&address, one_attempt).await;
    let provider = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        // Ends when scoring closes the connection, and never answers.
        connection.read_to_end(&mut Vec::new()).await
    });
    assert_eq!(asks(&scoring).await.0, 504);
    let closed = tokio::time::timeout(Duration::from_secs(10), provider).await;
    assert!(closed.is_ok(), "the connection stays open");
}

#[tokio::test]
async fn a_breaker_that_only_measures_counts_what_it_would_have_refused() {
    let provider = provider(ResponseTemplate::new(500)).await;
    let measuring =
        json!({ "circuitBreaker": { "mode": "MetricsOnly", "consecutiveFailures": 1 } });
    let scoring = scoring(&provider, measuring).await;
    for _ in 0..3 {
        assert_eq!(asks(&scoring).await.1["code"], "PROVIDER_UNAVAILABLE");
    }
    assert_eq!(attempts(&provider).await, 6, "none is refused");
    let metrics = scoring.metrics().await;
    let line = "\nbreaker_would_reject_total{dependency=\"provider\"} 5";
    assert!(metrics.contains(line), "{line} is not in\n{metrics}");
}

#[tokio::test]
async fn every_call_is_counted_for_the_dependency() {
    let provider = provider(ResponseTemplate::new(500)).await;
    let scoring = scoring(
        &provider,
        json!({ "circuitBreaker": { "consecutiveFailures": 2 } }),
    )
    .await;
    asks(&scoring).await;
    asks(&scoring).await;
    let metrics = scoring.metrics().await;
    for line in [
        "\ncalls_total{dependency=\"provider\"} 2",
        "\nfailures_total{dependency=\"provider\"} 2",
        "\nattempts_total{dependency=\"provider\"} 2",
        "\nretries_total{dependency=\"provider\"} 1",
        "\ntimeouts_total{dependency=\"provider\"} 0",
        "\nbudget_exhausted_total{dependency=\"provider\"} 0",
        "\nbreaker_rejections_total{dependency=\"provider\"} 1",
        "\nbulkhead_rejections_total{dependency=\"provider\"} 0",
        "\nbreaker_state{dependency=\"provider\"} 2.0",
        "\ncall_latency_count{dependency=\"provider\"} 2",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}
