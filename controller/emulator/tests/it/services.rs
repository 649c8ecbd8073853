//! Services besides alarms and documents, each reached through the one port.

use serde_json::json;

use crate::client::Client;

#[tokio::test]
async fn a_message_that_a_test_puts_on_a_queue_is_received_through_the_endpoint() {
    let client = Client::start().await;
    let url = client.emulators.create_queue("events").await.unwrap();
    assert!(url.starts_with(&client.emulators.endpoint()), "{url}");
    client.emulators.send_message(&url, "hello").await.unwrap();
    let asked = json!({ "QueueUrl": url });
    let answer = client.json("sqs", "AmazonSQS.ReceiveMessage", &asked).await;
    assert_eq!(answer.json()["Messages"][0]["Body"], "hello");
}

#[tokio::test]
async fn every_service_answers_and_says_the_time() {
    let client = Client::start().await;
    let cases = [
        ("events", "AWSEvents.ListRules", "Rules"),
        ("secretsmanager", "secretsmanager.ListSecrets", "SecretList"),
        (
            "application-autoscaling",
            "AnyScaleFrontendService.DescribeScalableTargets",
            "ScalableTargets",
        ),
        (
            "monitoring",
            "GraniteServiceVersion20100801.DescribeAlarms",
            "MetricAlarms",
        ),
        (
            "ecs",
            "AmazonEC2ContainerServiceV20141113.ListClusters",
            "clusterArns",
        ),
        ("sqs", "AmazonSQS.ListQueues", "QueueUrls"),
    ];
    for (scope, target, list) in cases {
        let body = json!({ "ServiceNamespace": "ecs" });
        let answer = client.json(scope, target, &body).await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        assert!(answer.headers.contains_key("date"), "{target}");
        let is_empty = answer.json().get(list).is_none_or(|it| it == &json!([]));
        assert!(is_empty, "{target}: {}", answer.text());
    }
}

#[tokio::test]
async fn nothing_is_left_after_a_reset() {
    let client = Client::start().await;
    client.emulators.create_cluster("loans").await.unwrap();
    let list = client.ecs("ListClusters", &json!({})).await.json();
    assert_eq!(list["clusterArns"].as_array().unwrap().len(), 1, "{list}");
    client.emulators.reset().await.unwrap();
    let list = client.ecs("ListClusters", &json!({})).await.json();
    assert_eq!(list["clusterArns"], json!([]));
}

#[tokio::test]
async fn a_service_is_told_as_it_was_asked_for() {
    let client = Client::start().await;
    client.emulators.create_cluster("loans").await.unwrap();
    let definition = json!({
        "family": "auth", "containerDefinitions": [{ "name": "auth", "image": "auth:1" }],
    });
    client.ecs("RegisterTaskDefinition", &definition).await;
    let connect = json!({ "enabled": true, "namespace": "loans" });
    let made = json!({
        "cluster": "loans", "serviceName": "auth", "taskDefinition": "auth", "desiredCount": 1,
        "availabilityZoneRebalancing": "ENABLED", "serviceConnectConfiguration": connect,
    });
    client.ecs("CreateService", &made).await;
    let updated = json!({
        "cluster": "loans", "service": "auth", "enableECSManagedTags": true, "propagateTags": "SERVICE",
    });
    client.ecs("UpdateService", &updated).await;

    let asked = json!({ "cluster": "loans", "services": ["auth"] });
    let described = client.ecs("DescribeServices", &asked).await.json();
    let service = &described["services"][0];
    assert_eq!(service["availabilityZoneRebalancing"], "ENABLED");
    assert_eq!(service["enableECSManagedTags"], true);
    assert_eq!(service["propagateTags"], "SERVICE");
    let deployment = &service["deployments"][0];
    assert_eq!(deployment["serviceConnectConfiguration"], connect);
}

#[tokio::test]
async fn a_service_is_scaled_by_the_other_emulator_if_it_is_there() {
    let client = Client::start().await;
    client.emulators.create_cluster("loans").await.unwrap();
    let scaling = async |operation: &str, body| {
        let target = format!("AnyScaleFrontendService.{operation}");
        client.json("application-autoscaling", &target, &body).await
    };
    let target = || {
        json!({
            "ServiceNamespace": "ecs", "ResourceId": "service/loans/scoring",
            "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 2, "MaxCapacity": 6,
        })
    };
    let refused = scaling("RegisterScalableTarget", target()).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.text().contains("ECS service doesn't exist"),
        "{}",
        refused.text()
    );

    let definition = json!({
        "family": "scoring", "containerDefinitions": [{ "name": "scoring", "image": "scoring:1" }],
    });
    client.ecs("RegisterTaskDefinition", &definition).await;
    let service = json!({
        "cluster": "loans", "serviceName": "scoring", "taskDefinition": "scoring", "desiredCount": 2,
    });
    client.ecs("CreateService", &service).await;
    let registered = scaling("RegisterScalableTarget", target()).await;
    assert_eq!(registered.status, 200, "{}", registered.text());
    let described = scaling(
        "DescribeScalableTargets",
        json!({ "ServiceNamespace": "ecs" }),
    )
    .await;
    let targets = described.json()["ScalableTargets"].clone();
    assert_eq!(
        targets[0]["ResourceId"], "service/loans/scoring",
        "{targets:#}"
    );
    assert_eq!(
        [&targets[0]["MinCapacity"], &targets[0]["MaxCapacity"]],
        [2, 6]
    );

    let mut policy = target();
    policy["PolicyName"] = "cpu".into();
    policy["PolicyType"] = "TargetTrackingScaling".into();
    policy["TargetTrackingScalingPolicyConfiguration"] = json!({
        "TargetValue": 60.0,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "ECSServiceAverageCPUUtilization",
        },
    });
    let put = scaling("PutScalingPolicy", policy).await;
    assert_eq!(put.status, 200, "{}", put.text());
    let described = scaling(
        "DescribeScalingPolicies",
        json!({ "ServiceNamespace": "ecs" }),
    )
    .await;
    let policies = described.json()["ScalingPolicies"].clone();
    let configuration = &policies[0]["TargetTrackingScalingPolicyConfiguration"];
    assert_eq!(configuration["TargetValue"], 60.0, "{policies:#}");
}
