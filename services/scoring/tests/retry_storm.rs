//! The incident that the product exists for, in simulated time: the real policy against the real
//! model of the provider. A bad edit of the retry settings drowns a provider near its capacity, it
//! stays drowned for as long as the edit stands, and recovers when the edit is taken back.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use resilience::{Classified, Deadline, FailureClass, Policy};
use schema::platform::ProviderClient;
use schema::settings::ScoreProviderSettings;
use score_provider::provider::{Fate, Provider};
use scoring::policy;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

/// Tasks of scoring, each with a policy of its own.
const TASKS: usize = 2;

#[derive(Debug)]
struct NoScore;

impl Classified for NoScore {
    fn class(&self) -> FailureClass {
        FailureClass::Transient
    }
}

/// The settings that stand before and after the edit.
fn good() -> Value {
    json!({
        "url": "http://score-provider:8084",
        "timeout": "550ms",
        "attemptTimeout": "250ms",
        "retry": { "maxAttempts": 2 },
    })
}

/// The edit: it passes validation, `attemptTimeout × maxAttempts + backoff` being below `timeout`.
fn bad(attempt_timeout_ms: u64) -> Value {
    json!({
        "url": "http://score-provider:8084",
        "timeout": "550ms",
        "attemptTimeout": format!("{attempt_timeout_ms}ms"),
        "retry": {
            "maxAttempts": 10,
            "initialBackoff": "1ms",
            "maxBackoff": "5ms",
            "backoffMultiplier": 2,
            "budget": { "percent": 100, "interval": "10s", "minRetriesPerSecond": 1000 },
        },
        "circuitBreaker": { "mode": "Disabled" },
    })
}

fn provider_settings(error_rate: u32) -> ScoreProviderSettings {
    serde_json::from_value(json!({
        "latency": { "p50": "60ms", "p99": "180ms" },
        "errorRate": error_rate,
        "hangRate": 0,
        "capacity": 80,
    }))
    .unwrap()
}

/// Scoring under load, calling the provider.
struct Morning {
    policies: Vec<Policy>,
    provider: Arc<Mutex<Provider>>,
    settings: Arc<ScoreProviderSettings>,
    calls_per_second: u32,
    random: StdRng,
}

impl Morning {
    fn new(calls_per_second: u32, error_rate: u32, seed: u64) -> Self {
        let config = policy_config(&good());
        Self {
            policies: (0..TASKS)
                .map(|task| Policy::new(config.clone(), seed + task as u64))
                .collect(),
            provider: Arc::new(Mutex::new(Provider::new(seed))),
            settings: Arc::new(provider_settings(error_rate)),
            calls_per_second,
            random: StdRng::seed_from_u64(seed),
        }
    }

    fn edit(&self, client: &Value) {
        for policy in &self.policies {
            policy.reconfigure(policy_config(client));
        }
    }

    /// Runs for `seconds` and returns the percent of calls without a score.
    async fn failure_rate(&mut self, seconds: u32) -> u32 {
        let mut calls = JoinSet::new();
        let mut at = Instant::now();
        let total = self.calls_per_second * seconds;
        for number in 0..total {
            // Chance decides when calls come: gaps are exponential, not even.
            let gap = -self.random.random_range(f64::EPSILON..1.0).ln();
            at += Duration::from_secs_f64(gap / f64::from(self.calls_per_second));
            sleep_until(at).await;
            let policy = self.policies[number as usize % TASKS].clone();
            let (provider, settings) = (Arc::clone(&self.provider), Arc::clone(&self.settings));
            calls.spawn(async move {
                let ask = |_| attempt(&provider, &settings);
                policy.call(Deadline::NONE, ask).await.is_ok()
            });
        }
        let scored = calls.join_all().await.into_iter().filter(|ok| *ok).count();
        (total - u32::try_from(scored).unwrap()) * 100 / total
    }
}

async fn attempt(
    provider: &Mutex<Provider>,
    settings: &ScoreProviderSettings,
) -> Result<(), NoScore> {
    let now = Instant::now().into_std();
    let fate = provider.lock().unwrap().take(settings, now, Duration::ZERO);
    match fate {
        Fate::Scored { after } => {
            sleep(after).await;
            Ok(())
        }
        Fate::Broken { after } => {
            sleep(after).await;
            Err(NoScore)
        }
        Fate::Hangs => std::future::pending().await,
        Fate::TurnedAway | Fate::Out => Err(NoScore),
    }
}

fn policy_config(client: &Value) -> resilience::PolicyConfig {
    let client: ProviderClient = serde_json::from_value(client.clone()).unwrap();
    policy::config(&client)
}

#[tokio::test(start_paused = true)]
async fn a_bad_retry_policy_drowns_the_provider_until_it_is_taken_back() {
    for (calls_per_second, error_rate, attempt_timeout_ms) in
        [(50, 5, 55), (60, 0, 50), (65, 3, 40)]
    {
        let case = format!("{calls_per_second}/s, {error_rate} % errors, {attempt_timeout_ms} ms");
        let mut morning = Morning::new(calls_per_second, error_rate, 1);

        let before = morning.failure_rate(30).await;
        assert!(before <= 2, "{case}: {before} % before the edit");

        morning.edit(&bad(attempt_timeout_ms));
        let onset = morning.failure_rate(10).await;
        assert!(onset >= 80, "{case}: {onset} % in the first 10 s");
        let during = morning.failure_rate(60).await;
        assert!(during >= 95, "{case}: {during} % while the edit stands");

        morning.edit(&good());
        let recovery = morning.failure_rate(10).await;
        assert!(
            recovery <= 75,
            "{case}: {recovery} % in the first 10 s without the edit"
        );
        let after = morning.failure_rate(30).await;
        assert!(after <= 2, "{case}: {after} % after that");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_edit_does_little_harm_to_a_provider_with_capacity_to_spare() {
    let mut morning = Morning::new(60, 5, 1);
    morning.settings = Arc::new(ScoreProviderSettings {
        capacity: None,
        ..provider_settings(5)
    });
    morning.edit(&bad(50));
    let failed = morning.failure_rate(60).await;
    assert!(
        failed <= 4,
        "{failed} %: only calls that are unlucky ten times in a row"
    );
}
