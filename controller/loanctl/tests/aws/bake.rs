//! A scoring change that is watched: platforms whose bakes are short, how far they are, and what their alarm does.

use std::time::Instant;

use serde_json::{Value, json};

use crate::account::{Account, BETWEEN_LOOKS, PATIENCE, eventually};
use crate::controller::Controller;
use crate::telemetry::Telemetry;

/// The alarm that gates the changes of `dev`.
pub(crate) const ALARM: &str = "LoanPlatform/dev/scoring-failures";

/// One datapoint decides, so the shortest bake that validation admits is short.
pub(crate) fn watched_briefly(spec: &mut Value) {
    spec["alarms"][0]["evaluationPeriods"] = json!(1);
    spec["alarms"][0]["datapointsToAlarm"] = json!(1);
    spec["rollout"]["bakeTime"] = json!("45s");
}

/// The platform `dev` with a revision that is known good, and what its services report.
pub(crate) async fn dev_is_good(account: &Account, controller: &Controller) -> Telemetry {
    let telemetry = Telemetry::of(account, "dev");
    account.submits("dev", watched_briefly).await;
    eventually("the alarm is there", async || account.alarm(ALARM).await).await;
    account.is("OK", 0.0).await;
    reaches(controller, "Succeeded").await;
    telemetry
}

/// Somebody edits the settings of scoring in `dev`, and the change is watched.
pub(crate) async fn dev_bakes(account: &Account, controller: &Controller) {
    account
        .submits("dev", |spec| {
            watched_briefly(spec);
            breaker(spec)["failureRateThreshold"] = json!(90);
        })
        .await;
    reaches(controller, "Baking").await;
}

fn breaker(spec: &mut Value) -> &mut Value {
    &mut spec["services"]["scoring"]["clients"]["provider"]["circuitBreaker"]
}

/// The settings of scoring in `dev`.
pub(crate) async fn settings(account: &Account) -> Value {
    account.json("settings/dev/scoring.json").await.unwrap()
}

/// Waits until the scoring change of `dev` is in `phase`.
pub(crate) async fn reaches(controller: &Controller, phase: &str) {
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
    pub(crate) async fn is(&self, state: &str, value: f64) {
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
