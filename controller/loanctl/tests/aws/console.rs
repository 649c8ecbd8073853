//! The console of a controller that other machines may reach: its readers show a token.

use reqwest::StatusCode;
use serde_json::Value;

use crate::account::{Account, eventually};
use crate::browser::Browser;
use crate::controller::Controller;
use crate::telemetry::Telemetry;

const TOKEN: &str = "a-token-that-nobody-guesses";

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_token_sees_platforms_and_nobody_else() {
    let account = Account::opens().await;
    let controller = Controller::starts_for(&account, TOKEN).await;
    let _telemetry = Telemetry::of(&account, "dev");
    account.submits("dev", |_| ()).await;
    // By then its alarms are known, and a whole period of calls can be read.
    eventually("calls are seen in its bake", async || {
        let found = asked(&controller, "/api/v1/platforms/dev").await?;
        let samples = found["status"]["scoring"]["bake"]["samples"].as_u64()?;
        (samples > 0).then_some(())
    })
    .await;
    let console = controller.url("/");
    for path in [
        "/console/stream",
        "/console/platforms/dev/series",
        "/console/platforms/dev/revisions",
    ] {
        let refused = reqwest::get(controller.url(path)).await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{path}");
    }

    let browser = Browser::start();
    let page = browser.page(&console).await;
    page.says("#token", "asks for a token").await;
    page.is_accessible("the question for a token").await;
    page.types("another-token-than-the-one").await;
    page.presses("Enter").await;
    page.says("#token", "not the controller's token").await;
    page.types(TOKEN).await;
    page.presses("Enter").await;
    page.says("#link", "live").await;
    page.says(".row", "dev").await;
    page.click("a.row").await;
    page.says("h1", "dev").await;
    page.says(".services", "loan-api").await;
    let kept = page.value("sessionStorage.getItem('loan-token')").await;
    assert_eq!(kept, TOKEN);

    page.says(".alarms", "scoring-failures").await;
    page.shows(
        "what CloudWatch has measured",
        "document.querySelector('.alarms svg')",
    )
    .await;
    let measured = asked(&controller, "/console/platforms/dev/series").await;
    let measured = measured.unwrap();
    let mut series = measured["series"].as_array().unwrap().iter();
    let failures = series.find(|it| it["of"]["alarm"]["name"] == "scoring-failures");
    let values = failures.unwrap()["values"].as_array().unwrap();
    assert!(values.iter().any(Value::is_number), "{values:?}");
}

/// What it answers to whoever has the token.
async fn asked(controller: &Controller, path: &str) -> Option<Value> {
    let asked = reqwest::Client::new().get(controller.url(path));
    let answer = asked.bearer_auth(TOKEN).send().await.ok()?;
    answer.error_for_status().ok()?.json().await.ok()
}
