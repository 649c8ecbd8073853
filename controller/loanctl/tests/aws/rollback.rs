//! A scoring change that an alarm convicts, or that does not start, is taken back, and why is remembered.

use emulator::{Api, Options, Service};
use serde_json::{Value, json};

use crate::account::{Account, eventually};
use crate::bake::{dev_bakes, dev_is_good, reaches, settings, watched_briefly};
use crate::controller::Controller;
use crate::view::condition;

#[tokio::test]
async fn a_scoring_change_is_taken_back_when_its_alarm_fires() {
    let account = Account::opens().await;
    let controller = Controller::starts(&account).await;
    let _telemetry = dev_is_good(&account, &controller).await;
    let good = settings(&account).await;

    dev_bakes(&account, &controller).await;
    let bad = settings(&account).await;
    assert_eq!(
        bad["settings"]["provider"]["circuitBreaker"]["failureRateThreshold"],
        json!(90)
    );

    // Whoever starts again in the middle of it goes on where it was.
    assert!(controller.stops().await);
    let controller = Controller::starts(&account).await;
    account.is("ALARM", 63.5).await;
    eventually("the old settings are back", async || {
        let found = settings(&account).await;
        (found["scoringRevision"] == good["scoringRevision"]).then_some(())
    })
    .await;
    account.is("OK", 0.0).await;
    reaches(&controller, "RolledBack").await;
    it_says_why(&controller, &bad).await;
}

async fn it_says_why(controller: &Controller, bad: &Value) {
    let shown = controller.shows("dev").await.unwrap();
    let quarantined = &shown["status"]["scoring"]["quarantined"][0];
    assert_eq!(quarantined["revision"], bad["scoringRevision"], "{shown:#}");
    assert_eq!(quarantined["alarm"], "scoring-failures");
    assert_eq!(quarantined["value"], json!(63.5));
    let message = &rollback_started(&shown)["message"];
    for part in [
        "scoring-failures",
        "63.50 > 5",
        "failureRateThreshold: 50 → 90",
    ] {
        assert!(
            message.as_str().unwrap().contains(part),
            "{part}: {message}"
        );
    }
}

/// The entry of the history that says that a change is taken back.
fn rollback_started(shown: &Value) -> &Value {
    let history = shown["status"]["history"].as_array().unwrap();
    let mut entries = history.iter();
    entries
        .find(|it| it["kind"] == "RollbackStarted")
        .expect("something was taken back")
}

#[tokio::test]
async fn an_image_that_does_not_start_is_taken_back_by_ecs_and_not_deployed_a_second_time() {
    let account = Account::opens_with(Options {
        rollouts: true,
        ..Options::default()
    })
    .await;
    let controller = Controller::starts(&account).await;
    let _telemetry = dev_is_good(&account, &controller).await;
    let good = settings(&account).await;

    account.emulators.reset_calls();
    account
        .submits("dev", |spec| {
            watched_briefly(spec);
            spec["services"]["scoring"]["image"] = json!("scoring:crash");
        })
        .await;
    reaches(&controller, "RolledBack").await;

    let shown = controller.shows("dev").await.unwrap();
    ecs_is_said_to_have_gone_back(&shown);
    the_old_image_serves(&account).await;
    let after = settings(&account).await;
    assert_eq!(after["scoringRevision"], good["scoringRevision"]);
    let calls = account.emulators.calls();
    let updates = calls.get(&Api::new(Service::Ecs, "UpdateService"));
    assert_eq!(
        updates,
        Some(&1),
        "the change, and nothing to take it back: {calls:#?}"
    );
}

fn ecs_is_said_to_have_gone_back(shown: &Value) {
    let scoring = &shown["status"]["scoring"];
    let quarantined = scoring["quarantined"].as_array().unwrap();
    assert_eq!(quarantined.len(), 1, "{shown:#}");
    assert_eq!(quarantined[0]["convicted"], json!(true));
    assert_eq!(quarantined[0].get("alarm"), None, "no alarm convicts it");
    let started = rollback_started(shown);
    assert_eq!(started["by"], "Runner");
    assert_eq!(started["reason"], "ChangeFailed");
    let message = started["message"].as_str().unwrap();
    for part in ["circuit breaker", "scoring:1", "scoring:crash"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let ready = condition(shown, "Ready").unwrap();
    assert_eq!(
        (&ready["status"], &ready["reason"]),
        (&json!("False"), &json!("Quarantined")),
        "{ready:#}"
    );
}

async fn the_old_image_serves(account: &Account) {
    let image = account.image_of("dev-scoring").await.unwrap();
    assert!(image.ends_with("/scoring:1"), "{image}");
    let service = account.service("dev-scoring").await.unwrap();
    assert_eq!((service.desired_count(), service.running_count()), (2, 2));
}
