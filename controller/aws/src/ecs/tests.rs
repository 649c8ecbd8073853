//! The port on a small ECS in memory: which calls are made, and what their failures mean.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use engine::ports::{
    Compute, DeploymentState, Expected, ObservedService, Permit, PortError, Remedy, Seen,
    ServiceChange, ServiceDefinition, Urgency,
};
use schema::infrastructure::Infrastructure;
use schema::names::{PlatformName, ServiceName};
use schema::platform::Scaling;
use schema::revision::FieldChange;
use schema::units::Whole;
use serde_json::{Value, json};

use super::compute::{EcsCompute, EcsParts};
use super::describe::Asking;
use super::fake::FakeAws;
use super::fixture::{dev, infrastructure, template};
use super::reports::{Lowest, SettingsReports};
use crate::caller::Caller;
use crate::quota::{Family, Limit, QuotaConfig, Quotas};
use crate::tally::Tally;

/// Scoring reports the settings (3, 7), and no other service any.
#[derive(Debug)]
struct ScoringReports;

#[async_trait]
impl SettingsReports for ScoringReports {
    async fn lowest(
        &self,
        platforms: &BTreeSet<PlatformName>,
        _: Urgency,
    ) -> Result<Lowest, PortError> {
        let of = |platform: &PlatformName| ((platform.clone(), ServiceName::Scoring), (3, 7));
        Ok(platforms.iter().map(of).collect())
    }
}

fn compute_on(aws: &FakeAws) -> EcsCompute {
    compute_within(aws, &QuotaConfig::default())
}

fn compute_within(aws: &FakeAws, quotas: &QuotaConfig) -> EcsCompute {
    let infrastructure = Arc::new(ArcSwap::from_pointee(infrastructure()));
    compute_in(aws, quotas, infrastructure)
}

/// With what the account provides, which may change.
fn compute_in(
    aws: &FakeAws,
    quotas: &QuotaConfig,
    infrastructure: Arc<ArcSwap<Infrastructure>>,
) -> EcsCompute {
    EcsCompute::new(parts(aws, quotas, infrastructure))
}

fn parts(
    aws: &FakeAws,
    quotas: &QuotaConfig,
    infrastructure: Arc<ArcSwap<Infrastructure>>,
) -> EcsParts {
    let connection = aws.connection();
    let quotas = Quotas::new(quotas);
    let caller = Arc::new(Caller::new(quotas, Tally::default()));
    let services = Asking::new(connection.ecs.clone(), Arc::clone(&caller));
    EcsParts {
        infrastructure,
        bucket: "loans".to_owned(),
        documents: aws.documents(),
        keeps_notes: true,
        services: Arc::new(services),
        reports: Arc::new(ScoringReports),
        connection,
        caller,
    }
}

async fn look(compute: &EcsCompute) -> Result<Seen<ObservedService>, PortError> {
    compute
        .observe(&BTreeSet::from([dev()]), Urgency::Resync)
        .await
}

/// The one service that there is.
async fn look_at_one(compute: &EcsCompute) -> ObservedService {
    let mut found = look(compute).await.unwrap().found;
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

async fn change(compute: &EcsCompute, change: ServiceChange) -> Result<(), PortError> {
    change_for(1, compute, change).await
}

async fn change_for(
    generation: i64,
    compute: &EcsCompute,
    change: ServiceChange,
) -> Result<(), PortError> {
    compute.apply(&change, generation, Permit::free()).await
}

fn create(image: &str) -> ServiceChange {
    ServiceChange::Create(ServiceDefinition {
        platform: dev(),
        service: ServiceName::Scoring,
        template: template(image),
        count: Some(2),
        scaling: None,
    })
}

fn deploy(image: &str) -> ServiceChange {
    ServiceChange::Deploy {
        platform: dev(),
        service: ServiceName::Scoring,
        template: template(image),
    }
}

fn scale(count: u32, scaling: Option<Scaling>) -> ServiceChange {
    ServiceChange::Scale {
        platform: dev(),
        service: ServiceName::Scoring,
        count,
        scaling,
    }
}

fn repair() -> ServiceChange {
    ServiceChange::Repair {
        platform: dev(),
        service: ServiceName::Scoring,
    }
}

fn delete() -> ServiceChange {
    ServiceChange::Delete {
        platform: dev(),
        service: ServiceName::Scoring,
    }
}

fn range(most: u32) -> Scaling {
    Scaling {
        min_capacity: Whole::new(2),
        max_capacity: most.try_into().unwrap(),
        target_cpu_utilization: Whole::new(60),
    }
}

#[tokio::test]
async fn what_was_made_is_found_as_it_was_wanted() {
    let aws = FakeAws::default();
    let compute = compute_on(&aws);
    assert_eq!(look(&compute).await.unwrap().found, []);
    change(&compute, create("scoring:1")).await.unwrap();

    let found = look_at_one(&compute).await;
    assert_eq!(found.template, template("scoring:1"));
    assert_eq!((found.desired_count, found.running()), (2, 2));
    assert_eq!(found.deployment.state, DeploymentState::Completed);
    assert!(found.all_report((3, 7)));
    assert_eq!(found.drift, []);
}

#[tokio::test]
async fn what_somebody_changed_is_named_and_put_back_with_nothing_deployed_for_it() {
    let aws = FakeAws::default();
    let compute = compute_on(&aws);
    change(&compute, create("scoring:1")).await.unwrap();
    edit(&aws, |service| {
        let breaker = json!({"enable": false, "rollback": true});
        service["deploymentConfiguration"]["deploymentCircuitBreaker"] = breaker;
    });
    let found = look_at_one(&compute).await;
    let off = FieldChange {
        path: "deployments.circuitBreaker".to_owned(),
        from: Some("false".to_owned()),
        to: Some("true".to_owned()),
    };
    assert_eq!(found.drift, [off]);

    change(&compute, repair()).await.unwrap();
    let after = look_at_one(&compute).await;
    assert_eq!(after.drift, []);
    assert_eq!(after.deployment, found.deployment);
    assert_eq!(after.template, template("scoring:1"));
    assert_eq!(aws.account().task_definitions.len(), 1);
}

#[tokio::test]
async fn a_repair_says_only_what_is_otherwise_of_what_replaces_tasks() {
    let aws = FakeAws::default();
    let compute = compute_on(&aws);
    change(&compute, create("scoring:1")).await.unwrap();
    edit(&aws, |service| {
        service["networkConfiguration"] = json!({"awsvpcConfiguration": {"subnets": ["other"]}});
    });
    assert!(!look_at_one(&compute).await.drift.is_empty());
    change(&compute, repair()).await.unwrap();
    assert_eq!(look_at_one(&compute).await.drift, []);

    // The look is older than what somebody does now: what was as it should be is not written.
    let untouched = json!({"awsvpcConfiguration": {"subnets": ["by somebody"]}});
    edit(&aws, |service| {
        service["networkConfiguration"] = untouched.clone();
    });
    change(&compute, repair()).await.unwrap();
    let account = aws.account();
    assert_eq!(
        account.services["dev-scoring"]["networkConfiguration"],
        untouched
    );
}

#[tokio::test]
async fn tags_that_somebody_took_off_are_put_on_again() {
    let aws = FakeAws::default();
    let compute = compute_on(&aws);
    change(&compute, create("scoring:1")).await.unwrap();
    edit(&aws, |service| service["tags"] = json!([]));
    assert!(!look_at_one(&compute).await.drift.is_empty());
    change(&compute, repair()).await.unwrap();
    assert_eq!(look_at_one(&compute).await.drift, []);
}

#[tokio::test]
async fn of_a_service_that_is_being_removed_nothing_is_wanted() {
    let aws = FakeAws::default();
    let compute = compute_on(&aws);
    change(&compute, create("scoring:1")).await.unwrap();
    edit(&aws, |service| {
        service["status"] = "DRAINING".into();
        service["tags"] = json!([]);
    });
    assert_eq!(look_at_one(&compute).await.drift, []);
}

/// Scoring runs, in an account that may change what it provides.
async fn running(aws: &FakeAws) -> (EcsCompute, Arc<ArcSwap<Infrastructure>>) {
    let provided = Arc::new(ArcSwap::from_pointee(infrastructure()));
    let compute = compute_in(aws, &QuotaConfig::default(), Arc::clone(&provided));
    change(&compute, create("scoring:1")).await.unwrap();
    assert_eq!(look_at_one(&compute).await.drift, []);
    (compute, provided)
}

/// The account has a collector of traces at `address` from now on.
fn collects(provided: &ArcSwap<Infrastructure>, address: &str) {
    let mut changed = infrastructure();
    changed.defaults.trace_collector = Some(address.to_owned());
    provided.store(Arc::new(changed));
}

#[tokio::test]
async fn what_the_account_provides_otherwise_replaces_tasks_once() {
    let aws = FakeAws::default();
    let (compute, provided) = running(&aws).await;
    collects(&provided, "http://collector:4318");
    let found = look_at_one(&compute).await;
    let told = FieldChange {
        path: "taskDefinition.environment.OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(),
        from: None,
        to: Some("http://collector:4318".to_owned()),
    };
    assert_eq!(found.drift, [told]);
    assert_eq!(found.template, template("scoring:1"));

    assert_is_covered(&aws, &compute, repair()).await;
    let after = look_at_one(&compute).await;
    assert_eq!(after.drift, []);
    assert_ne!(after.deployment.id, found.deployment.id);
    assert_eq!(after.template, template("scoring:1"));
    aws.calls();
    look_at_one(&compute).await;
    assert_eq!(aws.calls(), ["DescribeServices"]);

    // Gone again, the task definition from before is there still.
    provided.store(Arc::new(infrastructure()));
    assert_is_covered(&aws, &compute, repair()).await;
    assert_eq!(look_at_one(&compute).await.drift, []);
    assert_eq!(aws.account().task_definitions.len(), 2);
}

#[tokio::test]
async fn tasks_are_not_replaced_anew_while_they_are_being_replaced() {
    let aws = FakeAws::default();
    let (compute, provided) = running(&aws).await;
    edit(&aws, |service| {
        service["deployments"][0]["rolloutState"] = "IN_PROGRESS".into();
    });
    collects(&provided, "http://collector:4318");
    assert_eq!(look_at_one(&compute).await.drift, []);
    assert_is_covered(&aws, &compute, repair()).await;
    assert_eq!(aws.account().task_definitions.len(), 1);

    edit(&aws, |service| {
        service["deployments"][0]["rolloutState"] = "COMPLETED".into();
    });
    assert_eq!(look_at_one(&compute).await.drift.len(), 1);
}

#[tokio::test]
async fn what_ecs_went_back_from_is_not_tried_again_until_something_else_is_wanted() {
    let aws = FakeAws::default();
    let (compute, provided) = running(&aws).await;
    let running = aws.account().services["dev-scoring"]["taskDefinition"].clone();
    collects(&provided, "http://wrong:4318");
    look_at_one(&compute).await;
    change(&compute, repair()).await.unwrap();
    let reason = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.";
    edit(&aws, |service| {
        service["taskDefinition"] = running.clone();
        service["deployments"][0] = json!({
            "id": "ecs-svc/9",
            "status": "PRIMARY",
            "rolloutState": "COMPLETED",
            "rolloutStateReason": reason,
            "taskDefinition": running,
            "serviceConnectConfiguration": service["serviceConnectConfiguration"],
        });
    });
    let back = look_at_one(&compute).await;
    let is_back = matches!(back.deployment.state, DeploymentState::RolledBack { .. });
    assert!(is_back, "{:?}", back.deployment);
    assert_eq!(back.drift, []);
    assert_is_covered(&aws, &compute, repair()).await;
    assert_eq!(look_at_one(&compute).await.template, template("scoring:1"));

    // Who takes over does not know yet, and learns it before anything is deployed.
    let wrong = Arc::new(ArcSwap::new(provided.load_full()));
    let newcomer = compute_in(&aws, &QuotaConfig::default(), wrong);
    assert_is_covered(&aws, &newcomer, repair()).await;
    let service = aws.account().services["dev-scoring"].clone();
    assert_eq!(service["taskDefinition"], running);

    collects(&provided, "http://right:4318");
    assert_eq!(look_at_one(&compute).await.drift.len(), 1);
    change(&compute, repair()).await.unwrap();
    assert_eq!(look_at_one(&compute).await.drift, []);
}

#[tokio::test]
async fn a_revision_that_somebody_made_from_ours_is_replaced_by_ours() {
    let aws = FakeAws::default();
    let (compute, _) = running(&aws).await;
    let arn = {
        let mut account = aws.account();
        let mut copy = account.task_definitions[0].clone();
        let arn = copy["taskDefinitionArn"]
            .as_str()
            .unwrap()
            .replace(":1", ":2");
        copy["taskDefinitionArn"] = arn.clone().into();
        copy["revision"] = 2.into();
        copy["containerDefinitions"][0]["environment"][0]["value"] = "0.0.0.0:1".into();
        account.task_definitions.push(copy);
        arn
    };
    edit(&aws, |service| {
        service["taskDefinition"] = arn.clone().into();
        service["deployments"][0]["taskDefinition"] = arn.into();
    });
    let found = look_at_one(&compute).await;
    assert_eq!(found.drift[0].path, "taskDefinition.environment.LOAN_ADMIN");
    assert_is_covered(&aws, &compute, repair()).await;
    assert_eq!(look_at_one(&compute).await.drift, []);
}

#[tokio::test]
async fn what_somebody_else_registered_runs_on_until_something_is_deployed() {
    let aws = FakeAws::default();
    let (compute, provided) = running(&aws).await;
    {
        let mut account = aws.account();
        let container = json!({
            "name": "scoring",
            "image": "registry.example/scoring:1",
            "environment": [{"name": "PASSWORD", "value": "hunter2"}],
        });
        account.task_definitions.push(json!({
            "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/dev-scoring:2",
            "family": "dev-scoring",
            "revision": 2,
            "cpu": "256",
            "memory": "512",
            "status": "ACTIVE",
            "containerDefinitions": [container, {"name": "proxy", "image": "envoy:1"}],
        }));
        let arn = account.task_definitions[1]["taskDefinitionArn"].clone();
        let service = account.services.get_mut("dev-scoring").unwrap();
        service["deployments"][0]["taskDefinition"] = arn;
    }
    collects(&provided, "http://collector:4318");
    let found = look_at_one(&compute).await;
    assert_eq!(found.template, template("scoring:1"));
    assert_eq!(found.drift, []);

    change(&compute, deploy("scoring:2")).await.unwrap();
    assert_eq!(look_at_one(&compute).await.drift, []);
    let account = aws.account();
    let own = &account.task_definitions[2]["containerDefinitions"];
    assert_eq!(own.as_array().unwrap().len(), 1);
}

/// Somebody changes scoring by hand.
fn edit(aws: &FakeAws, edit: impl FnOnce(&mut serde_json::Value)) {
    edit(aws.account().services.get_mut("dev-scoring").unwrap());
}

#[tokio::test]
async fn where_nothing_moves_a_look_is_one_call() {
    let aws = FakeAws::default();
    let compute = compute_on(&aws);
    change(&compute, create("scoring:1")).await.unwrap();
    look_at_one(&compute).await;
    aws.calls();
    look_at_one(&compute).await;
    assert_eq!(aws.calls(), ["DescribeServices"]);
}

#[tokio::test]
async fn what_ran_before_is_not_registered_again_whoever_remembers_it() {
    let aws = FakeAws::default();
    let compute = compute_on(&aws);
    change(&compute, create("scoring:1")).await.unwrap();
    change(&compute, deploy("scoring:2")).await.unwrap();
    change(&compute, deploy("scoring:1")).await.unwrap();
    assert_eq!(aws.account().task_definitions.len(), 2);

    let newcomer = compute_on(&aws);
    look_at_one(&newcomer).await;
    let back = deploy("scoring:2");
    drop(newcomer.permit(&back, Urgency::Rollback).await);
    change(&newcomer, back).await.unwrap();
    assert_eq!(aws.account().task_definitions.len(), 2);
    assert_eq!(look_at_one(&newcomer).await.template, template("scoring:2"));
}

#[tokio::test]
async fn what_is_made_says_for_which_edit_and_nothing_is_made_anew_to_say_it() {
    let aws = FakeAws::default();
    let compute = compute_on(&aws);
    for (generation, change) in [
        (3, create("scoring:1")),
        (4, deploy("scoring:2")),
        (5, deploy("scoring:1")),
    ] {
        change_for(generation, &compute, change).await.unwrap();
    }
    let tag = |made: &Value, key: &str| {
        let mut tags = made["tags"].as_array().unwrap().iter();
        let found = tags.find(|tag| tag["key"] == format!("lending.dev/{key}"));
        found.map(|tag| tag["value"].clone())
    };
    {
        let account = aws.account();
        let registered = account.task_definitions.iter();
        let generations: Vec<_> = registered.map(|it| tag(it, "generation")).collect();
        assert_eq!(generations, [Some(json!("3")), Some(json!("4"))]);
        let service = account.services.values().next().unwrap();
        assert_eq!(tag(service, "generation"), Some(json!("3")));
        assert_eq!(tag(service, "store"), Some(json!("loans")));
    }
    assert_eq!(look_at_one(&compute).await.drift, []);
}

#[tokio::test]
async fn a_deregistered_task_definition_is_not_used_again() {
    let aws = FakeAws::default();
    change(&compute_on(&aws), create("scoring:1"))
        .await
        .unwrap();
    aws.account().task_definitions[0]["status"] = "INACTIVE".into();

    let newcomer = compute_on(&aws);
    look_at_one(&newcomer).await;
    change(&newcomer, deploy("scoring:1")).await.unwrap();
    assert_eq!(aws.account().task_definitions.len(), 2);
}

#[tokio::test]
async fn making_what_is_there_adopts_it() {
    let aws = FakeAws::default();
    change(&compute_on(&aws), create("scoring:1"))
        .await
        .unwrap();
    let by_others = |aws: &FakeAws| {
        edit(aws, |service| {
            service["tags"] = json!([{"key": "team", "value": "credit"}]);
            service["networkConfiguration"] =
                json!({"awsvpcConfiguration": {"subnets": ["other"]}});
        });
    };
    by_others(&aws);

    let unseen = compute_on(&aws);
    change(&unseen, create("scoring:2")).await.unwrap();
    let adopted = look_at_one(&unseen).await;
    assert_eq!(adopted.template, template("scoring:2"));
    assert_eq!(adopted.drift, []);

    by_others(&aws);
    look_at_one(&unseen).await;
    change(&unseen, create("scoring:3")).await.unwrap();
    assert_eq!(look_at_one(&unseen).await.drift, []);
}

#[tokio::test]
async fn a_permit_covers_the_calls_of_its_change() {
    let aws = FakeAws::default();
    let compute = compute_on(&aws);
    for step in [
        create("scoring:1"),
        deploy("scoring:2"),
        deploy("scoring:1"),
        scale(3, None),
        scale(3, Some(range(6))),
        scale(5, Some(range(8))),
        scale(5, None),
    ] {
        assert_is_covered(&aws, &compute, step).await;
    }
    let untag = |aws: &FakeAws| edit(aws, |service| service["tags"] = json!([]));
    assert_is_covered(&aws, &compute, repair()).await;
    untag(&aws);
    assert_is_covered(&aws, &compute, repair()).await;
    untag(&aws);
    assert_is_covered(&aws, &compute, deploy("scoring:2")).await;
    untag(&aws);
    assert_is_covered(&aws, &compute, create("scoring:3")).await;
    assert_is_covered(&aws, &compute, delete()).await;
}

async fn assert_is_covered(aws: &FakeAws, compute: &EcsCompute, step: ServiceChange) {
    look(compute).await.unwrap();
    let mut permitted = compute.families(&step, Urgency::Edit).await;
    aws.calls();
    change(compute, step.clone()).await.unwrap();
    let mut made: Vec<Family> = aws.calls().iter().map(|api| family_of(api)).collect();
    made.sort_unstable();
    permitted.sort_unstable();
    assert_eq!(permitted, made, "{step}");
}

fn family_of(api: &str) -> Family {
    match api {
        "RegisterTaskDefinition" => Family::TaskDefinitionModify,
        "TagResource" => Family::TagModify,
        "CreateService" | "UpdateService" | "DeleteService" => Family::ServiceModify,
        "RegisterScalableTarget" | "PutScalingPolicy" | "DeregisterScalableTarget" => {
            Family::Scaling
        }
        other => panic!("{other} changes nothing"),
    }
}

#[tokio::test]
async fn automatic_scaling_is_found_as_it_was_written_and_taken_off_again() {
    let aws = FakeAws::default();
    let compute = compute_on(&aws);
    change(&compute, create("scoring:1")).await.unwrap();
    assert_eq!(look_at_one(&compute).await.scaling, None);
    for wanted in [Some(range(6)), Some(range(4)), None] {
        change(&compute, scale(2, wanted)).await.unwrap();
        assert_eq!(look_at_one(&compute).await.scaling, wanted);
    }
    assert!(aws.account().policies.is_empty());
}

#[tokio::test]
async fn a_count_that_is_there_is_not_asked_for() {
    let aws = FakeAws::default();
    let compute = compute_on(&aws);
    change(&compute, create("scoring:1")).await.unwrap();
    look_at_one(&compute).await;
    aws.calls();
    change(&compute, scale(2, Some(range(6)))).await.unwrap();
    assert_eq!(aws.calls(), ["RegisterScalableTarget", "PutScalingPolicy"]);
}

#[tokio::test]
async fn removing_a_service_leaves_nothing_and_may_be_asked_for_twice() {
    let aws = FakeAws::default();
    let compute = compute_on(&aws);
    change(&compute, create("scoring:1")).await.unwrap();
    change(&compute, scale(2, Some(range(6)))).await.unwrap();
    look_at_one(&compute).await;
    for _ in 0..2 {
        change(&compute, delete()).await.unwrap();
        assert_eq!(look(&compute).await.unwrap().found, []);
    }
    assert!(aws.account().targets.is_empty());
    change(&compute_on(&FakeAws::default()), delete())
        .await
        .unwrap();
}

#[tokio::test]
async fn what_failed_is_deployed_again_when_it_is_asked_for_again() {
    let aws = FakeAws::default();
    let compute = compute_on(&aws);
    change(&compute, create("scoring:1")).await.unwrap();
    let state = |aws: &FakeAws, state: &str| {
        let mut account = aws.account();
        let service = account.services.get_mut("dev-scoring").unwrap();
        service["deployments"][0]["rolloutState"] = state.into();
    };
    let completed = look_at_one(&compute).await.deployment.id;
    change(&compute, deploy("scoring:1")).await.unwrap();
    assert_eq!(look_at_one(&compute).await.deployment.id, completed);

    state(&aws, "FAILED");
    look_at_one(&compute).await;
    change(&compute, deploy("scoring:1")).await.unwrap();
    assert_ne!(look_at_one(&compute).await.deployment.id, completed);
}

#[tokio::test]
async fn a_person_is_waited_for_only_where_one_is_needed() {
    for (code, remedy) in [
        ("ClusterNotFoundException", Remedy::WaitForUser),
        ("AccessDeniedException", Remedy::WaitForUser),
        ("InvalidParameterException", Remedy::WaitForUser),
        ("ThrottlingException", Remedy::Retry),
        ("ServiceNotFoundException", Remedy::Retry),
        ("ServiceNotActiveException", Remedy::Retry),
    ] {
        let aws = FakeAws::default();
        aws.account().fails_with = Some((code, "No."));
        let error = change(&compute_on(&aws), deploy("scoring:1")).await;
        assert_eq!(error.unwrap_err().remedy(), remedy, "{code}");
    }
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_named_with_what_to_do() {
    let aws = FakeAws::default();
    aws.account().fails_with = Some(("ClusterNotFoundException", "Cluster not found."));
    let error = look(&compute_on(&aws)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read 4 services of the cluster \
         arn:aws:ecs:eu-west-1:123456789012:cluster/loans: there is no such ECS cluster; create it, \
         or name another in bootstrap/infrastructure.json"
    );
}

const READ: &str = "DescribeTaskDefinition";

#[tokio::test(start_paused = true)]
async fn what_an_earlier_term_read_of_task_definitions_is_not_read_again() {
    let aws = FakeAws::default();
    let earlier = compute_on(&aws);
    change(&earlier, create("scoring:1")).await.unwrap();
    look_at_one(&earlier).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    drop(earlier);

    let later = compute_on(&aws);
    aws.calls();
    let found = look_at_one(&later).await;
    assert_eq!(found.template, template("scoring:1"));
    assert!(!aws.calls().iter().any(|call| call == READ));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_given_up_again_and_again_comes_to_its_end() {
    let aws = FakeAws::default();
    let earlier = compute_on(&aws);
    change(&earlier, create("scoring:1")).await.unwrap();
    for image in ["scoring:2", "scoring:3", "scoring:4"] {
        change(&earlier, deploy(image)).await.unwrap();
    }

    // A revision is read every ten seconds, as where a thousand platforms wait to read theirs.
    let one_in_ten_seconds = Limit {
        burst: 1.0,
        per_second: 0.2,
    };
    let quotas = QuotaConfig {
        limits: [(Family::TaskDefinitionRead, one_in_ten_seconds)].into(),
        ..QuotaConfig::default()
    };
    let later = compute_within(&aws, &quotas);
    let change = deploy("scoring:5");
    for _ in 0..10 {
        let permit = later.permit(&change, Urgency::Edit);
        let permitted = tokio::time::timeout(Duration::from_secs(15), permit).await;
        if permitted.is_ok() {
            return;
        }
    }
    panic!("in vain: each time all was read anew");
}

#[tokio::test(start_paused = true)]
async fn notes_that_cannot_be_understood_cost_a_call_and_no_more() {
    let aws = FakeAws::default();
    let compute = compute_on(&aws);
    change(&compute, create("scoring:1")).await.unwrap();
    let notes = "cache/task-definitions.json";
    let documents = aws.documents();
    let written = documents.put(notes, "?".into(), Expected::Absent);
    written.await.unwrap();

    let later = compute_on(&aws);
    aws.calls();
    let found = look_at_one(&later).await;
    assert_eq!(found.template, template("scoring:1"));
    assert!(aws.calls().iter().any(|call| call == READ));
    tokio::time::sleep(Duration::from_mins(1)).await;
    let mended = documents.get(notes).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&mended.bytes).contains("scoring:1"));
}

#[tokio::test(start_paused = true)]
async fn who_looks_beside_the_controller_notes_nothing() {
    let aws = FakeAws::default();
    let compute = compute_on(&aws);
    change(&compute, create("scoring:1")).await.unwrap();
    drop(compute);
    let provided = Arc::new(ArcSwap::from_pointee(infrastructure()));
    let beside = EcsCompute::new(EcsParts {
        keeps_notes: false,
        ..parts(&aws, &QuotaConfig::default(), provided)
    });
    look_at_one(&beside).await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    let noted = aws.documents().get("cache/task-definitions.json").await;
    assert!(noted.unwrap().is_none());
}
