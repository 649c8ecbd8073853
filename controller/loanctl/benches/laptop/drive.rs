//! Clients that measure: a closed loop that shows what a platform can take, an open one that shows how
//! long people wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at};
use uuid::Uuid;

use crate::load::{CLIENT_TIMEOUT, authorized};
use crate::samples::Samples;

/// Requests of an open loop under way at once; one more counts as unexpected.
const MAX_UNDER_WAY: usize = 2_000;

/// Requests of one kind to one address.
#[derive(Clone)]
pub(crate) struct Target {
    http: reqwest::Client,
    address: String,
    token: Arc<str>,
    kind: Kind,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// An application; a decision is expected.
    Apply,
    /// An application that there is none of; 404 is expected.
    FindNone,
}

/// What came of a load.
pub(crate) struct Answers {
    pub(crate) latencies: Samples,
    /// Answers other than the expected one.
    pub(crate) unexpected: usize,
    pub(crate) per_second: f64,
}

impl Target {
    /// With a token from the loan API at `endpoint`, requests to `address`.
    pub(crate) async fn new(endpoint: &str, address: &str, kind: Kind) -> Self {
        let (http, token) = authorized(endpoint).await;
        Self {
            http,
            address: address.to_owned(),
            token: token.into(),
            kind,
        }
    }

    /// Sends one; tells whether it was answered as expected.
    async fn ask(&self) -> bool {
        let request = match self.kind {
            Kind::Apply => {
                let body = json!({"userId": "bench", "amount": "5000", "termMonths": 24, "income": "3000"});
                let address = format!("{}/loan/apply", self.address);
                let key = Uuid::new_v4().to_string();
                let request = self.http.post(address).json(&body);
                request.header("Idempotency-Key", key)
            }
            Kind::FindNone => {
                let address = format!("{}/loan/applications/app-unknown", self.address);
                self.http.get(address)
            }
        };
        let Ok(answer) = request.bearer_auth(&self.token).send().await else {
            return false;
        };
        let status = answer.status().as_u16();
        // The connection is free again only when the body has been read.
        let read = answer.bytes().await.is_ok();
        let expected = match self.kind {
            Kind::Apply => 200,
            Kind::FindNone => 404,
        };
        read && status == expected
    }
}

/// So many connections, each asking again as soon as it is answered.
pub(crate) async fn closed(target: &Target, connections: usize, length: Duration) -> Answers {
    let ended = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    let begun = Instant::now();
    for _ in 0..connections {
        let (target, ended) = (target.clone(), Arc::clone(&ended));
        clients.spawn(async move {
            let mut answers = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                let asked = Instant::now();
                let expected = target.ask().await;
                answers.push((asked.elapsed(), expected));
            }
            answers
        });
    }
    tokio::time::sleep(length).await;
    ended.store(true, Ordering::Relaxed);
    let answers = clients.join_all().await.concat();
    Answers::of(&answers, begun.elapsed())
}

/// So many requests a second, whatever becomes of them. A latency counts from the moment at which the
/// request was due, so that clients which fall behind do not flatter the platform.
pub(crate) async fn open(target: &Target, per_second: u32, length: Duration) -> Answers {
    let begun = Instant::now();
    let mut ticks = interval_at(begun, Duration::from_secs(1) / per_second.max(1));
    let mut requests = JoinSet::new();
    let mut answers = Vec::new();
    loop {
        let due = ticks.tick().await;
        if due >= begun + length {
            break;
        }
        while let Some(answer) = requests.try_join_next() {
            answers.push(answer.unwrap());
        }
        if requests.len() >= MAX_UNDER_WAY {
            answers.push((CLIENT_TIMEOUT, false));
            continue;
        }
        let target = target.clone();
        requests.spawn(async move {
            let expected = target.ask().await;
            (due.elapsed(), expected)
        });
    }
    answers.extend(requests.join_all().await);
    Answers::of(&answers, begun.elapsed())
}

impl Answers {
    fn of(answers: &[(Duration, bool)], took: Duration) -> Self {
        Self {
            latencies: answers.iter().map(|(latency, _)| *latency).collect(),
            unexpected: answers.iter().filter(|(_, expected)| !expected).count(),
            per_second: answers.len() as f64 / took.as_secs_f64(),
        }
    }
}
