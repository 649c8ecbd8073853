//! A second controller stands by, and takes over when the first one ends, however it ends.

use serde_json::json;

use crate::account::{Account, eventually};
use crate::controller::Controller;

#[tokio::test]
async fn a_standby_takes_over_from_one_that_stops_and_from_one_that_is_killed() {
    let account = Account::opens().await;
    let first = Controller::starts(&account).await;
    first.holds_the_lease().await;
    let second = Controller::starts(&account).await;
    account.submits("dev", |_| ()).await;
    eventually("auth is there", async || account.service("dev-auth").await).await;
    assert!(second.shows("dev").await.is_none(), "it only stands by");

    assert!(first.stops().await);
    second.holds_the_lease().await;
    follows(&account, 3).await;

    let mut second = second;
    let third = Controller::starts(&account).await;
    second.is_killed();
    third.holds_the_lease().await;
    follows(&account, 5).await;
    let lease = account.json("lease/controller.json").await.unwrap();
    assert_eq!(lease["epoch"], json!(3), "{lease}");
}

async fn follows(account: &Account, count: i32) {
    let edit = |spec: &mut serde_json::Value| {
        spec["services"]["auth"]["desiredCount"] = json!(count);
    };
    account.submits("dev", edit).await;
    eventually("the edit is followed", async || {
        let service = account.service("dev-auth").await?;
        (service.desired_count() == count).then_some(())
    })
    .await;
}
