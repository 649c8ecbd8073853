//! Two controllers on one bucket, one of which is killed or paused again and again: there is one writer.
//!
//! `make torture` does it fifty times; the tests do it three times each.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use emulator::{Call, Service};
use engine::ports::Documents;
use rand::RngExt;
use serde_json::{Value, json};

use crate::account::{Account, eventually};
use crate::controller::Controller;

/// Time to live of the lease here, and longest time that a call may take: a third of it.
const LEASE: Duration = Duration::from_secs(6);
const CALL: Duration = Duration::from_secs(2);
/// From the moment that a call is begun until it is here.
const ON_THE_WAY: Duration = Duration::from_millis(500);

/// How often each is done.
fn times() -> usize {
    std::env::var("TORTURE_CRASHES")
        .ok()
        .and_then(|times| times.parse().ok())
        .unwrap_or(3)
}

#[tokio::test]
async fn invariant_13_who_was_killed_is_replaced_and_nothing_is_lost() {
    let mut pair = Pair::starts().await;
    for round in 0..times() {
        pair.edits(round).await;
        pause().await;
        let killed = pair.holder().await;
        pair.kills(killed).await;
        pair.follows(round).await;
    }
    pair.had_one_writer().await;
}

#[tokio::test]
async fn invariant_13_who_was_paused_past_its_lease_changes_nothing_any_more() {
    let mut pair = Pair::starts().await;
    for round in 0..times() {
        let paused = pair.holder().await;
        pair.controllers[paused].is_paused();
        pair.other_takes_over(paused).await;
        pair.edits(round).await;
        pair.follows(round).await;
        let revived_at = Instant::now();
        pair.controllers[paused].goes_on();
        pair.controllers[paused].ends().await;
        pair.wrote_nothing_since(paused, revived_at);
        pair.replaces(paused).await;
    }
    pair.had_one_writer().await;
}

/// Any moment of a round.
async fn pause() {
    let ms = rand::rng().random_range(0..1_500);
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

struct Pair {
    account: Account,
    controllers: [Controller; 2],
    /// Access keys of those that run: each process has one of its own.
    keys: [String; 2],
    started: usize,
}

impl Pair {
    async fn starts() -> Self {
        let account = Account::opens().await;
        account.submits("dev", |_| ()).await;
        let keys = ["key-0".to_owned(), "key-1".to_owned()];
        let controllers = [
            Controller::starts_as(&account.emulators, &keys[0]).await,
            Controller::starts_as(&account.emulators, &keys[1]).await,
        ];
        let pair = Self {
            account,
            controllers,
            keys,
            started: 2,
        };
        eventually("auth is there", async || {
            pair.account.service("dev-auth").await
        })
        .await;
        pair
    }

    /// Which of them holds the lease.
    async fn holder(&self) -> usize {
        eventually("one of them holds the lease", async || {
            for (place, controller) in self.controllers.iter().enumerate() {
                if controller.is_ready().await {
                    return Some(place);
                }
            }
            None
        })
        .await
    }

    async fn edits(&self, round: usize) {
        let edit =
            |spec: &mut Value| spec["services"]["auth"]["desiredCount"] = json!(count(round));
        self.account.submits("dev", edit).await;
    }

    async fn follows(&self, round: usize) {
        eventually("the edit is followed", async || {
            let service = self.account.service("dev-auth").await?;
            (service.desired_count() == count(round)).then_some(())
        })
        .await;
    }

    async fn kills(&mut self, place: usize) {
        self.controllers[place].is_killed();
        self.replaces(place).await;
    }

    async fn replaces(&mut self, place: usize) {
        let key = format!("key-{}", self.started);
        self.started += 1;
        self.controllers[place] = Controller::starts_as(&self.account.emulators, &key).await;
        self.keys[place] = key;
    }

    async fn other_takes_over(&self, paused: usize) {
        self.controllers[1 - paused].holds_the_lease().await;
    }

    /// What was on its way when it was paused may still come; nothing is begun after that.
    fn wrote_nothing_since(&self, place: usize, revived_at: Instant) {
        let log = self.account.emulators.call_log();
        let late = log.iter().find(|call| {
            let own = call.caller.as_ref() == Some(&self.keys[place]);
            own && is_change(call) && !is_lease(call) && call.at > revived_at + ON_THE_WAY
        });
        assert!(late.is_none(), "a call from the past: {late:?}");
    }

    /// No call that changes something came from a controller whose lease had too little time left for it, and
    /// what lies in the bucket was written in the newest term.
    async fn had_one_writer(&self) {
        let log = self.account.emulators.call_log();
        let callers: BTreeSet<&String> =
            log.iter().filter_map(|call| call.caller.as_ref()).collect();
        let mut judged = 0;
        for caller in callers {
            judged += calls_were_within_the_lease(&log, caller);
        }
        assert!(judged > 10, "{judged} calls were judged");
        let lease = self.account.json("lease/controller.json").await.unwrap();
        let newest = lease["epoch"].as_u64().unwrap();
        let settings = self.account.documents.list("settings/dev/").await.unwrap();
        for document in settings {
            let found = self.account.json(&document.path).await.unwrap();
            assert!(found["epoch"].as_u64().unwrap() <= newest, "{found}");
        }
    }
}

fn count(round: usize) -> i32 {
    2 + i32::try_from(round % 5).unwrap()
}

/// How many calls of `caller` that changed something were looked at.
fn calls_were_within_the_lease(log: &[Call], caller: &str) -> usize {
    let mut renewed_at = None;
    let mut judged = 0;
    for call in log
        .iter()
        .filter(|call| call.caller.as_deref() == Some(caller))
    {
        if is_lease(call) && is_change(call) && call.status == Some(200) {
            renewed_at = Some(call.at);
        } else if is_change(call) && !is_lease(call) && !call.path.ends_with(".yaml") {
            let Some(renewed_at) = renewed_at else {
                assert!(
                    caller == "test",
                    "{caller} changed something without a lease: {call:?}"
                );
                continue;
            };
            let latest = renewed_at + LEASE - CALL + ON_THE_WAY;
            assert!(
                call.at <= latest,
                "{caller} began a call too late: {call:?}"
            );
            judged += 1;
        }
    }
    judged
}

fn is_lease(call: &Call) -> bool {
    call.path.ends_with("/lease/controller.json")
}

fn is_change(call: &Call) -> bool {
    let reads = ["Get", "Head", "List", "Describe", "Receive"];
    let is_known = matches!(
        call.api.service,
        Service::Ecs | Service::CloudWatch | Service::S3
    );
    is_known
        && !reads
            .iter()
            .any(|verb| call.api.operation.starts_with(verb))
}
