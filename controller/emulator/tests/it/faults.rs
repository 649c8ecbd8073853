//! Every kind of fault, as a client sees it.

use std::time::{Duration, Instant};

use ciborium::cbor;
use emulator::{Fault, Service};
use serde_json::json;

use crate::client::Client;

const CLUSTERS: &str = "ListClusters";

async fn clusters(client: &Client) -> usize {
    let list = client.ecs(CLUSTERS, &json!({})).await.json();
    list["clusterArns"].as_array().unwrap().len()
}

#[tokio::test]
async fn each_service_throttles_in_its_own_words() {
    let client = Client::start().await;
    let inject = |service| client.emulators.inject(Fault::throttle(service).times(1));
    let guards = [Service::Ecs, Service::CloudWatch, Service::S3, Service::Sqs].map(inject);

    let ecs = client.ecs(CLUSTERS, &json!({})).await;
    assert_eq!(ecs.status, 400);
    assert_eq!(ecs.json()["__type"], "ThrottlingException");
    let alarms = client
        .cloudwatch("DescribeAlarms", &cbor!({}).unwrap())
        .await;
    assert_eq!(alarms.status, 400);
    assert_eq!(alarms.headers["x-amzn-query-error"], "Throttling;Sender");
    alarms.cbor();
    let s3 = client.send("GET", "/state/a", &[], "").await;
    assert_eq!(s3.status, 503);
    assert!(s3.text().contains("<Code>SlowDown</Code>"));
    let sqs = client.json("sqs", "AmazonSQS.ListQueues", &json!({})).await;
    assert_eq!(sqs.json()["__type"], "RequestThrottled");

    assert_eq!(guards.map(|guard| guard.hits()), [1, 1, 1, 1]);
    assert_eq!(clusters(&client).await, 0);
}

#[tokio::test]
async fn a_service_fails_for_as_long_as_the_guard_lives() {
    let client = Client::start().await;
    let failing = client.emulators.inject(Fault::server_error(Service::Ecs));
    for _ in 0..3 {
        let answer = client.ecs(CLUSTERS, &json!({})).await;
        assert_eq!(answer.status, 500);
        assert_eq!(answer.json()["__type"], "ServerException");
    }
    assert_eq!(failing.hits(), 3);
    drop(failing);
    assert_eq!(clusters(&client).await, 0);

    let _unavailable = client.emulators.inject(Fault::unavailable(Service::S3));
    let answer = client.send("GET", "/state/a", &[], "").await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("<Code>ServiceUnavailable</Code>"));
}

#[tokio::test]
async fn a_reset_call_has_no_answer_and_no_effect_and_a_lost_answer_hides_the_effect() {
    let client = Client::start().await;
    let create = json!({ "clusterName": "loans" });
    let reset = client
        .emulators
        .inject(Fault::reset(Service::Ecs).on("CreateCluster"));
    assert!(client.try_ecs("CreateCluster", &create).await.is_none());
    assert_eq!(clusters(&client).await, 0);
    drop(reset);

    let lost = Fault::lose_answer(Service::Ecs)
        .on("CreateCluster")
        .times(1);
    let _lost = client.emulators.inject(lost);
    assert!(client.try_ecs("CreateCluster", &create).await.is_none());
    assert_eq!(clusters(&client).await, 1);
    let log = client.emulators.call_log();
    assert_eq!(log[0].status, None, "{log:?}");
}

#[tokio::test]
async fn a_call_hangs_until_the_guard_is_dropped() {
    let client = Client::start().await;
    let hang = client.emulators.inject(Fault::hang(Service::Ecs).times(1));
    let list = json!({});
    let call = client.ecs(CLUSTERS, &list);
    let release = async {
        hang.hit(1).await;
        let status = client.emulators.call_log()[0].status;
        drop(hang);
        status
    };
    let (answer, status_meanwhile) = tokio::join!(call, release);
    assert_eq!(status_meanwhile, None);
    assert_eq!(answer.json()["clusterArns"], json!([]));
}

#[tokio::test]
async fn the_call_of_a_client_that_gave_up_takes_no_effect() {
    let client = Client::start().await;
    let hang = client
        .emulators
        .inject(Fault::hang(Service::Ecs).on("CreateCluster"));
    let create = json!({ "clusterName": "loans" });
    tokio::select! {
        _ = client.try_ecs("CreateCluster", &create) => panic!("it was answered"),
        () = hang.hit(1) => {}
    }
    // The next call goes over another connection: the proxy has seen the first one close by then.
    assert_eq!(clusters(&client).await, 0);
    drop(hang);
    assert_eq!(clusters(&client).await, 0);
}

#[tokio::test]
async fn a_slow_body_takes_its_time_and_arrives_whole() {
    let client = Client::start().await;
    client.emulators.create_bucket("state").await.unwrap();
    let text = "x".repeat(10_000);
    client.send("PUT", "/state/a", &[], text.clone()).await;
    let within = Duration::from_millis(300);
    let slow = Fault::slow(Service::S3, within).on("GetObject");
    let _slow = client.emulators.inject(slow);
    let start = Instant::now();
    let got = client.send("GET", "/state/a", &[], "").await;
    assert!(start.elapsed() >= within, "{:?}", start.elapsed());
    assert_eq!(got.headers["content-length"], "10000");
    assert_eq!(got.text(), text);
}

#[tokio::test]
async fn s3_says_that_another_write_is_under_way() {
    let client = Client::start().await;
    client.emulators.create_bucket("state").await.unwrap();
    let _conflict = client.emulators.inject(Fault::conflict().times(1));
    let path = "/state/a";
    let put = client
        .send("PUT", path, &[("if-none-match", "*")], "one")
        .await;
    assert_eq!(put.status, 409);
    assert!(
        put.text()
            .contains("<Code>ConditionalRequestConflict</Code>")
    );
    let again = client
        .send("PUT", path, &[("if-none-match", "*")], "one")
        .await;
    assert_eq!(again.status, 200);
}
