//! Replicas come, go and die under load, and no client notices.

use std::time::Duration;

use rustix::process::Signal;

use crate::laptop::Laptop;
use crate::load::{Load, Summary};
use crate::processes;
use crate::spec::Spec;
use crate::view::{View, pids, serves};

const PER_SECOND: u32 = 30;
/// How soon processes follow a changed count.
const FOLLOWS: Duration = Duration::from_secs(10);
/// How soon a killed replica is replaced.
const REPLACED: Duration = Duration::from_secs(5);
/// A stretch of load after a change, in which its consequences would show.
const AFTERMATH: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn processes_follow_the_desired_count_without_a_failed_request() {
    let spec = Spec::new();
    let laptop = Laptop::with(&spec).await;
    let load = Load::start(&laptop.endpoint(), PER_SECOND).await;
    load.run_for(AFTERMATH).await;

    for count in [4, 1] {
        laptop.save(&spec.with(&scoring_count(2), &scoring_count(count)));
        let what = format!("{count} replicas of scoring");
        let follows = laptop.wait_within(FOLLOWS, &what, |it| serves(it.service("scoring"), count));
        assert_eq!(follows.await.service("scoring").desired, Some(count));
        load.run_for(AFTERMATH).await;
    }

    assert_served(&load.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_replica_and_a_new_image_cost_no_request() {
    let spec = Spec::new();
    let laptop = Laptop::with(&spec).await;
    let before = laptop.platform().await;
    let load = Load::start(&laptop.endpoint(), PER_SECOND).await;
    load.run_for(AFTERMATH).await;

    let victim = pids(before.service("scoring"))[0];
    processes::send(victim, Signal::KILL);
    let replaced = laptop
        .wait_within(REPLACED, "a replacement of the killed replica", |it| {
            let scoring = it.service("scoring");
            serves(scoring, 2) && !pids(scoring).contains(&victim) && scoring.restarts == 1
        })
        .await;
    let saved: engine::board::PlatformObject = laptop.ask(&["status", "local"]);
    assert_eq!(saved.service("scoring").restarts, 1, "{saved:#?}");
    load.run_for(AFTERMATH).await;

    laptop.save(&spec.with("loan-api:0.1.0", "loan-api:0.1.1"));
    let old = pids(replaced.service("loan-api"));
    laptop
        .wait("every replica of the loan API to be a new one", |it| {
            let service = it.service("loan-api");
            let new = pids(service).iter().all(|pid| !old.contains(pid));
            service.image == "loan-api:0.1.1" && serves(service, 2) && new && it.is_ready()
        })
        .await;
    processes::gone(&old, Duration::from_secs(30)).await;
    load.run_for(AFTERMATH).await;

    assert_served(&load.all());
}

fn scoring_count(count: u32) -> String {
    format!("image: scoring:0.1.0\n      desiredCount: {count}")
}

#[track_caller]
fn assert_served(load: &Summary) {
    println!("load: {load}");
    assert!(load.sent > 100, "{load}");
    assert_eq!(load.failed, 0, "{load}\n{:#?}", load.failures);
}
