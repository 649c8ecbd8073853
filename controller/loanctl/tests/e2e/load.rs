//! Clients of a loan API: so many applications a second, whatever becomes of them.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

/// Requests under way at once; one more counts as failed.
const MAX_UNDER_WAY: usize = 1_000;
/// Answers remembered: an hour at 60 a second and some.
const MAX_ANSWERS: usize = 250_000;
/// Times an application is sent again while it is being worked on.
const MAX_REPEATS: usize = 5;
/// Answers this late are lost.
pub(crate) const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Steady load for as long as this lives.
pub(crate) struct Load {
    answers: Arc<Mutex<Vec<Answer>>>,
    sender: JoinHandle<()>,
}

/// What became of one request.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// When it was sent.
    pub(crate) at: Timestamp,
    /// How long it took.
    pub(crate) latency: Duration,
    /// What came of it.
    pub(crate) outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A decision.
    Decided,
    /// 202: the decision follows.
    Undecided,
    /// Anything else, with what it was.
    Failed(String),
}

impl Load {
    /// Sends `per_second` applications a second to the loan API at `endpoint`.
    pub(crate) async fn start(endpoint: &str, per_second: u32) -> Self {
        let client = Client::new(endpoint).await;
        let answers = Arc::new(Mutex::new(Vec::new()));
        let sender = tokio::spawn(send(client, per_second, Arc::clone(&answers)));
        Self { answers, sender }
    }

    /// What became of the requests sent from `from` on and before `to`.
    pub(crate) fn between(&self, from: Timestamp, to: Timestamp) -> Summary {
        let answers = self.answers.lock().unwrap();
        let within = answers.iter().filter(|it| from <= it.at && it.at < to);
        Summary::of(&within.collect::<Vec<_>>())
    }

    /// What became of all requests.
    pub(crate) fn all(&self) -> Summary {
        self.between(Timestamp::MIN, Timestamp::MAX)
    }

    /// Lets the load run for `length`, and returns what became of it. Requests still under way then
    /// are waited for.
    pub(crate) async fn run_for(&self, length: Duration) -> Summary {
        let from = Timestamp::now();
        tokio::time::sleep(length).await;
        let to = Timestamp::now();
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.between(from, to)
    }

    /// The first second since `since` in which more than `percent` of the requests went without a
    /// decision.
    pub(crate) fn first_second_above(&self, percent: f64, since: Timestamp) -> Option<Timestamp> {
        let second = Duration::from_secs(1);
        let mut from = since;
        while from < Timestamp::now() {
            let to = from + second;
            if self.between(from, to).without_decision() > percent {
                return Some(from);
            }
            from = to;
        }
        None
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.sender.abort();
    }
}

/// Counts of some requests.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    pub(crate) sent: usize,
    pub(crate) failed: usize,
    pub(crate) undecided: usize,
    /// Some of the failures, to read.
    pub(crate) failures: Vec<String>,
    latencies: Vec<Duration>,
}

impl Summary {
    fn of(answers: &[&Answer]) -> Self {
        let mut latencies: Vec<Duration> = answers.iter().map(|it| it.latency).collect();
        latencies.sort_unstable();
        let failures: Vec<String> = answers
            .iter()
            .filter_map(|it| match &it.outcome {
                Outcome::Failed(why) => Some(format!("{} after {:?}: {why}", it.at, it.latency)),
                Outcome::Decided | Outcome::Undecided => None,
            })
            .collect();
        Self {
            sent: answers.len(),
            failed: failures.len(),
            undecided: answers
                .iter()
                .filter(|it| it.outcome == Outcome::Undecided)
                .count(),
            failures: failures.into_iter().take(10).collect(),
            latencies,
        }
    }

    /// Percent that failed.
    pub(crate) fn failure_rate(&self) -> f64 {
        percent(self.failed, self.sent)
    }

    /// Percent that failed or got no decision in time.
    pub(crate) fn without_decision(&self) -> f64 {
        percent(self.failed + self.undecided, self.sent)
    }

    /// The latency that `percent` of the requests do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let index =
            (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(index).copied().unwrap_or_default()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} sent, {:.1} % failed, {:.1} % undecided, p50 {} ms, p99 {} ms",
            self.sent,
            self.failure_rate(),
            percent(self.undecided, self.sent),
            self.percentile(50).as_millis(),
            self.percentile(99).as_millis()
        )?;
        self.failures
            .first()
            .map_or(Ok(()), |first| write!(f, "; first failure: {first}"))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a test are small")]
fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        100.0 * part as f64 / whole as f64
    }
}

/// An HTTP client, and a token that the loan API at `endpoint` gave for the demo credentials.
pub(crate) async fn authorized(endpoint: &str) -> (reqwest::Client, String) {
    let http = reqwest::Client::builder()
        .timeout(CLIENT_TIMEOUT)
        .retry(reqwest::retry::never())
        .build()
        .unwrap();
    let request = http
        .post(format!("{endpoint}/oauth/token"))
        .basic_auth("demo", Some("demo-secret"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials");
    let answer = request.send().await.unwrap().error_for_status().unwrap();
    let answer: Value = answer.json().await.unwrap();
    let token = answer["access_token"].as_str().expect("a token").to_owned();
    (http, token)
}

/// A client of one loan API, with a token.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    endpoint: String,
    token: String,
}

impl Client {
    /// A client with a token.
    pub(crate) async fn new(endpoint: &str) -> Self {
        let (http, token) = authorized(endpoint).await;
        Self {
            http,
            endpoint: endpoint.to_owned(),
            token,
        }
    }

    /// Applies for a loan; returns the status and the body. As a client should, it asks again with the same key
    /// while its application is being worked on: a task that was killed may have been at it.
    pub(crate) async fn apply(&self, user: &str) -> Result<(u16, Value), reqwest::Error> {
        let key = Uuid::new_v4().to_string();
        for _ in 0..MAX_REPEATS {
            let (status, body) = self.apply_once(user, &key).await?;
            if status != 409 {
                return Ok((status, body));
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        self.apply_once(user, &key).await
    }

    async fn apply_once(&self, user: &str, key: &str) -> Result<(u16, Value), reqwest::Error> {
        let body = json!({"userId": user, "amount": "5000", "termMonths": 24, "income": "3000"});
        let request = self
            .http
            .post(format!("{}/loan/apply", self.endpoint))
            .bearer_auth(&self.token)
            .header("Idempotency-Key", key)
            .json(&body);
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    async fn outcome(&self, user: &str) -> Outcome {
        match self.apply(user).await {
            Ok((202, _)) => Outcome::Undecided,
            Ok((status, body)) if (200..300).contains(&status) => match body["status"].as_str() {
                Some("APPROVED" | "REJECTED") => Outcome::Decided,
                _ => Outcome::Failed(format!("{status} without a decision: {body}")),
            },
            Ok((status, body)) => Outcome::Failed(format!("{status}: {body}")),
            Err(error) => Outcome::Failed(format!("{error:?}")),
        }
    }
}

async fn send(client: Client, per_second: u32, answers: Arc<Mutex<Vec<Answer>>>) {
    let places = Arc::new(Semaphore::new(MAX_UNDER_WAY));
    let mut ticks = interval(Duration::from_secs(1) / per_second);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for number in 0_u64.. {
        ticks.tick().await;
        let (client, answers) = (client.clone(), Arc::clone(&answers));
        let place = Arc::clone(&places).try_acquire_owned();
        tokio::spawn(async move {
            let (at, begun) = (Timestamp::now(), Instant::now());
            let outcome = match place {
                Ok(_place) => client.outcome(&format!("load-{number}")).await,
                Err(_) => Outcome::Failed("too many requests under way".to_owned()),
            };
            let answer = Answer {
                at,
                latency: begun.elapsed(),
                outcome,
            };
            let mut answers = answers.lock().unwrap();
            if answers.len() < MAX_ANSWERS {
                answers.push(answer);
            }
        });
    }
}
