//! Alarms on CloudWatch hold the contract of alarms anywhere.

#[path = "../../../engine/contract/alarms.rs"]
mod contract;

use crate::world::Account;

#[tokio::test]
async fn alarms_on_cloudwatch_hold_the_contract() {
    let account = Account::opens().await;
    let home = account.home().await;
    contract::holds_for(home.alarms().as_ref(), async |alarm| {
        let name = format!("LoanPlatform/{}/{}", alarm.platform, alarm.name);
        let fires = account
            .emulators
            .set_alarm_state(&name, "ALARM", "no data", "{}");
        fires.await.expect("set");
    })
    .await;
}
