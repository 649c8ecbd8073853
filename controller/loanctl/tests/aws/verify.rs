//! `loanctl verify` uses what a controller will need, says what is wrong, and leaves nothing behind.

use std::collections::BTreeMap;

use emulator::{Fault, Service};
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
    let services = account.ecs.list_services().cluster(CLUSTER).send().await;
    assert!(services.unwrap().service_arns().is_empty());
    assert!(account.alarms().await.is_empty());
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
