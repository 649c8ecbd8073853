//! The controller dies at the worst moment, and comes back.

use std::time::Duration;

use engine::board::PlatformObject;
use jiff::{Timestamp, ToSpan};
use rustix::process::Signal;
use schema::status::{HistoryKind, Phase, ServiceStatus};

use crate::admin;
use crate::laptop::{BOUND, Laptop};
use crate::load::Load;
use crate::processes;
use crate::spec::Spec;
use crate::view::{View, pids, serves};

/// How soon everything that a killed run had started is gone.
const ORPHANS_END: Duration = Duration::from_secs(10);
const PER_SECOND: u32 = 30;

#[tokio::test(flavor = "multi_thread")]
async fn a_bake_outlives_a_controller_that_is_killed_in_its_middle() {
    let mut laptop = Laptop::with(&Spec::new()).await;
    let load = Load::start(&laptop.endpoint(), PER_SECOND).await;
    let baking = in_the_middle_of_a_bake(&laptop).await;
    let settings = settings_order(&baking).await;
    let first_run = laptop.processes();
    assert!(first_run.len() >= 7, "{first_run:?}");
    drop(load);

    laptop.end(Signal::KILL).await;
    processes::gone(&first_run, ORPHANS_END).await;
    let left = laptop.processes().into_iter().map(processes::tell);
    assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new());
    laptop.start();
    laptop
        .wait("every service to be back", |it| is_complete(it, &first_run))
        .await;
    let load = Load::start(&laptop.endpoint(), PER_SECOND).await;
    let judged = laptop
        .wait_within(2 * BOUND, "the bake to be judged", |it| {
            it.phase() == Phase::Succeeded
        })
        .await;

    assert_nothing_happened_twice(&baking, &judged);
    let again = settings_order(&judged).await;
    for (before, after) in settings.iter().zip(&again) {
        assert!(
            after.0 >= before.0,
            "the epoch fell: {settings:?}, {again:?}"
        );
        assert_eq!(after.1, before.1, "settings were written again");
    }
    let now = Timestamp::now();
    let last = load.between(now - 20.seconds(), now);
    assert_eq!(last.failed, 0, "{last}");
}

/// Waits until a second, harmless revision bakes and has been seen at work.
async fn in_the_middle_of_a_bake(laptop: &Laptop) -> PlatformObject {
    laptop
        .wait("the first revision to prove good", |it| {
            it.phase() == Phase::Succeeded
        })
        .await;
    laptop.save(&Spec::new().with("maxBackoff: 100ms", "maxBackoff: 120ms"));
    laptop
        .wait("the middle of its bake", |it| {
            let bake = it.status.scoring.bake.as_ref();
            it.generation() == 2 && bake.is_some_and(|bake| bake.samples > 100)
        })
        .await
}

/// Whether every service has all its replicas, none of them one of `old`.
fn is_complete(platform: &PlatformObject, old: &[u32]) -> bool {
    let services = &platform.status.services;
    let is_whole = |service: &ServiceStatus| {
        let new = pids(service).iter().all(|pid| !old.contains(pid));
        new && service.desired.is_some_and(|count| serves(service, count))
    };
    services.len() == 4 && services.iter().all(is_whole)
}

/// Since `before`, nothing but the verdict has been added to the history.
fn assert_nothing_happened_twice(before: &PlatformObject, after: &PlatformObject) {
    for (kind, added) in [
        (HistoryKind::SpecAccepted, 0),
        (HistoryKind::Applied, 0),
        (HistoryKind::RolloutStarted, 0),
        (HistoryKind::Promoted, 1),
    ] {
        let (before, after) = (before.entries(kind), after.entries(kind));
        assert_eq!(after.len(), before.len() + added, "{kind:?}: {after:#?}");
    }
    let scoring = &after.status.scoring;
    assert_eq!(scoring.live_revision, scoring.last_good_revision);
    assert_eq!(scoring.live_revision, before.status.scoring.live_revision);
}

/// Epoch and sequence of the settings in force in every replica of scoring.
async fn settings_order(platform: &PlatformObject) -> Vec<(u64, u64)> {
    let all = admin::settings(platform.service("scoring")).await;
    let order = |document: &serde_json::Value| {
        Some((document["epoch"].as_u64()?, document["sequence"].as_u64()?))
    };
    all.iter()
        .map(|document| order(document).expect("an order"))
        .collect()
}
