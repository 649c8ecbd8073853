//! Settings reach running processes, and leave them what they have learnt.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::admin::{self, Breaker};
use crate::laptop::{BOUND, Laptop};
use crate::load::Load;
use crate::spec::Spec;
use crate::view::{View, pids};

/// How soon a changed setting is in force in every replica.
const LIVE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn breaker_and_retry_settings_reach_running_replicas_which_keep_their_breakers() {
    // Open for a minute, so that what is seen later is what was kept and no new verdict.
    let spec = Spec::new().with("errorRate: 0", "errorRate: 100").with(
        "waitDurationInOpenState: 5s",
        "waitDurationInOpenState: 60s",
    );
    let laptop = Laptop::with(&spec).await;
    let before = pids(laptop.platform().await.service("scoring"));
    let load = Load::start(&laptop.endpoint(), 30).await;
    wait_for_open_breakers(&laptop).await;
    drop(load);

    let edit = spec
        .with("failureRateThreshold: 50", "failureRateThreshold: 60")
        .with("percent: 20", "percent: 30");
    let saved_at = Timestamp::now();
    laptop.save(&edit);
    let live_after = wait_for_settings(&laptop, saved_at).await;

    println!("settings live {live_after:?} after the spec was saved");
    assert!(live_after <= LIVE, "live after {live_after:?}");
    let after = laptop.platform().await;
    assert_eq!(pids(after.service("scoring")), before);
    let breakers = admin::breakers(after.service("scoring")).await;
    assert_eq!(breakers, vec![Some(Breaker::Open); 2]);
    let shown = laptop
        .wait_within(
            LIVE,
            "the status to show the new settings of every task",
            |it| {
                let scoring = it.service("scoring");
                let of_tasks = scoring.tasks.iter().map(|task| &task.settings_revision);
                it.generation() == 2 && of_tasks.eq([&scoring.settings_revision; 2])
            },
        )
        .await;
    assert_eq!(shown.service("scoring").restarts, 0);
}

/// Waits until every replica of scoring has its breaker open.
async fn wait_for_open_breakers(laptop: &Laptop) {
    let started = tokio::time::Instant::now();
    loop {
        let platform = laptop.platform().await;
        let breakers = admin::breakers(platform.service("scoring")).await;
        if breakers == [Some(Breaker::Open); 2] {
            return;
        }
        assert!(started.elapsed() < BOUND, "not open: {breakers:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until every replica of scoring has both new settings in force; tells how long after
/// `saved_at` that was.
async fn wait_for_settings(laptop: &Laptop, saved_at: Timestamp) -> Duration {
    let platform = laptop.platform().await;
    loop {
        let all = admin::settings(platform.service("scoring")).await;
        let elapsed = Duration::try_from(Timestamp::now().duration_since(saved_at)).unwrap();
        if all.len() == 2 && all.iter().all(has_both) {
            return elapsed;
        }
        assert!(elapsed < BOUND, "not live: {all:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn has_both(document: &Value) -> bool {
    let provider = &document["settings"]["provider"];
    provider["circuitBreaker"]["failureRateThreshold"] == 60
        && provider["retry"]["budget"]["percent"] == 30
}
