//! Services on this machine hold the contract of services anywhere.

#[path = "../../../engine/contract/compute.rs"]
mod contract;

use super::support::Ground;

#[tokio::test(flavor = "multi_thread")]
async fn services_on_this_machine_hold_the_contract() {
    let ground = Ground::new();
    let home = ground.start().await.expect("a home");
    let fixture = contract::Fixture {
        good: "scoring:1",
        better: "scoring:2",
        broken: "crashing:1",
        goes_back: false,
    };
    contract::holds_for(home.compute().as_ref(), &fixture).await;
    home.shutdown().await;
}
