//! AWS that throttles, fails, loses answers and hangs.

use emulator::{Fault, Service};
use serde_json::{Value, json};

use crate::account::{Account, CLUSTER, eventually};
use crate::bake::{dev_bakes, dev_is_good, reaches, settings};
use crate::controller::Controller;
use crate::view::condition;

/// The services of each platform here.
const SERVICES: [&str; 3] = ["loan-api", "auth", "scoring"];
/// How often a read is made in one look before it is given up.
const READ_ATTEMPTS: u64 = 3;

#[tokio::test]
async fn what_fails_for_a_while_is_done_in_the_end_and_once() {
    let account = Account::opens().await;
    let controller = Controller::starts(&account).await;
    controller.holds_the_lease().await;
    let aws = &account.emulators;
    let faults = [
        Fault::throttle(Service::Ecs)
            .on("DescribeServices")
            .times(2),
        Fault::lose_answer(Service::Ecs)
            .on("CreateService")
            .times(1),
        Fault::server_error(Service::Ecs)
            .on("RegisterTaskDefinition")
            .times(1),
        Fault::throttle(Service::CloudWatch)
            .on("PutMetricAlarm")
            .times(2),
        Fault::reset(Service::CloudWatch)
            .on("DescribeAlarms")
            .times(2),
    ];
    let faults = faults.map(|fault| aws.inject(fault));
    account.submits("dev", |_| ()).await;
    let stores = [
        Fault::unavailable(Service::S3).on("PutObject").times(1),
        Fault::conflict().times(1),
    ];
    let stores = stores.map(|fault| aws.inject(fault));

    for name in ["dev-loan-api", "dev-auth", "dev-scoring"] {
        eventually(name, async || account.service(name).await).await;
    }
    for name in [
        "LoanPlatform/dev/scoring-failures",
        "LoanPlatform/dev/latency",
    ] {
        eventually(name, async || account.alarm(name).await).await;
    }
    for service in ["loan-api", "auth", "scoring"] {
        let path = format!("settings/dev/{service}.json");
        eventually(&path, async || account.json(&path).await).await;
    }
    for fault in faults.iter().chain(&stores) {
        assert!(fault.hits() > 0, "every fault was met: {fault:?}");
    }
    let listed = account
        .ecs
        .list_services()
        .cluster(CLUSTER)
        .send()
        .await
        .unwrap();
    assert_eq!(listed.service_arns().len(), 3, "nothing is made twice");
    let metrics = controller.metrics().await;
    assert!(
        metrics.contains(r#"family="PutMetricAlarm",result="throttled"} 2"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn what_aws_refuses_is_said_in_the_status() {
    let account = Account::opens().await;
    let provided = account.json("bootstrap/infrastructure.json").await.unwrap();
    let elsewhere = provided.to_string().replace(CLUSTER, "no-such-cluster");
    account
        .puts("bootstrap/infrastructure.json", &elsewhere)
        .await;
    let controller = Controller::starts(&account).await;
    account.submits("dev", |_| ()).await;
    let message = eventually("the status says what to do", async || {
        let shown = controller.shows("dev").await?;
        let conditions = shown["status"]["conditions"].as_array()?.clone();
        let mut messages = conditions.iter().filter_map(|it| it["message"].as_str());
        messages
            .find(|it| it.contains("no-such-cluster"))
            .map(str::to_owned)
    })
    .await;
    assert!(message.contains("cluster"), "{message}");
}

#[tokio::test]
async fn a_change_that_ecs_does_not_answer_is_given_up_and_other_platforms_go_on() {
    let account = Account::opens().await;
    let controller = Controller::starts(&account).await;
    account.submits("old", |_| ()).await;
    for service in SERVICES {
        let name = format!("old-{service}");
        eventually(&name, async || account.service(&name).await).await;
    }

    let aws = &account.emulators;
    let hanging = aws.inject(Fault::hang(Service::Ecs).on("CreateService"));
    account.submits("new", |_| ()).await;
    let why = ["cannot create", "there was no answer within 2s"];
    says(&controller, "new", "Retrying", &why).await;
    follows(&account, "old", 3).await;
    assert!(controller.is_ready().await, "it holds the lease");

    drop(hanging);
    for service in SERVICES {
        let name = format!("new-{service}");
        eventually(&name, async || account.service(&name).await).await;
    }
}

#[tokio::test]
async fn ecs_that_does_not_answer_at_all_is_told_of_and_what_was_asked_meanwhile_is_done() {
    let account = Account::opens().await;
    let controller = Controller::starts(&account).await;
    account.submits("dev", |_| ()).await;
    eventually("auth is there", async || account.service("dev-auth").await).await;

    let hanging = account.emulators.inject(Fault::hang(Service::Ecs));
    says(&controller, "dev", "Retrying", &["cannot read", "timeout"]).await;
    account.submits("dev", |spec| auth_has(spec, 3)).await;
    assert!(controller.is_ready().await, "it holds the lease");
    drop(hanging);
    follows(&account, "dev", 3).await;
}

#[tokio::test]
async fn while_cloudwatch_hangs_services_are_kept_and_the_bake_goes_on_when_it_is_back() {
    let account = Account::opens().await;
    let controller = Controller::starts(&account).await;
    let _telemetry = dev_is_good(&account, &controller).await;
    dev_bakes(&account, &controller).await;
    let candidate = settings(&account).await;

    let reads = ["DescribeAlarms", "DescribeAlarmHistory", "GetMetricData"];
    let hanging = reads.map(|read| {
        let fault = Fault::hang(Service::CloudWatch).on(read);
        account.emulators.inject(fault)
    });
    let update = account.ecs.update_service().cluster(CLUSTER);
    let scaled = update.service("dev-auth").desired_count(5).send();
    scaled.await.unwrap();
    let why = ["The alarms cannot be read", "nothing is judged", "timeout"];
    says(&controller, "dev", "AlarmsUnreadable", &why).await;
    eventually("as many tasks as specified", async || {
        let service = account.service("dev-auth").await?;
        (service.desired_count() == 1).then_some(())
    })
    .await;
    bakes_still(&controller).await;

    drop(hanging);
    reaches(&controller, "Succeeded").await;
    let promoted = settings(&account).await;
    assert_eq!(promoted["scoringRevision"], candidate["scoringRevision"]);
}

#[tokio::test]
async fn what_fires_while_cloudwatch_throttles_is_judged_when_it_no_longer_does() {
    let account = Account::opens().await;
    let controller = Controller::starts(&account).await;
    let _telemetry = dev_is_good(&account, &controller).await;
    dev_bakes(&account, &controller).await;
    let bad = settings(&account).await;

    let fault = Fault::throttle(Service::CloudWatch).on("DescribeAlarms");
    let throttled = account.emulators.inject(fault);
    let why = [
        "The alarms cannot be read",
        "nothing is judged",
        "Throttling",
    ];
    says(&controller, "dev", "AlarmsUnreadable", &why).await;
    account.is("ALARM", 63.5).await;
    let looks = throttled.hits() + 2 * READ_ATTEMPTS;
    eventually("it has looked again", async || {
        (throttled.hits() >= looks).then_some(())
    })
    .await;
    bakes_still(&controller).await;
    assert_eq!(settings(&account).await, bad, "nothing is taken back");

    drop(throttled);
    eventually("the old settings are back", async || {
        let found = settings(&account).await;
        (found["scoringRevision"] != bad["scoringRevision"]).then_some(())
    })
    .await;
}

/// Waits until the platform is not ready for this reason, in words that have all of `parts`.
async fn says(controller: &Controller, name: &str, reason: &str, parts: &[&str]) {
    let what = format!("{name} is not ready: {reason}, {parts:?}");
    eventually(&what, async || {
        let shown = controller.shows(name).await?;
        let ready = condition(&shown, "Ready")?;
        let message = ready["message"].as_str()?;
        let is_said = parts.iter().all(|part| message.contains(part));
        (ready["status"] == "False" && ready["reason"] == reason && is_said).then_some(())
    })
    .await;
}

/// An edit of the platform's count of auth is followed.
async fn follows(account: &Account, name: &str, count: i32) {
    account.submits(name, |spec| auth_has(spec, count)).await;
    eventually("the edit is followed", async || {
        let service = account.service(&format!("{name}-auth")).await?;
        (service.desired_count() == count).then_some(())
    })
    .await;
}

fn auth_has(spec: &mut Value, count: i32) {
    spec["services"]["auth"]["desiredCount"] = json!(count);
}

async fn bakes_still(controller: &Controller) {
    let shown = controller.shows("dev").await.unwrap();
    assert_eq!(shown["status"]["scoring"]["phase"], "Baking", "{shown:#}");
}
