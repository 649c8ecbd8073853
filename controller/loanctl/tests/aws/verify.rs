//! `loanctl verify` uses what a controller will need, says what is wrong, and leaves nothing behind.

use std::collections::BTreeMap;

use emulator::{Api, Fault, Service};
use serde::Deserialize;
use tokio::process::Command;

use crate::account::{Account, BUCKET, CLUSTER};

/// What was found of one thing that was tried.
#[derive(Debug, Deserialize)]
pub(crate) struct Found {
    check: String,
    pub(crate) ok: bool,
    #[serde(rename = "message")]
    pub(crate) words: String,
}

#[tokio::test]
async fn an_account_as_its_bootstrap_leaves_it_passes_and_nothing_is_left_behind() {
    let account = Account::opens().await;
    let findings = findings(&account).await;
    for (check, found) in &findings {
        assert!(found.ok, "{check}: {}", found.words);
    }
    assert!(
        findings["make services"]
            .words
            .starts_with("4 without tasks")
    );
    assert_nothing_left(&account).await;
    let calls = account.emulators.calls();
    for (service, call) in [
        (Service::Ecs, "TagResource"),
        (Service::ApplicationAutoScaling, "RegisterScalableTarget"),
        (Service::ApplicationAutoScaling, "PutScalingPolicy"),
    ] {
        assert_eq!(calls.get(&Api::new(service, call)), Some(&4), "{call}");
    }
}

#[tokio::test]
async fn a_service_that_cannot_be_tagged_or_scaled_is_told_of_and_removed() {
    let account = Account::opens().await;
    for (service, call, words) in [
        (Service::Ecs, "TagResource", "tag"),
        (
            Service::ApplicationAutoScaling,
            "RegisterScalableTarget",
            "scale",
        ),
    ] {
        let broken = account
            .emulators
            .inject(Fault::server_error(service).on(call));
        let found = findings(&account).await;
        let services = &found["make services"];
        assert!(broken.hits() > 0, "{call}: {}", services.words);
        assert!(
            !services.ok && services.words.contains(words),
            "{}",
            services.words
        );
        assert_nothing_left(&account).await;
    }
}

async fn assert_nothing_left(account: &Account) {
    let services = account.ecs.list_services().cluster(CLUSTER).send().await;
    assert!(services.unwrap().service_arns().is_empty());
    let mut alarms = account.alarms().await;
    // Those of a scaling policy are AWS's own, which removes them with the policy; the emulator forgets to.
    alarms.retain(|it| {
        !it.alarm_name()
            .unwrap_or_default()
            .starts_with("TargetTracking-")
    });
    assert_eq!(alarms, []);
    assert_eq!(account.json("state/.verify").await, None);
}

#[tokio::test]
async fn what_the_account_does_not_provide_or_allow_is_said_with_its_remedy() {
    let account = Account::opens().await;
    let mut provided = account.json("bootstrap/infrastructure.json").await.unwrap();
    let groups = &mut provided["defaults"]["network"]["securityGroups"];
    groups["scoring"] = serde_json::json!([]);
    account
        .puts("bootstrap/infrastructure.json", &provided.to_string())
        .await;
    let found = findings(&account).await;
    let services = &found["make services"];
    assert!(!services.ok);
    for part in ["scoring", "network.securityGroups", "infrastructure.json"] {
        assert!(services.words.contains(part), "{}", services.words);
    }

    let unreadable = Fault::server_error(Service::S3).on("GetObject");
    let unreadable = account.emulators.inject(unreadable);
    let found = findings(&account).await;
    assert!(found["list the specs"].ok);
    assert!(!found["read what was written"].ok);
    assert!(unreadable.hits() > 0);
}

/// What `loanctl verify` finds, by what was tried.
pub(crate) async fn findings(account: &Account) -> BTreeMap<String, Found> {
    let verify = Command::new(env!("CARGO_BIN_EXE_loanctl"))
        .args(["verify", "--store", &format!("s3://{BUCKET}")])
        .args(["--output", "json"])
        .envs(account.emulators.environment())
        .output();
    let output = verify.await.unwrap();
    let findings: Vec<Found> = serde_json::from_slice(&output.stdout).unwrap();
    let by_check = findings
        .into_iter()
        .map(|found| (found.check.clone(), found));
    by_check.collect()
}
