//! From an alarm that fires while a change is judged to the first call that takes the change back.

use std::time::Instant;

use emulator::Service;
use serde_json::json;

use crate::account::Account;
use crate::bake::{ALARM, dev_is_good, reaches, watched_briefly};
use crate::called;
use crate::controller::Controller;
use crate::edits::row;
use crate::events::Events;
use crate::table::Table;

/// Changes that are taken back.
const FIRINGS: u32 = 10;

pub(crate) async fn measure(table: &mut Table) {
    for (what, is_told, compare) in [
        ("an alarm, told of by the queue", true, "required: 500 ms"),
        ("the same, found by looking every 10 s", false, ""),
    ] {
        let account = Account::opens().await;
        let events = Events::of(&account).await;
        let often = ["--poll", "10s", "--resync", "5m"];
        let told = ["--queue", events.queue()];
        let args = [&often[..], if is_told { &told[..] } else { &[] }].concat();
        let controller = Controller::starts_with(&account.emulators, &args).await;
        let _telemetry = dev_is_good(&account, &controller).await;
        let mut took = Vec::new();
        for number in 0..FIRINGS {
            bakes(&account, &controller, number).await;
            account.emulators.reset_calls();
            let since = Instant::now();
            account.is("ALARM", 63.5).await;
            if is_told {
                tell_of_the_firing(&account, &events).await;
            }
            let path = "settings/dev/loan-api.json";
            took.push(called(&account, Service::S3, "PutObject", path).await - since);
            account.is("OK", 0.0).await;
            reaches(&controller, "RolledBack").await;
        }
        row(table, what, &took.into_iter().collect(), compare);
        assert!(controller.stops().await);
    }
}

/// A change that was not tried before is watched.
async fn bakes(account: &Account, controller: &Controller, number: u32) {
    let submitted = account.submits("dev", |spec| {
        watched_briefly(spec);
        spec["rollout"]["maxAutomaticRollbacks"] = json!({"count": 100, "interval": "1h"});
        let provider = &mut spec["services"]["scoring"]["clients"]["provider"];
        provider["circuitBreaker"]["failureRateThreshold"] = json!(60 + number);
    });
    submitted.await;
    reaches(controller, "Baking").await;
}

async fn tell_of_the_firing(account: &Account, events: &Events) {
    let event = json!({
        "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change",
        "detail": {"alarmName": ALARM, "state": {"value": "ALARM"}},
    });
    events.tell(account, &event.to_string()).await;
}
