//! Services on ECS hold the contract of services anywhere.

#[path = "../../../engine/contract/compute.rs"]
mod contract;

use emulator::Options;

use crate::world::Account;

#[tokio::test]
async fn services_on_ecs_hold_the_contract() {
    let account = Account::opens_with(Options {
        rollouts: true,
        ..Options::default()
    })
    .await;
    let home = account.home().await;
    let fixture = contract::Fixture {
        good: "scoring:1",
        better: "scoring:2",
        broken: "scoring:crash",
        goes_back: true,
    };
    contract::holds_for(home.compute().as_ref(), &fixture).await;
}
