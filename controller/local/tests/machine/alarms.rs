//! Alarms on this machine hold the contract of alarms anywhere.

#[path = "../../../engine/contract/alarms.rs"]
mod contract;

use std::sync::Arc;

use local_adapter::LocalAlarms;

#[tokio::test]
async fn alarms_on_this_machine_hold_the_contract() {
    let state = tempfile::tempdir().expect("a folder");
    let alarms = LocalAlarms::start(Arc::default(), state.path()).expect("alarms");
    contract::holds_for(&alarms, async |_| {}).await;
}
