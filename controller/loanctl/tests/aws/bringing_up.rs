//! A spec that is put into the bucket becomes services, alarms and settings.

use serde_json::json;

use crate::account::{Account, eventually};
use crate::controller::Controller;
use crate::view;

#[tokio::test]
async fn a_spec_in_the_bucket_becomes_services_alarms_and_settings() {
    let account = Account::opens().await;
    let controller = Controller::starts(&account).await;
    account.submits("dev", |_| ()).await;

    services_are_made(&account).await;
    alarms_are_made(&account).await;
    settings_are_written(&account).await;
    status_tells_of_them(&controller).await;
    metrics_tell_of_them(&controller).await;

    edits_follow(&account).await;
    a_bad_edit_harms_nothing(&account, &controller).await;
    assert!(controller.stops().await, "it ends in good order");
    let lease = account.json("lease/controller.json").await.unwrap();
    assert_eq!(
        lease["holder"],
        json!(null),
        "the lease is given back: {lease}"
    );
}

async fn services_are_made(account: &Account) {
    for (name, image, count) in [
        ("dev-loan-api", "loan-api:1", 2),
        ("dev-auth", "auth:1", 1),
        ("dev-scoring", "scoring:1", 2),
    ] {
        let service = eventually(name, async || account.service(name).await).await;
        assert_eq!(service.desired_count(), count, "{name}");
        let found = account.image_of(name).await.unwrap();
        assert_eq!(
            found,
            format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/{image}")
        );
    }
    assert!(
        account.service("dev-score-provider").await.is_none(),
        "the spec has none"
    );
}

async fn alarms_are_made(account: &Account) {
    let name = "LoanPlatform/dev/scoring-failures";
    let ratio = eventually(name, async || account.alarm(name).await).await;
    assert_eq!(
        (ratio.threshold(), ratio.evaluation_periods()),
        (Some(5.0), Some(3))
    );
    assert!(
        ratio.metrics().len() >= 3,
        "a ratio is metric math: {ratio:?}"
    );
    let name = "LoanPlatform/dev/latency";
    let latency = eventually(name, async || account.alarm(name).await).await;
    assert_eq!(latency.threshold(), Some(700.0));
}

async fn settings_are_written(account: &Account) {
    let path = "settings/dev/scoring.json";
    let settings = eventually(path, async || account.json(path).await).await;
    assert_eq!(settings["platform"], "dev");
    assert_eq!(
        settings["settings"]["provider"]["url"],
        "http://score-provider:8084/"
    );
}

async fn status_tells_of_them(controller: &Controller) {
    let shown = eventually("it shows three services", async || {
        let shown = controller.shows("dev").await?;
        let count = |field: &str| shown["status"][field].as_array().map(Vec::len);
        (count("services") == Some(3) && count("alarms") == Some(2)).then_some(shown)
    })
    .await;
    let services = shown["status"]["services"].as_array().unwrap();
    let mut images = services.iter().filter_map(|it| it["image"].as_str());
    assert!(
        images.any(|image| image == "scoring:1"),
        "as the spec names it: {shown:#}"
    );
    assert_eq!(
        shown["status"]["alarms"].as_array().map(Vec::len),
        Some(2),
        "{shown:#}"
    );
}

async fn metrics_tell_of_them(controller: &Controller) {
    let metrics = eventually("nothing is to be done any more", async || {
        let metrics = controller.metrics().await;
        let is = |name: &str| view::sample(&metrics, name) == Some(0.0);
        let is_done = is("loanctl_drifted_platforms") && is("loanctl_drifted_fields");
        is_done.then_some(metrics)
    })
    .await;
    let value = |name: &str| view::sample(&metrics, name).expect(name);
    assert_eq!(value("loanctl_epoch"), 1.0);
    assert_eq!(value("loanctl_lease_held"), 1.0);
    assert!(
        value("loanctl_reconcile_duration_seconds_count") >= 1.0,
        "{metrics}"
    );
    assert!(value("loanctl_active_reconciles") <= 1.0, "{metrics}");
    assert!(value("loanctl_workqueue_depth") <= 1.0, "{metrics}");
    for age in ["loanctl_specs_age_seconds", "loanctl_platforms_age_seconds"] {
        assert!(value(age) < 60.0, "{metrics}");
    }
    assert!(
        !metrics.contains("missed_events"),
        "there is no queue: {metrics}"
    );
}

async fn edits_follow(account: &Account) {
    account
        .submits("dev", |spec| {
            spec["services"]["loanApi"]["desiredCount"] = json!(4);
            spec["services"]["auth"]["image"] = json!("auth:2");
            spec["alarms"][1]["threshold"] = json!(650);
        })
        .await;
    eventually("four tasks of loan-api", async || {
        let service = account.service("dev-loan-api").await?;
        (service.desired_count() == 4).then_some(())
    })
    .await;
    eventually("auth from another image", async || {
        account
            .image_of("dev-auth")
            .await
            .filter(|image| image.ends_with("auth:2"))
    })
    .await;
    eventually("another threshold", async || {
        let alarm = account.alarm("LoanPlatform/dev/latency").await?;
        (alarm.threshold() == Some(650.0)).then_some(())
    })
    .await;
}

async fn a_bad_edit_harms_nothing(account: &Account, controller: &Controller) {
    account
        .submits("dev", |spec| {
            spec["services"]["loanApi"]["desiredCount"] = json!(-4);
        })
        .await;
    let message = eventually("the mistake in the status", async || {
        let shown = controller.shows("dev").await?;
        let conditions = shown["status"]["conditions"].as_array()?.clone();
        let mut messages = conditions.iter().filter_map(|it| it["message"].as_str());
        messages
            .find(|it| it.contains("specs/dev.yaml:"))
            .map(str::to_owned)
    })
    .await;
    assert!(message.contains("desiredCount"), "{message}");
    assert_eq!(
        account
            .service("dev-loan-api")
            .await
            .unwrap()
            .desired_count(),
        4
    );
    let shown = controller.shows("dev").await.unwrap();
    assert!(view::condition(&shown, "Ready").is_some(), "{shown:#}");
}
