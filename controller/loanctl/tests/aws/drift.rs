//! What people do by hand is put right, once, and what was there before is adopted.

use std::time::Duration;

use aws_sdk_ecs::types::{DeploymentCircuitBreaker, DeploymentConfiguration, Service};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::account::{Account, BUCKET, CLUSTER, eventually};
use crate::controller::Controller;

/// Several times the resync of the controllers here.
const SEVERAL_RESYNCS: Duration = Duration::from_secs(12);

#[tokio::test]
async fn what_somebody_changed_by_hand_is_put_right() {
    let account = Account::opens().await;
    let controller = Controller::starts(&account).await;
    account.submits("dev", |_| ()).await;
    eventually("loan-api is there", async || {
        account.service("dev-loan-api").await
    })
    .await;
    let alarm = "LoanPlatform/dev/latency";
    eventually("the alarm is there", async || account.alarm(alarm).await).await;

    let scaled = account
        .ecs
        .update_service()
        .cluster(CLUSTER)
        .service("dev-loan-api");
    scaled.desired_count(5).send().await.unwrap();
    let deleted = account.cloudwatch.delete_alarms().alarm_names(alarm);
    deleted.send().await.unwrap();

    eventually("two tasks again", async || {
        let service = account.service("dev-loan-api").await?;
        (service.desired_count() == 2).then_some(())
    })
    .await;
    eventually("the alarm again", async || account.alarm(alarm).await).await;
    drop(controller);
}

#[tokio::test]
async fn a_plan_tells_of_what_somebody_changed_by_hand_and_of_what_is_adopted() {
    let account = Account::opens().await;
    somebody_made(&account, "dev-auth").await;
    let planned = plan(&account, &[]).await;
    for part in [
        "dev: new",
        "+ service loan-api",
        "~ tasks of auth",
        "→ auth:1",
    ] {
        assert!(planned.contains(part), "{part}: {planned}");
    }
    assert!(!planned.contains("+ service auth"), "{planned}");
    let offline = plan(&account, &["--offline"]).await;
    assert!(offline.contains("+ service auth"), "{offline}");
}

/// What `loanctl plan` says of the spec of `dev`.
async fn plan(account: &Account, options: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dev.yaml");
    std::fs::write(&file, crate::view::spec("dev", |_| ())).unwrap();
    let plan = Command::new(env!("CARGO_BIN_EXE_loanctl"))
        .arg("plan")
        .arg(&file)
        .args(["--store", &format!("s3://{BUCKET}")])
        .args(options)
        .envs(account.emulators.environment())
        .output();
    let output = plan.await.unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    said
}

#[tokio::test]
async fn what_the_account_gives_a_service_is_put_back_and_history_names_it() {
    let account = Account::opens().await;
    let controller = Controller::starts(&account).await;
    account.submits("dev", |_| ()).await;
    eventually("auth is there", async || account.service("dev-auth").await).await;
    let protected = async || {
        let service = account.service("dev-auth").await?;
        let breaker = service
            .deployment_configuration()?
            .deployment_circuit_breaker()?;
        (breaker.enable() && breaker.rollback()).then_some(service)
    };
    let before = eventually("ECS goes back by itself", protected).await;

    let off = DeploymentCircuitBreaker::builder()
        .enable(false)
        .rollback(false);
    let off = DeploymentConfiguration::builder().deployment_circuit_breaker(off.build());
    let switched = account
        .ecs
        .update_service()
        .cluster(CLUSTER)
        .service("dev-auth");
    let switched = switched.deployment_configuration(off.build());
    switched.send().await.unwrap();

    let after = eventually("ECS goes back by itself again", protected).await;
    let deployments = |service: &Service| {
        let ids = service.deployments().iter().map(|it| it.id.clone());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(
        deployments(&after),
        deployments(&before),
        "nothing is deployed for it"
    );
    let repaired = eventually("history tells of it", async || {
        let shown = controller.shows("dev").await?;
        let history = shown["status"]["history"].as_array()?.clone();
        history
            .into_iter()
            .find(|it| it["message"] == "repair auth")
    })
    .await;
    let field = &repaired["evidence"]["fields"][0];
    assert_eq!(
        field["path"], "auth.deployments.circuitBreaker",
        "{repaired:#}"
    );
    assert_eq!(
        (&field["from"], &field["to"]),
        (&json!("false"), &json!("true"))
    );
}

#[tokio::test]
async fn what_the_account_provides_otherwise_replaces_tasks_once() {
    let account = Account::opens().await;
    let controller = Controller::starts(&account).await;
    account.submits("dev", |_| ()).await;
    let first = eventually("auth is there", async || runs(&account).await).await;
    assert_eq!(collector_of(&account, "dev-auth").await, None);
    assert!(controller.stops().await);

    let collector = "http://collector:4318";
    provides(&account, |defaults| {
        defaults["traceCollector"] = json!(collector);
    })
    .await;
    // It is read every five minutes, and at the start.
    let controller = Controller::starts(&account).await;
    // Scoring waits for its bake.
    for service in ["dev-auth", "dev-loan-api"] {
        let told = eventually(service, async || collector_of(&account, service).await).await;
        assert_eq!(told, collector);
    }
    let second = runs(&account).await;
    assert_ne!(second, Some(first));
    let repaired = eventually("history tells of it", async || {
        let shown = controller.shows("dev").await?;
        let history = shown["status"]["history"].as_array()?.clone();
        history
            .into_iter()
            .find(|it| it["message"].to_string().contains("repair auth"))
    })
    .await;
    let field = json!({
        "path": "auth.taskDefinition.environment.OTEL_EXPORTER_OTLP_ENDPOINT",
        "to": collector,
    });
    let fields = repaired["evidence"]["fields"].as_array().unwrap();
    assert!(fields.contains(&field), "{repaired:#}");
    assert!(controller.stops().await);

    // Who takes over reads all of it from ECS, and has nothing to do.
    let before = account.changes_of_services();
    account
        .documents_are_without("cache/task-definitions.json")
        .await;
    let controller = Controller::starts(&account).await;
    controller.holds_the_lease().await;
    eventually("it has looked at dev", async || {
        controller.shows("dev").await
    })
    .await;
    tokio::time::sleep(SEVERAL_RESYNCS).await;
    assert_eq!(account.changes_of_services(), before);
    assert_eq!(runs(&account).await, second);
    drop(controller);
}

/// The task definition that auth runs.
async fn runs(account: &Account) -> Option<String> {
    account.service("dev-auth").await?.task_definition
}

/// The collector that a service's tasks are told of.
async fn collector_of(account: &Account, service: &str) -> Option<String> {
    let definition = account.definition_of(service).await?;
    let container = definition.container_definitions?.into_iter().next()?;
    let mut environment = container.environment?.into_iter();
    let told = environment.find(|it| it.name() == Some("OTEL_EXPORTER_OTLP_ENDPOINT"));
    told?.value
}

/// The bootstrap changes what the account provides.
async fn provides(account: &Account, edit: impl FnOnce(&mut Value)) {
    let path = "bootstrap/infrastructure.json";
    let mut provided = account.json(path).await.unwrap();
    edit(&mut provided["defaults"]);
    account.puts(path, &provided.to_string()).await;
}

#[tokio::test]
async fn a_service_that_was_there_before_is_adopted() {
    let account = Account::opens().await;
    somebody_made(&account, "dev-auth").await;
    let controller = Controller::starts(&account).await;
    account.submits("dev", |_| ()).await;
    eventually("it runs what the spec says", async || {
        account
            .image_of("dev-auth")
            .await
            .filter(|image| image.ends_with("/auth:1"))
    })
    .await;
    drop(controller);
}

#[tokio::test]
async fn what_becomes_of_a_removed_platform_is_its_deletion_policy() {
    let account = Account::opens().await;
    let controller = Controller::starts(&account).await;
    account.submits("kept", |_| ()).await;
    account
        .submits("gone", |spec| spec["deletionPolicy"] = json!("Delete"))
        .await;
    for name in ["kept-auth", "gone-auth"] {
        eventually(name, async || account.service(name).await).await;
    }
    for name in ["kept", "gone"] {
        use engine::ports::Documents;
        let path = format!("specs/{name}.yaml");
        account.documents.delete(&path).await.unwrap();
        // One at a time: several that vanish together are taken for an accident.
        eventually("it is off the board", async || {
            controller.shows(name).await.is_none().then_some(())
        })
        .await;
    }
    eventually("the services are removed", async || {
        account.service("gone-auth").await.is_none().then_some(())
    })
    .await;
    eventually("the alarms are removed", async || {
        let alarm = account.alarm("LoanPlatform/gone/latency").await;
        alarm.is_none().then_some(())
    })
    .await;
    assert!(account.service("kept-auth").await.is_some());
    assert!(account.alarm("LoanPlatform/kept/latency").await.is_some());
}

async fn somebody_made(account: &Account, name: &str) {
    account.registers_by_hand().await;
    let created = account
        .ecs
        .create_service()
        .cluster(CLUSTER)
        .service_name(name);
    let created = created.task_definition("by-hand").desired_count(1);
    created.send().await.unwrap();
}
