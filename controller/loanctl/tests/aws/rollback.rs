//! A scoring change that an alarm convicts is taken back, and why is remembered.

use std::time::Instant;

use serde_json::{Value, json};

use crate::account::{Account, BETWEEN_LOOKS, PATIENCE, eventually};
use crate::controller::Controller;
use crate::telemetry::Telemetry;

const ALARM: &str = "LoanPlatform/dev/scoring-failures";

#[tokio::test]
async fn a_scoring_change_is_taken_back_when_its_alarm_fires() {
    let account = Account::opens().await;
    let controller = Controller::starts(&account).await;
    let _telemetry = Telemetry::of(&account, "dev");
    account.submits("dev", watched_briefly).await;
    eventually("the alarm is there", async || account.alarm(ALARM).await).await;
    account.is("OK", 0.0).await;
    reaches(&controller, "Succeeded").await;
    let good = settings(&account).await;

    account
        .submits("dev", |spec| {
            watched_briefly(spec);
            breaker(spec)["failureRateThreshold"] = json!(90);
        })
        .await;
    reaches(&controller, "Baking").await;
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
    let history = shown["status"]["history"].as_array().unwrap();
    let started = history
        .iter()
        .find(|it| it["kind"] == "RollbackStarted")
        .unwrap();
    let message = started["message"].as_str().unwrap();
    for part in [
        "scoring-failures",
        "63.50 > 5",
        "failureRateThreshold: 50 → 90",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// One datapoint decides, so the shortest bake that validation admits is short.
fn watched_briefly(spec: &mut Value) {
    spec["alarms"][0]["evaluationPeriods"] = json!(1);
    spec["alarms"][0]["datapointsToAlarm"] = json!(1);
    spec["rollout"]["bakeTime"] = json!("45s");
}

fn breaker(spec: &mut Value) -> &mut Value {
    &mut spec["services"]["scoring"]["clients"]["provider"]["circuitBreaker"]
}

async fn settings(account: &Account) -> Value {
    account.json("settings/dev/scoring.json").await.unwrap()
}

async fn reaches(controller: &Controller, phase: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let shown = controller.shows("dev").await.unwrap_or_default();
        let status = &shown["status"];
        if status["scoring"]["phase"] == phase {
            return;
        }
        let (scoring, conditions) = (&status["scoring"], &status["conditions"]);
        assert!(
            Instant::now() < deadline,
            "{phase} is not reached: {scoring:#} {conditions:#}"
        );
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

impl Account {
    /// The alarm comes into `state` on a datapoint of this value, as CloudWatch would tell.
    async fn is(&self, state: &str, value: f64) {
        let at = jiff::Timestamp::now();
        let start = at - jiff::SignedDuration::from_secs(10);
        let form = "%Y-%m-%dT%H:%M:%S%.3f+0000";
        let time = |at: jiff::Timestamp| at.strftime(form).to_string();
        let data = json!({
            "version": "1.0",
            "queryDate": time(at),
            "startDate": time(start),
            "period": 10,
            "recentDatapoints": [value],
            "threshold": 5.0,
            "evaluatedDatapoints": [{"timestamp": time(start), "value": value}],
        });
        let (reason, data) = (format!("one datapoint was {value}"), data.to_string());
        let emulators = &self.emulators;
        let set = emulators.set_alarm_state(ALARM, state, &reason, &data);
        set.await.unwrap();
    }
}
