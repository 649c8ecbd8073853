//! Calls are counted and logged.

use std::time::Instant;

use emulator::{Api, Service};
use serde_json::json;

use crate::client::Client;

#[tokio::test]
async fn the_calls_of_clients_count_and_those_of_tests_do_not() {
    let client = Client::start().await;
    let before = Instant::now();
    client.emulators.create_cluster("loans").await.unwrap();
    client.emulators.create_bucket("state").await.unwrap();
    client.send("GET", "/state?list-type=2", &[], "").await;
    client.ecs("ListClusters", &json!({})).await;
    let unknown = json!({ "cluster": "none", "services": ["a"] });
    client.ecs("DescribeServices", &unknown).await;
    client.ecs("ListClusters", &json!({})).await;

    let list = Api::new(Service::Ecs, "ListClusters");
    let counts = client.emulators.calls();
    assert_eq!(counts[&list], 2);
    assert_eq!(counts[&Api::new(Service::S3, "ListObjectsV2")], 1);
    assert_eq!(counts.values().sum::<u64>(), 4, "{counts:?}");

    let log = client.emulators.call_log();
    let names: Vec<String> = log.iter().map(|call| call.api.to_string()).collect();
    assert_eq!(
        names,
        [
            "s3:ListObjectsV2",
            "ecs:ListClusters",
            "ecs:DescribeServices",
            "ecs:ListClusters"
        ]
    );
    assert!(log.is_sorted_by_key(|call| call.at));
    assert!(log[0].at >= before);
    assert_eq!([log[0].status, log[2].status], [Some(200), Some(400)]);

    client.emulators.reset_calls();
    assert!(client.emulators.calls().is_empty());
    assert!(client.emulators.call_log().is_empty());
}
