//! Crashes, timeouts, repeats and hang-ups in whatever order: one application per key, at most one decision, and every
//! application comes to an end.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use support::{Platform, application, scored, settings};
use tokio::task::JoinSet;
use wiremock::ResponseTemplate;

/// Orders tried in a run; the next run tries others.
const CASES: u32 = 4;

/// Something that happens, a while after what happened before it.
#[derive(Clone, Debug)]
enum Step {
    /// A client sends the application of a key, and hangs up after so many milliseconds if it has no answer.
    Apply { key: u8, patience_ms: u64 },
    /// Scoring answers like this from now on.
    Scoring(Scoring),
    /// The program is killed and started again.
    Crash,
    /// The database breaks off every connection and starts again.
    DatabaseRestarts,
}

#[derive(Clone, Copy, Debug)]
enum Scoring {
    Answers,
    Dawdles,
    Fails,
    Hangs,
}

fn step() -> impl Strategy<Value = (u64, Step)> {
    let apply = (0..5_u8, prop_oneof![Just(5), 20..400_u64, Just(10_000)])
        .prop_map(|(key, patience_ms)| Step::Apply { key, patience_ms });
    let scoring = prop_oneof![
        Just(Scoring::Answers),
        Just(Scoring::Dawdles),
        Just(Scoring::Fails),
        Just(Scoring::Hangs)
    ];
    let what = prop_oneof![
        12 => apply,
        4 => scoring.prop_map(Step::Scoring),
        2 => Just(Step::Crash),
        1 => Just(Step::DatabaseRestarts),
    ];
    (0..150_u64, what)
}

/// What clients were answered: a status and an application, by key.
type Answers = BTreeMap<u8, Vec<(u16, Value)>>;

#[test]
fn whatever_happens_in_between_a_key_is_one_application_that_is_decided_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config {
        cases: CASES,
        max_shrink_iters: 0,
        failure_persistence: None,
        ..Config::default()
    };
    let orders = prop::collection::vec(step(), 20..50);
    TestRunner::new(config)
        .run(&orders, |steps| {
            runtime.block_on(holds(steps));
            Ok(())
        })
        .unwrap();
}

async fn holds(steps: Vec<(u64, Step)>) {
    let mut platform = Platform::start(&hasty()).await;
    platform.let_scoring_answer(scored(712)).await;
    let mut clients = JoinSet::new();
    for (pause_ms, step) in steps {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        match step {
            Step::Apply { key, patience_ms } => {
                let request = request(&platform, key);
                let request = request.timeout(Duration::from_millis(patience_ms));
                clients.spawn(async move { (key, answer(request).await) });
            }
            Step::Scoring(scoring) => platform.let_scoring_answer(template(scoring)).await,
            Step::Crash => platform.crash().await,
            Step::DatabaseRestarts => {
                platform.postgres.halt();
                platform.postgres.boot();
            }
        }
    }
    let mut answers = Answers::new();
    for (key, answer) in clients.join_all().await {
        answers.entry(key).or_default().extend(answer);
    }
    platform.let_scoring_answer(scored(712)).await;
    for (key, answers) in &mut answers {
        answers.push(decided(&platform, *key).await);
    }
    let open = "SELECT count(*) FROM loan_applications WHERE status = 'RECEIVED'";
    let ended = || async {
        hurry(&platform);
        platform.postgres.query(open) == "0"
    };
    platform.wait_for("at an end", ended).await;
    judge(&platform, &answers);
}

/// Settings under which things go wrong soon.
fn hasty() -> Value {
    let mut settings = settings();
    settings["requestDeadline"] = json!("300ms");
    settings["clients"]["scoring"] = json!({
        "timeout": "200ms", "circuitBreaker": {"waitDurationInOpenState": "100ms", "maxWaitDurationInOpenState": "200ms"},
    });
    settings
}

fn request(platform: &Platform, key: u8) -> reqwest::RequestBuilder {
    let mut body = application();
    body["userId"] = json!(format!("user-{key}"));
    platform.apply_with(&format!("key-{key}"), &body)
}

fn template(scoring: Scoring) -> ResponseTemplate {
    match scoring {
        Scoring::Answers => scored(712),
        Scoring::Dawdles => scored(712).set_delay(Duration::from_millis(150)),
        Scoring::Fails => ResponseTemplate::new(503),
        Scoring::Hangs => scored(712).set_delay(Duration::from_secs(30)),
    }
}

/// Nothing where the client hung up, or was hung up on.
async fn answer(request: reqwest::RequestBuilder) -> Option<(u16, Value)> {
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    Some((status, response.json().await.ok()?))
}

/// Sends the application of a key again, as a client should, until it is decided.
async fn decided(platform: &Platform, key: u8) -> (u16, Value) {
    let last = std::sync::Mutex::new((0, Value::Null));
    let is_decided = || async {
        hurry(platform);
        let answer = answer(request(platform, key)).await;
        let answer = answer.unwrap_or((0, Value::Null));
        let is_decided = answer.0 == 200;
        *last.lock().unwrap() = answer;
        is_decided
    };
    platform.wait_for("decided", is_decided).await;
    last.into_inner().unwrap()
}

/// What recovery waits for otherwise: time.
fn hurry(platform: &Platform) {
    platform
        .postgres
        .query("UPDATE loan_applications SET lease_until = now() WHERE status = 'RECEIVED'");
}

fn judge(platform: &Platform, answers: &Answers) {
    let keys = answers.len().to_string();
    let count = |what: &str| {
        platform
            .postgres
            .query(&format!("SELECT count(*) FROM {what}"))
    };
    assert_eq!(count("loan_applications"), keys, "one application per key");
    assert_eq!(count("loan_application_audit"), keys, "one decision each");
    for (key, answers) in answers {
        let (_, last) = answers.last().expect("each was decided");
        let id = last["applicationId"].as_str().expect("an id");
        assert_eq!(platform.audit(id)[0]["event"], "DECIDED");
        for (status, answer) in answers {
            match status {
                200 => assert_eq!(answer, last, "key {key}: another decision"),
                202 => assert_eq!(
                    answer["applicationId"], id,
                    "key {key}: another application"
                ),
                409 | 503 => {}
                other => panic!("key {key}: {other} {answer}"),
            }
        }
    }
}
