//! AWS that throttles, fails, loses answers and hangs.

use emulator::{Fault, Service};

use crate::account::{Account, CLUSTER, eventually};
use crate::controller::Controller;

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
