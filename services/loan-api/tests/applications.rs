//! The loan API as its clients, its operators and its database see it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

mod support;

use std::time::Duration;

use loan_api::database::{Database, DatabaseArgs};
use loan_api::store::Store;
use reqwest::StatusCode;
use serde_json::{Value, json};
use support::{PATIENCE, Platform, Postgres, application, scored, settings};
use wiremock::matchers::any;
use wiremock::{Mock, ResponseTemplate};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn answer(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

fn id(answer: &Value) -> &str {
    answer["applicationId"].as_str().unwrap()
}

#[tokio::test]
async fn the_decision_answered_is_the_one_stored_with_what_it_rests_on() {
    let platform = Platform::start(&settings()).await;
    platform.let_scoring_answer(scored(712)).await;
    let traced = platform
        .apply(&application())
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let (status, approved) = answer(traced).await;
    assert_eq!(status, 200);
    assert_eq!(approved["status"], "APPROVED");
    assert_eq!(approved["interestRate"], json!(11.9));
    let row = platform.row(id(&approved));
    for (column, value) in [
        ("status", json!("APPROVED")),
        ("interest_rate", json!(11.90)),
        ("score", json!(712)),
        ("provider", json!("fake")),
        ("risk_band", json!("LOW")),
        ("scoring_revision", json!("scoring-1")),
        ("settings_revision", json!("settings-1")),
        ("trace_id", json!(TRACE)),
        ("user_id", json!("user-1")),
        ("client_id", json!("demo")),
    ] {
        assert_eq!(row[column], value, "{column}");
    }
    let received = &platform.scoring.received_requests().await.unwrap()[0];
    let carried = received.headers["traceparent"].to_str().unwrap();
    assert!(carried.contains(TRACE), "{carried}");
    assert_eq!(platform.logged("application decided")[0]["trace_id"], TRACE);

    platform.let_scoring_answer(scored(600)).await;
    let (_, rejected) = answer(platform.apply(&application())).await;
    assert_eq!(rejected["status"], "REJECTED");
    assert_eq!(rejected["interestRate"], Value::Null);

    let (status, shown) = answer(platform.show(id(&approved), "demo")).await;
    assert_eq!((status, shown), (StatusCode::OK, approved.clone()));
    for (id, token) in [(id(&approved), "other"), ("app-unknown", "demo")] {
        assert_eq!(
            answer(platform.show(id, token)).await.0,
            404,
            "{id} {token}"
        );
    }
    let counted = || async {
        platform.emitted("ApplicationsRejected", None) == 1
            && platform.emitted("Calls", Some("scoring")) == 2
    };
    platform.wait_for("counted", counted).await;
    assert_eq!(platform.emitted("ApplicationsApproved", None), 1);
    assert_eq!(platform.emitted("Failures", Some("scoring")), 0);
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_is_told_which() {
    let platform = Platform::start(&settings()).await;
    platform.let_scoring_answer(scored(712)).await;
    for (field, value, status) in [
        ("amount", json!(99), 422),
        ("amount", json!("100.001"), 422),
        ("termMonths", json!(2), 422),
        ("termMonths", json!("24"), 400),
        ("income", json!(-1), 422),
        ("userId", json!(""), 422),
    ] {
        let mut body = application();
        body[field] = value.clone();
        let (answered, problem) = answer(platform.apply(&body)).await;
        assert_eq!(answered, status, "{field}: {value}");
        assert_eq!(problem["field"], field, "{value}");
    }
    let mut body = application();
    body["admin"] = json!(true);
    let (status, problem) = answer(platform.apply(&body)).await;
    assert_eq!(status, 400);
    assert!(problem["detail"].as_str().unwrap().contains("admin"));
    assert_eq!(
        platform
            .postgres
            .query("SELECT count(*) FROM loan_applications"),
        "0"
    );
}

#[tokio::test]
async fn nobody_passes_without_a_clear_yes_of_auth() {
    let platform = Platform::start(&settings()).await;
    platform.let_scoring_answer(scored(712)).await;
    let bad = platform.apply(&application()).bearer_auth("bad");
    let mut bad = bad.build().unwrap();
    bad.headers_mut()
        .insert("authorization", "Bearer bad".parse().unwrap());
    let refused = platform.http.execute(bad).await.unwrap();
    assert_eq!(refused.status(), 401);
    assert!(refused.headers().contains_key("www-authenticate"));

    for outage in [
        ResponseTemplate::new(200)
            .set_body_json(json!({"active": true, "clientId": "demo"}))
            .set_delay(Duration::from_secs(5)),
        ResponseTemplate::new(500),
    ] {
        platform.auth.reset().await;
        Mock::given(any())
            .respond_with(outage)
            .mount(&platform.auth)
            .await;
        let (status, problem) = answer(platform.apply(&application())).await;
        assert_eq!(status, 503);
        assert_eq!(problem["code"], "AUTH_UNAVAILABLE");
        let asked = platform.auth.received_requests().await.unwrap();
        assert_eq!(asked.len(), 1, "auth is never asked twice");
    }
}

#[tokio::test]
async fn past_the_deadline_the_client_gets_202_and_the_decision_follows() {
    let mut settings = settings();
    settings["requestDeadline"] = json!("400ms");
    let platform = Platform::start(&settings).await;
    let slow = scored(712).set_delay(Duration::from_millis(1_500));
    platform.let_scoring_answer(slow).await;
    let response = platform.apply(&application()).send().await.unwrap();
    assert_eq!(response.status(), 202);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let received: Value = response.json().await.unwrap();
    let id = id(&received).to_owned();
    assert_eq!(location, format!("/loan/applications/{id}"));
    assert_eq!(
        received,
        json!({"applicationId": id, "status": "RECEIVED", "interestRate": null})
    );
    let approved = || async { answer(platform.show(&id, "demo")).await.1["status"] == "APPROVED" };
    platform.wait_for("decided", approved).await;
}

#[tokio::test]
async fn how_long_a_client_takes_to_send_is_not_held_against_the_deadline() {
    let mut settings = settings();
    settings["requestDeadline"] = json!("2s");
    let platform = Platform::start(&settings).await;
    platform.let_scoring_answer(scored(712)).await;
    let pause = Duration::from_millis(2_500);
    let answered = platform.apply_slowly(&application(), pause).await;
    // A 202 says that it is stored, and was not decided in time.
    let in_time = ["HTTP/1.1 200 OK", "HTTP/1.1 202 Accepted"];
    assert!(in_time.contains(&answered.as_str()), "{answered}");
    assert_eq!(
        platform
            .postgres
            .query("SELECT count(*) FROM loan_applications"),
        "1"
    );
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_lose_its_application() {
    let platform = Platform::start(&settings()).await;
    let slow = scored(712).set_delay(Duration::from_millis(1_000));
    platform.let_scoring_answer(slow).await;
    let request = tokio::spawn(platform.apply(&application()).send());
    let asked = || async {
        !platform
            .scoring
            .received_requests()
            .await
            .unwrap()
            .is_empty()
    };
    platform.wait_for("scored", asked).await;
    request.abort();
    let count = "SELECT count(*) FROM loan_applications WHERE status = 'APPROVED'";
    let decided = || async { platform.postgres.query(count) == "1" };
    platform.wait_for("decided", decided).await;
}

#[tokio::test]
async fn a_scoring_failure_rejects_nobody_and_recovery_decides_later() {
    let platform = Platform::start(&settings()).await;
    platform
        .let_scoring_answer(ResponseTemplate::new(503))
        .await;
    let (status, received) = answer(platform.apply(&application())).await;
    assert_eq!(
        (status, &received["status"]),
        (StatusCode::ACCEPTED, &json!("RECEIVED"))
    );
    let failed = || async { platform.emitted("Failures", Some("scoring")) == 1 };
    platform.wait_for("counted", failed).await;

    platform.let_scoring_answer(scored(712)).await;
    // What the worker waits for otherwise: time.
    platform.postgres.query(
        "UPDATE loan_applications SET created_at = now() - interval '1 min', lease_until = now()",
    );
    let id = id(&received).to_owned();
    let approved = || async { answer(platform.show(&id, "demo")).await.1["status"] == "APPROVED" };
    platform.wait_for("recovered", approved).await;
    let counted = || async { platform.emitted("ApplicationsApproved", None) == 1 };
    platform.wait_for("counted", counted).await;
    let calls = platform.emitted("Calls", Some("scoring"));
    assert_eq!(calls, 1, "recovery is not a call of its own");
}

#[tokio::test]
async fn a_repeated_key_is_answered_with_the_same_application() {
    let platform = Platform::start(&settings()).await;
    platform.let_scoring_answer(scored(712)).await;
    let keyed = |body: &Value| platform.apply(body).header("idempotency-key", "k-1");
    let (_, first) = answer(keyed(&application())).await;
    let (status, second) = answer(keyed(&application())).await;
    assert_eq!((status, &second), (StatusCode::OK, &first));
    let mut other = application();
    other["amount"] = json!(6000);
    let (status, problem) = answer(keyed(&other)).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (422, &json!("IDEMPOTENCY_KEY_REUSED"))
    );
    assert_eq!(
        platform
            .postgres
            .query("SELECT count(*) FROM loan_applications"),
        "1"
    );
    assert_eq!(platform.scoring.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn without_its_database_it_says_503_and_comes_back_by_itself() {
    let platform = Platform::start(&settings()).await;
    platform.let_scoring_answer(scored(712)).await;
    platform.postgres.halt();
    let (status, problem) = answer(platform.apply(&application())).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (503, &json!("DATABASE_UNAVAILABLE"))
    );
    platform
        .wait_for("held back", || async { !platform.is_ready().await })
        .await;
    platform.postgres.boot();
    platform.wait_for("ready", || platform.is_ready()).await;
    assert_eq!(answer(platform.apply(&application())).await.0, 200);
}

#[tokio::test]
async fn settings_are_applied_while_running_and_bad_ones_are_not() {
    let platform = Platform::start(&settings()).await;
    platform.let_scoring_answer(scored(650)).await;
    let rate = || async { answer(platform.apply(&application())).await.1["interestRate"].clone() };
    assert_eq!(rate().await, json!(17.5));

    let mut stricter = settings();
    stricter["decision"]["bands"][1]["interestRate"] = json!("19.00");
    stricter["rateLimit"] = json!({"requestsPerSecond": 1, "burst": 1});
    platform.rewrite_settings(2, &stricter);
    let in_force = |sequence: &'static str| {
        let platform = &platform;
        async move { platform.admin("metrics").await.contains(sequence) }
    };
    platform
        .wait_for("in force", || in_force("settings_sequence 2"))
        .await;
    let limited = || async { answer(platform.apply(&application())).await.0 == 429 };
    platform.wait_for("limited", limited).await;

    let mut broken = settings();
    broken["requestDeadline"] = json!("1ms");
    platform.rewrite_settings(3, &broken);
    let refused = || async {
        platform
            .admin("settings")
            .await
            .contains("requestDeadline: ")
    };
    platform.wait_for("refused", refused).await;
    assert!(platform.is_ready().await);
    assert!(in_force("settings_sequence 2").await);

    let mut calm = stricter.clone();
    calm["rateLimit"] = Value::Null;
    platform.rewrite_settings(4, &calm);
    platform
        .wait_for("in force", || in_force("settings_sequence 4"))
        .await;
    let unlimited = || async { rate().await == json!(19.0) };
    platform.wait_for("unlimited", unlimited).await;

    platform.rewrite_settings(1, &settings());
    let refused = || async { platform.admin("settings").await.contains("is below") };
    platform.wait_for("refused", refused).await;
    assert_eq!(rate().await, json!(19.0));
}

#[tokio::test]
async fn a_stop_finishes_what_is_under_way_and_loses_nothing() {
    let mut platform = Platform::start(&settings()).await;
    let slow = scored(712).set_delay(Duration::from_millis(1_500));
    platform.let_scoring_answer(slow).await;
    let request = tokio::spawn(platform.apply(&application()).send());
    let asked = || async {
        !platform
            .scoring
            .received_requests()
            .await
            .unwrap()
            .is_empty()
    };
    platform.wait_for("scored", asked).await;
    platform.terminate();
    platform
        .wait_for("not ready", || async { !platform.is_ready().await })
        .await;
    let response = tokio::time::timeout(PATIENCE, request)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(response.status(), 200);
    assert!(platform.ended_cleanly().await);
    assert_eq!(platform.emitted("Requests", None), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_waits_for_another_replicas_as_long_as_that_takes() {
    const HOLD: &str = "LOCK TABLE _sqlx_migrations IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(4)";
    const IS_HELD: &str = "SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation \
                           WHERE relname = '_sqlx_migrations' AND mode = 'AccessExclusiveLock' AND granted";
    let postgres = Postgres::start();
    let args = DatabaseArgs {
        database_url: Some(postgres.url()),
        database_connections: 2,
        ..DatabaseArgs::default()
    };
    let store = Store::new(Database::new(&args, None).unwrap()).unwrap();
    store.migrate().await.unwrap();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| postgres.query(HOLD));
        while postgres.query(IS_HELD) == "0" {
            assert!(!other.is_finished(), "it was never held");
        }
        let runtime = tokio::runtime::Handle::current();
        let migrated = scope.spawn(move || runtime.block_on(store.migrate()));
        migrated.join().unwrap().unwrap();
    });
}
