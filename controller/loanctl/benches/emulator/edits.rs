//! From the write of a spec to the call that applies it.

use std::time::{Duration, Instant};

use emulator::Service;
use serde_json::json;

use crate::account::{Account, eventually};
use crate::called;
use crate::controller::Controller;
use crate::events::Events;
use crate::samples::{Samples, millis};
use crate::table::Table;

/// Edits with a queue: enough for a p99.
const TOLD: u32 = 200;
/// Edits that are found by polling.
const POLLED: u32 = 8;
/// Platforms that rest beside the one that is edited.
const BESIDE: u32 = 10;

pub(crate) async fn measure(table: &mut Table) {
    let account = Account::opens().await;
    let events = Events::of(&account).await;
    let resting = ["--poll", "1h", "--resync", "5m", "--queue", events.queue()];
    let controller = Controller::starts_with(&account.emulators, &resting).await;
    controller.holds_the_lease().await;
    for number in 0..BESIDE {
        let name = format!("p{number}");
        account.submits(&name, |_| ()).await;
        events
            .written(&account, &format!("specs/{name}.yaml"))
            .await;
    }
    let samples = edits(&account, Some(&events), TOLD).await;
    row(
        table,
        "an edit, told of by the queue",
        &samples,
        "required: 1 s (p99)",
    );
    assert!(controller.stops().await);

    let polling = ["--poll", "10s", "--resync", "5m"];
    let controller = Controller::starts_with(&account.emulators, &polling).await;
    controller.holds_the_lease().await;
    let samples = edits(&account, None, POLLED).await;
    row(table, "the same, found by polling every 10 s", &samples, "");
    assert!(controller.stops().await);
}

/// Edits of one platform, one after another, and how long each took to its first call.
async fn edits(account: &Account, events: Option<&Events>, count: u32) -> Samples {
    edit(account, events, 1).await;
    eventually("the platform is as it is before the edits", async || {
        let auth = account.service("dev-auth").await?;
        (auth.desired_count() == 1).then_some(())
    })
    .await;
    let mut took = Vec::new();
    for number in 0..count {
        account.emulators.reset_calls();
        let since = Instant::now();
        edit(account, events, 2 + number % 2).await;
        took.push(called(account, Service::Ecs, "UpdateService", "").await - since);
        // Most of what this edit leads to is over before the next, which comes at any time between two looks.
        tokio::time::sleep(Duration::from_millis(u64::from(200 + 37 * number % 300))).await;
    }
    took.into_iter().collect()
}

async fn edit(account: &Account, events: Option<&Events>, count: u32) {
    let submitted = account.submits("dev", |spec| {
        spec["services"]["auth"]["desiredCount"] = json!(count);
    });
    submitted.await;
    if let Some(events) = events {
        events.written(account, "specs/dev.yaml").await;
    }
}

pub(crate) fn row(table: &mut Table, what: &str, samples: &Samples, compare: &str) {
    table.row([
        what.to_owned(),
        samples.count().to_string(),
        millis(samples.quantile(500)),
        millis(samples.quantile(990)),
        millis(samples.quantile(1_000)),
        compare.to_owned(),
    ]);
}
