//! Deployments that take their time, and fail.

use std::time::{Duration, Instant};

use emulator::Options;
use serde_json::{Value, json};

use crate::client::Client;

const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

async fn register(client: &Client, image: &str) -> String {
    let body = json!({
        "family": "scoring",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{ "name": "scoring", "image": image, "essential": true }],
    });
    let answer = client.ecs("RegisterTaskDefinition", &body).await.json();
    let arn = answer["taskDefinition"]["taskDefinitionArn"].as_str();
    arn.unwrap().to_owned()
}

async fn service(client: &Client) -> Value {
    let asked = json!({ "cluster": "loans", "services": ["scoring"] });
    let answer = client.ecs("DescribeServices", &asked).await.json();
    answer["services"][0].clone()
}

/// Waits until the service is as `expected`.
async fn becomes(client: &Client, expected: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let service = service(client).await;
        if is_so(&service) {
            return service;
        }
        assert!(start.elapsed() < PATIENCE, "not {expected}: {service:#}");
        tokio::time::sleep(POLL).await;
    }
}

/// Whether a deployment of `definition` is in `state`.
fn is_in(service: &Value, definition: &str, state: &str) -> bool {
    let deployments = service["deployments"].as_array().unwrap();
    let mut found = deployments
        .iter()
        .filter(|it| it["taskDefinition"] == definition);
    found.any(|it| it["rolloutState"] == state)
}

async fn update(client: &Client, definition: &str) -> Value {
    let update = json!({ "cluster": "loans", "service": "scoring", "taskDefinition": definition });
    let answer = client.ecs("UpdateService", &update).await.json();
    answer["service"].clone()
}

#[tokio::test]
async fn a_deployment_completes_when_its_tasks_run_and_one_that_crashes_is_rolled_back() {
    let options = Options {
        rollouts: true,
        ..Options::default()
    };
    let client = Client::start_with(options).await;
    client.emulators.create_cluster("loans").await.unwrap();
    let good = register(&client, "scoring:1").await;
    let create = json!({
        "cluster": "loans", "serviceName": "scoring", "taskDefinition": good,
        "launchType": "FARGATE", "desiredCount": 2,
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": { "enable": true, "rollback": true },
        },
    });
    client.ecs("CreateService", &create).await;
    becomes(&client, "running", |it| it["runningCount"] == 2).await;

    let better = register(&client, "scoring:2").await;
    let updated = update(&client, &better).await;
    assert!(is_in(&updated, &better, "IN_PROGRESS"), "{updated:#}");
    let done = becomes(&client, "completed", |it| is_in(it, &better, "COMPLETED")).await;
    assert_eq!(done["runningCount"], 2, "{done:#}");

    let bad = register(&client, "scoring:crash").await;
    update(&client, &bad).await;
    becomes(&client, "failed", |it| is_in(it, &bad, "FAILED")).await;
    let back = becomes(&client, "rolled back", |it| is_in(it, &better, "COMPLETED")).await;
    assert_eq!(back["taskDefinition"], better, "{back:#}");
}
