//! Services that nobody keeps are told of by `loanctl verify`.

use aws_sdk_ecs::types::Tag;
use serde_json::Value;
use tokio::process::Command;

use crate::account::{Account, BUCKET, CLUSTER};

#[tokio::test]
async fn a_service_with_the_controllers_tag_and_of_no_platform_is_an_orphan() {
    let account = Account::opens().await;
    account.registers_by_hand().await;
    for (name, owner) in [
        ("gone-auth", "loanctl"),
        ("left-auth", "loanctl"),
        ("other-auth", "terraform"),
        ("billing", "loanctl"),
    ] {
        create(&account, name, owner).await;
    }
    account.puts("state/left.json", "{}").await;
    let told = verified(&account).await;
    assert!(told.contains("gone-auth"), "{told}");
    for name in ["left-auth", "other-auth", "billing"] {
        assert!(!told.contains(name), "{name}: {told}");
    }
}

/// What `loanctl verify` says of orphans.
async fn verified(account: &Account) -> String {
    let verify = Command::new(env!("CARGO_BIN_EXE_loanctl"))
        .args(["verify", "--store", &format!("s3://{BUCKET}")])
        .args(["--output", "json"])
        .envs(account.emulators.environment())
        .output();
    let output = verify.await.unwrap();
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut findings = findings.as_array().unwrap().iter();
    let finding = findings.find(|it| it["check"] == "find orphaned services");
    finding.unwrap()["message"].as_str().unwrap().to_owned()
}

async fn create(account: &Account, name: &str, owner: &str) {
    let tag = Tag::builder().key("lending.dev/managed-by").value(owner);
    let created = account
        .ecs
        .create_service()
        .cluster(CLUSTER)
        .service_name(name)
        .task_definition("by-hand")
        .desired_count(1)
        .tags(tag.build());
    created.send().await.unwrap();
}
