//! Services that nobody keeps are told of by `loanctl verify`.

use aws_sdk_ecs::types::Tag;

use crate::account::{Account, CLUSTER};
use crate::verify::findings;

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
    let findings = findings(&account).await;
    let told = &findings["find orphaned services"].words;
    assert!(told.contains("gone-auth"), "{told}");
    for name in ["left-auth", "other-auth", "billing"] {
        assert!(!told.contains(name), "{name}: {told}");
    }
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
