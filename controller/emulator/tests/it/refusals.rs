//! What the emulators would let through.

use serde_json::json;

use crate::client::Client;

#[tokio::test]
async fn ecs_refuses_what_aws_refuses() {
    let client = Client::start().await;
    client.emulators.create_cluster("loans").await.unwrap();
    let eleven: Vec<String> = (0..11).map(|n| format!("s-{n}")).collect();
    let fargate = json!({
        "family": "f", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc",
        "cpu": "256", "memory": "4096", "containerDefinitions": [],
    });
    let cases = [
        (
            "DescribeServices",
            json!({ "cluster": "loans", "services": eleven }),
            "InvalidParameterException",
        ),
        (
            "UpdateService",
            json!({ "cluster": "loans", "service": "s", "desiredCount": -1 }),
            "InvalidParameterException",
        ),
        (
            "CreateService",
            json!({ "cluster": "loans", "serviceName": "s", "desiredCount": -1 }),
            "InvalidParameterException",
        ),
        ("RegisterTaskDefinition", fargate, "ClientException"),
        (
            "CreateService",
            json!({ "cluster": "loans", "serviceName": "s", "taskDefinition": "none:1" }),
            "ClientException",
        ),
        (
            "UpdateService",
            json!({ "cluster": "none", "service": "s", "desiredCount": 1 }),
            "ClusterNotFoundException",
        ),
        (
            "UpdateService",
            json!({ "cluster": "loans", "service": "s", "desiredCount": 1 }),
            "ServiceNotFoundException",
        ),
    ];
    for (operation, asked, code) in cases {
        let answer = client.ecs(operation, &asked).await;
        assert_eq!(answer.status, 400, "{operation}");
        assert_eq!(answer.json()["__type"], code, "{operation}");
        assert_eq!(answer.headers["content-type"], "application/x-amz-json-1.1");
    }
    let ten: Vec<String> = (0..10).map(|n| format!("s-{n}")).collect();
    let asked = json!({ "cluster": "loans", "services": ten });
    let answer = client.ecs("DescribeServices", &asked).await;
    assert_eq!(answer.json()["failures"].as_array().unwrap().len(), 10);
}
