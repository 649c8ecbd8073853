//! A platform's dashboard: made, kept and removed as its spec says.

use serde_json::{Value, json};

use crate::account::{Account, eventually};
use crate::controller::Controller;

const NAME: &str = "LoanPlatform-dev";

#[tokio::test]
async fn a_dashboard_comes_and_goes_with_the_spec_and_is_put_right_when_edited() {
    let account = Account::opens().await;
    let controller = Controller::starts(&account).await;
    account.submits("dev", with_dashboard(true)).await;
    let made = eventually("the dashboard is there", async || body(&account).await).await;
    let text = made.to_string();
    for metric in ["ApplicationsReceived", "BreakerState", "CPUUtilization"] {
        assert!(text.contains(metric), "{metric}: {made:#}");
    }
    assert!(controller.stops().await);

    let edited = account.cloudwatch.put_dashboard().dashboard_name(NAME);
    let edited = edited.dashboard_body(json!({"widgets": []}).to_string());
    edited.send().await.unwrap();
    let controller = Controller::starts(&account).await;
    eventually("it is put right", async || {
        body(&account).await.filter(|found| *found == made)
    })
    .await;

    account.submits("dev", with_dashboard(false)).await;
    eventually("it is removed", async || {
        body(&account).await.is_none().then_some(())
    })
    .await;
    drop(controller);
}

fn with_dashboard(wanted: bool) -> impl FnOnce(&mut Value) {
    move |spec| spec["dashboard"] = json!(wanted)
}

/// The dashboard's body, if there is one.
async fn body(account: &Account) -> Option<Value> {
    let asked = account.cloudwatch.get_dashboard().dashboard_name(NAME);
    let found = asked.send().await.ok()?;
    serde_json::from_str(found.dashboard_body()?).ok()
}
