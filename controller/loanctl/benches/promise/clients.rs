//! Clients that apply at a steady rate, whatever becomes of it, and keep what they were answered.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at};
use uuid::Uuid;

use crate::load::authorized;
use crate::samples::Samples;

/// What one application was answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// From the moment the request was due.
    latency: Duration,
    /// 0 where no answer came.
    status: u16,
    pub(crate) key: String,
    pub(crate) application_id: Option<String>,
}

/// What all of them were answered.
#[derive(Debug)]
pub(crate) struct Answers(pub(crate) Vec<Answer>);

/// Sends `per_second` applications a second to the loan API at `endpoint` for `length`.
pub(crate) async fn send(endpoint: &str, per_second: u32, length: Duration) -> Answers {
    let (http, token) = authorized(endpoint).await;
    let begun = Instant::now();
    let mut ticks = interval_at(begun, Duration::from_secs(1) / per_second);
    let mut requests = JoinSet::new();
    loop {
        let due = ticks.tick().await;
        if due >= begun + length {
            break;
        }
        let key = Uuid::new_v4().to_string();
        let request = http
            .post(format!("{endpoint}/loan/apply"))
            .bearer_auth(&token)
            .header("Idempotency-Key", &key)
            .json(&json!({"userId": key, "amount": "5000", "termMonths": 24, "income": "3000"}));
        requests.spawn(answer(request, key, due));
    }
    Answers(requests.join_all().await)
}

async fn answer(request: reqwest::RequestBuilder, key: String, due: Instant) -> Answer {
    let (status, body) = match request.send().await {
        Ok(response) => {
            let status = response.status().as_u16();
            (status, response.json::<Value>().await.unwrap_or_default())
        }
        Err(_) => (0, Value::Null),
    };
    Answer {
        latency: due.elapsed(),
        status,
        key,
        application_id: body["applicationId"].as_str().map(str::to_owned),
    }
}

impl Answers {
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn latencies(&self) -> Samples {
        self.0.iter().map(|answer| answer.latency).collect()
    }

    pub(crate) fn percent_within(&self, limit: Duration) -> f64 {
        self.latencies().percent_below(limit)
    }

    pub(crate) fn with_status(&self, status: u16) -> usize {
        self.0
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    }

    /// The statuses beside `known`, each with how often it came; 0 where no answer came.
    pub(crate) fn other_than(&self, known: &[u16]) -> String {
        let mut others = BTreeMap::<u16, usize>::new();
        for answer in &self.0 {
            if !known.contains(&answer.status) {
                *others.entry(answer.status).or_default() += 1;
            }
        }
        let told: Vec<String> = others
            .iter()
            .map(|(status, count)| format!("{status}×{count}"))
            .collect();
        if told.is_empty() {
            "0".to_owned()
        } else {
            told.join(" ")
        }
    }
}
