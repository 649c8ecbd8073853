//! The loan API as its clients, its operators and its database see it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

#[expect(dead_code, reason = "other tests use the rest")]
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
        ("scoring_revision", json!("scoring-that-scored")),
        ("settings_revision", json!("settings-1")),
        ("trace_id", json!(TRACE)),
        ("user_id", json!("user-1")),
        ("client_id", json!("demo")),
    ] {
        assert_eq!(row[column], value, "{column}");
    }
    let audit = &platform.audit(id(&approved))[0];
    for (column, value) in [
        ("event", json!("DECIDED")),
        ("status", json!("APPROVED")),
        ("amount", json!(5000.00)),
        ("score", json!(712)),
        ("scoring_revision", json!("scoring-that-scored")),
        ("settings_revision", json!("settings-1")),
        ("trace_id", json!(TRACE)),
        ("program", json!("loan-api")),
    ] {
        assert_eq!(audit[column], value, "{column}");
    }
    assert_eq!(audit["policy"]["bands"][0]["interestRate"], "11.90");
    let received = &platform.scoring.received_requests().await.unwrap()[0];
    let carried = received.headers["traceparent"].to_str().unwrap();
    assert!(carried.contains(TRACE), "{carried}");
    let is_logged = async || !platform.logged("application decided").is_empty();
    platform.wait_for("logged", is_logged).await;
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
        ("termMonths", json!("24"), 422),
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
    let keyed = |key: &str| platform.apply_with(key, &application());
    let (_, first) = answer(keyed("k-1")).await;
    for form in ["k-1", "\"k-1\""] {
        let again = keyed(form).send().await.unwrap();
        assert_eq!(again.status(), 200, "{form}");
        assert_eq!(again.headers()["idempotency-replayed"], "true");
        assert_eq!(again.json::<Value>().await.unwrap(), first, "{form}");
    }
    let mut other = application();
    other["amount"] = json!(6000);
    let (status, problem) = answer(platform.apply_with("k-1", &other)).await;
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

    let another_client = keyed("k-1").build().unwrap();
    let mut another_client = another_client;
    let headers = another_client.headers_mut();
    headers.insert("authorization", "Bearer other".parse().unwrap());
    let theirs = platform.http.execute(another_client).await.unwrap();
    assert_eq!(theirs.status(), 200);
    let theirs: Value = theirs.json().await.unwrap();
    assert_ne!(id(&theirs), id(&first), "keys are a client's own");
}

#[tokio::test]
async fn without_a_key_or_with_an_unusable_one_nothing_is_stored() {
    let platform = Platform::start(&settings()).await;
    platform.let_scoring_answer(scored(712)).await;
    let keyless = platform.apply_keyless(&application());
    let long = platform.apply_with(&"k".repeat(201), &application());
    for (request, code) in [
        (keyless, "IDEMPOTENCY_KEY_MISSING"),
        (long, "IDEMPOTENCY_KEY_INVALID"),
    ] {
        let (status, problem) = answer(request).await;
        assert_eq!((status.as_u16(), &problem["code"]), (400, &json!(code)));
    }
    let count = "SELECT count(*) FROM loan_applications";
    assert_eq!(platform.postgres.query(count), "0");
}

#[tokio::test]
async fn a_key_whose_application_is_being_worked_on_is_a_conflict_until_its_request_is_answered() {
    let platform = Platform::start(&settings()).await;
    let slow = scored(712).set_delay(Duration::from_secs(2));
    platform.let_scoring_answer(slow).await;
    let keyed = || platform.apply_with("k-1", &application());
    let first = tokio::spawn(keyed().send());
    let asked = || async { platform.scoring.received_requests().await.unwrap().len() == 1 };
    platform.wait_for("scored", asked).await;
    let meanwhile = keyed().send().await.unwrap();
    assert_eq!(meanwhile.status(), 409);
    assert_eq!(meanwhile.headers()["retry-after"], "1");
    let problem: Value = meanwhile.json().await.unwrap();
    assert_eq!(problem["code"], "APPLICATION_UNDER_WAY");

    let first: Value = first.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(first["status"], "APPROVED");
    assert_eq!(answer(keyed()).await, (StatusCode::OK, first));
}

#[tokio::test]
async fn a_key_whose_request_went_unanswered_in_time_is_answered_with_what_is_known() {
    let mut settings = settings();
    settings["requestDeadline"] = json!("400ms");
    let platform = Platform::start(&settings).await;
    platform
        .let_scoring_answer(ResponseTemplate::new(503))
        .await;
    let keyed = || platform.apply_with("k-1", &application());
    let (status, received) = answer(keyed()).await;
    assert_eq!(status, 202);
    let replayed = || async {
        let (status, again) = answer(keyed()).await;
        assert!([202, 409].contains(&status.as_u16()), "{status}: {again}");
        status == 202 && again == received
    };
    platform.wait_for("replayed", replayed).await;
}

#[tokio::test]
async fn what_is_refused_for_what_it_is_is_left_to_people_and_they_can_hand_it_back() {
    let platform = Platform::start(&settings()).await;
    platform.let_scoring_answer(scored(1_001)).await;
    let (status, received) = answer(platform.apply(&application())).await;
    assert_eq!(status, 202);
    let id = id(&received).to_owned();
    // What the worker waits for otherwise: time.
    platform
        .postgres
        .query("UPDATE loan_applications SET lease_until = now(), refusals = 4");
    let left = || async { platform.row(&id)["needs_review_since"] != Value::Null };
    platform.wait_for("left to people", left).await;
    let reason = platform.row(&id)["review_reason"].to_string();
    assert!(reason.contains("refused 5 times"), "{reason}");
    assert!(reason.contains("a score from 0 to 1000"), "{reason}");
    assert_eq!(platform.row(&id)["status"], "RECEIVED");
    let gauge = "\napplications_needing_review 1";
    let shown = || async { platform.admin("metrics").await.contains(gauge) };
    platform.wait_for("shown", shown).await;

    platform.let_scoring_answer(scored(712)).await;
    platform.postgres.query(
        "UPDATE loan_applications \
         SET needs_review_since = NULL, review_reason = NULL, lease_until = now()",
    );
    let approved = || async { answer(platform.show(&id, "demo")).await.1["status"] == "APPROVED" };
    platform.wait_for("decided", approved).await;
    let audit = platform.audit(&id);
    let events: Vec<_> = audit.iter().map(|it| &it["event"]).collect();
    assert_eq!(events, ["NEEDS_REVIEW", "REVIEW_ENDED", "DECIDED"]);
    assert_eq!(audit[1]["program"], "psql");
}

#[tokio::test]
async fn the_log_says_nothing_about_a_person_even_when_it_says_most() {
    let platform = Platform::start(&settings()).await;
    platform.log_at("debug").await;
    let person = json!({"userId": "someone-4711", "amount": "31337.07", "termMonths": 24, "income": "4242.42"});
    let decided = {
        platform.let_scoring_answer(scored(700)).await;
        answer(platform.apply(&person)).await.1
    };
    let refused = json!({"userId": "someone-4711", "amount": "31337.07", "income": "4242.4242"});
    answer(platform.apply(&refused)).await;
    let failing = ResponseTemplate::new(500).set_body_json(&person);
    platform.let_scoring_answer(failing).await;
    answer(platform.apply(&person)).await;
    let is_logged = async || platform.logged("answered").len() == 3;
    platform.wait_for("logged", is_logged).await;
    let lines = platform.lines();
    let id = &decided["applicationId"];
    let of_it = lines.iter().find(|line| line["application_id"] == *id);
    assert!(of_it.is_some_and(|line| line["trace_id"].is_string()));
    for secret in ["someone-4711", "31337.07", "4242.42", "bearer demo"] {
        let told = |line: &&Value| line.to_string().to_lowercase().contains(secret);
        assert_eq!(lines.iter().find(told), None, "{secret}");
    }
}

#[tokio::test]
async fn nobody_changes_what_the_audit_says() {
    let platform = Platform::start(&settings()).await;
    platform.let_scoring_answer(scored(712)).await;
    let (_, approved) = answer(platform.apply(&application())).await;
    for statement in [
        "UPDATE loan_application_audit SET score = 800",
        "DELETE FROM loan_application_audit",
        "TRUNCATE loan_application_audit",
    ] {
        let said = platform.postgres.refuses(statement);
        assert!(said.contains("append-only"), "{said}");
    }
    for statement in [
        "DELETE FROM loan_applications",
        "UPDATE loan_applications SET application_id = 'another'",
        "TRUNCATE loan_applications",
    ] {
        let said = platform.postgres.refuses(statement);
        assert!(said.contains("the audit tells of are kept"), "{said}");
    }
    // As tools for people do it, which write every column.
    platform.postgres.query(
        "UPDATE loan_applications SET application_id = application_id, interest_rate = 9.90",
    );
    let audit = platform.audit(id(&approved));
    assert_eq!(audit[1]["event"], "CORRECTED");
    assert_eq!(audit[1]["interest_rate"], json!(9.90));
    assert_eq!(audit[1]["actor"], "postgres");
}

#[tokio::test]
async fn a_decision_is_told_of_alike_by_the_program_and_by_the_table() {
    let platform = Platform::start(&settings()).await;
    for (score, status) in [(712, "APPROVED"), (600, "REJECTED")] {
        platform.let_scoring_answer(scored(score)).await;
        let (_, answered) = answer(platform.apply(&application())).await;
        assert_eq!(answered["status"], status);
        let id = id(&answered);
        // As the program before this one decides, which leaves it to the table.
        platform.postgres.query(&format!(
            "INSERT INTO loan_applications (application_id, client_id, user_id, amount, term_months, income, \
                 trace_id, lease_until) \
             SELECT 'like-' || application_id, client_id, user_id, amount, term_months, income, trace_id, 'infinity' \
             FROM loan_applications WHERE application_id = '{id}'; \
             UPDATE loan_applications a \
             SET status = b.status, interest_rate = b.interest_rate, rejection_reason = b.rejection_reason, \
                 score = b.score, risk_band = b.risk_band, provider = b.provider, \
                 scoring_revision = b.scoring_revision, settings_revision = b.settings_revision, \
                 policy = b.policy, decided_at = now() \
             FROM loan_applications b WHERE a.decided_at IS NULL AND b.application_id = '{id}'",
        ));
        let mut told = platform.audit(id);
        told.extend(platform.audit(&format!("like-{id}")));
        for row in &mut told {
            let row = row.as_object_mut().unwrap();
            row.retain(|it, _| !["audit_id", "application_id", "at", "program"].contains(&&**it));
        }
        let [by_program, by_table] = &told[..] else {
            panic!("each once: {told:?}");
        };
        assert_eq!(by_program, by_table);
    }
}

#[tokio::test]
async fn what_people_change_is_told_of_whatever_they_write_beside_it() {
    let platform = Platform::start(&settings()).await;
    platform.let_scoring_answer(scored(712)).await;
    let (_, approved) = answer(platform.apply(&application())).await;
    let id = id(&approved);
    for change in [
        "interest_rate = 9.90",
        "interest_rate = 8.90, decision_told_at = now()",
        "interest_rate = 7.90, decided_at = now(), decision_told_at = now()",
        "status = 'RECEIVED', interest_rate = NULL, score = NULL, decided_at = NULL, lease_until = 'infinity'",
        "status = 'APPROVED', interest_rate = 6.90, score = 712, decided_at = decision_told_at",
        "status = 'RECEIVED', interest_rate = NULL, score = NULL, decided_at = NULL, lease_until = now()",
    ] {
        platform
            .postgres
            .query(&format!("UPDATE loan_applications SET {change}"));
    }
    let decided = || async { platform.row(id)["status"] == "APPROVED" };
    platform.wait_for("decided again", decided).await;
    let audit = platform.audit(id);
    let events: Vec<_> = audit.iter().map(|it| &it["event"]).collect();
    let corrected = "CORRECTED";
    assert_eq!(
        events,
        [
            "DECIDED", corrected, corrected, corrected, corrected, "DECIDED", corrected, "DECIDED"
        ]
    );
}

#[tokio::test]
async fn one_application_is_found_by_its_id_and_those_to_be_taken_up_by_their_leases() {
    let platform = Platform::start(&settings()).await;
    let plan_of = |statement: &str| {
        let explain = format!("SET enable_seqscan = off; EXPLAIN {statement}");
        platform.postgres.query(&explain)
    };
    let one = plan_of(
        "UPDATE loan_applications SET score = 0 WHERE application_id = 'app-1' AND decided_at IS NULL",
    );
    assert!(!one.contains("loan_applications_undecided"), "{one}");
    assert!(one.contains("loan_applications_pkey"), "{one}");
    let all = plan_of("SELECT FROM loan_applications WHERE status = 'RECEIVED'");
    assert!(all.contains("loan_applications_undecided"), "{all}");
}

#[tokio::test]
async fn what_contradicts_itself_is_not_stored_whoever_changes_it() {
    let platform = Platform::start(&settings()).await;
    platform.let_scoring_answer(scored(712)).await;
    answer(platform.apply(&application())).await;
    for change in [
        "status = 'RECEIVED'",
        "status = 'PENDING'",
        "status = 'REJECTED'",
        "status = 'REJECTED', rejection_reason = 'BY_HAND'",
        "interest_rate = NULL",
        "score = NULL",
        "decided_at = NULL",
        "rejection_reason = 'BY_HAND'",
        "needs_review_since = now()",
        "review_reason = 'why'",
    ] {
        let statement = format!("UPDATE loan_applications SET {change}");
        let said = platform.postgres.refuses(&statement);
        assert!(said.contains("loan_applications_decision"), "{said}");
    }
    for (column, value) in [
        ("status", "'APPROVED'"),
        ("decided_at", "now()"),
        ("score", "712"),
    ] {
        let statement = format!(
            "INSERT INTO loan_applications (application_id, client_id, user_id, amount, term_months, income, \
                 trace_id, lease_until, {column}) \
             SELECT 'by-hand', client_id, user_id, amount, term_months, income, trace_id, now(), {value} \
             FROM loan_applications"
        );
        let said = platform.postgres.refuses(&statement);
        assert!(said.contains("loan_applications_decision"), "{said}");
    }
    platform.postgres.query(
        "UPDATE loan_applications SET status = 'REJECTED', rejection_reason = 'BY_HAND', interest_rate = NULL",
    );
}

#[tokio::test]
async fn a_busy_pool_is_not_taken_for_a_database_that_is_away() {
    let platform = Platform::start(&settings()).await;
    platform.let_scoring_answer(scored(712)).await;
    let held = platform.postgres.hold_writes("loan_applications");
    // Each round takes as long as a statement may, and readiness is looked at every second.
    for round in 0..3 {
        let apply = |_| tokio::spawn(platform.apply(&application()).send());
        let requests: Vec<_> = (0..40).map(apply).collect();
        for request in requests {
            let status = request.await.unwrap().unwrap().status();
            assert_eq!(status, 503, "nothing can be stored");
        }
        assert!(platform.is_ready().await, "the database is there: {round}");
    }
    drop(held);
    assert_eq!(answer(platform.apply(&application())).await.0, 200);
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
    let shown = "\nsettings_refused 1";
    assert!(platform.admin("metrics").await.contains(shown));
    assert!(platform.is_ready().await);
    assert!(in_force("settings_sequence 2").await);

    let mut calm = stricter.clone();
    calm["rateLimit"] = Value::Null;
    platform.rewrite_settings(4, &calm);
    platform
        .wait_for("in force", || in_force("settings_sequence 4"))
        .await;
    assert!(!platform.admin("metrics").await.contains(shown));
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
