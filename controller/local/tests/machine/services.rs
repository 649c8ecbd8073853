//! Services under load: whatever becomes of their tasks, clients notice nothing.

use std::collections::BTreeSet;

use super::support::{
    BOUND, Ground, Load, apply, create, definition, deploy, is_alive, kill, observe, pids,
    platform, query, scale, serves, wait_for,
};
use engine::ports::{Compute, DeploymentState, Permit, ServiceChange, Urgency};
use schema::names::PlatformName;
use schema::names::ServiceName::{Auth, LoanApi, Scoring};

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_deployment_under_load_loses_no_request() {
    let ground = Ground::new();
    let home = ground.start().await.expect("a home");
    create(&home, LoanApi, 2).await;
    let before = observe(&home, LoanApi).await;
    let address = home
        .address(&platform(), LoanApi)
        .await
        .expect("an address");
    let load = Load::start(address, "/loan/apply");
    load.progress(50).await;

    deploy(&home, LoanApi, "loan-api:2").await;
    let asked = observe(&home, LoanApi).await;
    assert_eq!(asked.deployment.state, DeploymentState::InProgress);
    assert_ne!(asked.deployment.id, before.deployment.id);
    let after = wait_for(&home, LoanApi, "the deployment to complete", |it| {
        it.deployment.state == DeploymentState::Completed && serves(it, 2)
    })
    .await;
    load.progress(50).await;

    let (sent, failed) = load.finish().await;
    assert!(
        failed.is_empty(),
        "{} of {sent}: {:?}",
        failed.len(),
        failed.first()
    );
    assert!(pids(&before).iter().all(|pid| !is_alive(*pid)));
    assert_eq!(after.restarts, 0);
    assert_eq!(after.endpoint, Some(format!("http://{address}")));
    assert_eq!(after.tasks[0].settings, Some((1, 7)));
    home.shutdown().await;
    assert!(pids(&after).iter().all(|pid| !is_alive(*pid)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_task_is_replaced_and_no_score_request_is_lost() {
    let ground = Ground::new();
    let home = ground.start().await.expect("a home");
    create(&home, Scoring, 2).await;
    let before = observe(&home, Scoring).await;
    let address = home
        .address(&platform(), Scoring)
        .await
        .expect("an address");
    let load = Load::start(address, "/score");
    load.progress(50).await;

    kill(pids(&before)[0]);
    let after = wait_for(&home, Scoring, "a replacement", |it| {
        it.restarts == 1 && serves(it, 2)
    })
    .await;
    load.progress(50).await;

    let (sent, failed) = load.finish().await;
    assert!(
        failed.is_empty(),
        "{} of {sent}: {:?}",
        failed.len(),
        failed.first()
    );
    assert_eq!(after.deployment, before.deployment);
    assert!(
        home.metrics().stats().lines_taken >= 3,
        "metric lines of the tasks"
    );
    home.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scaling_out_and_in_under_load_loses_no_request() {
    let ground = Ground::new();
    let home = ground.start().await.expect("a home");
    create(&home, LoanApi, 2).await;
    let oldest = pids(&observe(&home, LoanApi).await);
    let address = home
        .address(&platform(), LoanApi)
        .await
        .expect("an address");
    let load = Load::start(address, "/loan/apply");
    load.progress(50).await;

    scale(&home, LoanApi, 4).await;
    wait_for(&home, LoanApi, "four tasks", |it| serves(it, 4)).await;
    load.progress(100).await;
    scale(&home, LoanApi, 1).await;
    let one = wait_for(&home, LoanApi, "one task", |it| serves(it, 1)).await;
    load.progress(50).await;

    let (sent, failed) = load.finish().await;
    assert!(
        failed.is_empty(),
        "{} of {sent}: {:?}",
        failed.len(),
        failed.first()
    );
    assert!(
        oldest.contains(&pids(&one)[0]),
        "the newest are drained first"
    );
    home.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_does_not_come_up_fails_and_the_old_tasks_stay() {
    let ground = Ground::new();
    let home = ground.start().await.expect("a home");
    create(&home, Scoring, 2).await;
    let kept = pids(&observe(&home, Scoring).await);

    for (image, words) in [
        ("missing:1", "no program `missing`"),
        ("crashing:1", "no database"),
    ] {
        deploy(&home, Scoring, image).await;
        let failed = wait_for(&home, Scoring, "the deployment to fail", |it| {
            matches!(&it.deployment.state, DeploymentState::Failed { reason } if reason.contains(words))
                && serves(it, 2)
        })
        .await;
        assert_eq!(pids(&failed), kept, "{image}");
        assert_eq!(failed.restarts, 0);
        assert_eq!(failed.template.image.0, image);
    }
    deploy(&home, Scoring, "scoring:2").await;
    wait_for(&home, Scoring, "a good deployment to complete", |it| {
        it.deployment.state == DeploymentState::Completed && serves(it, 2)
    })
    .await;
    home.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_service_drains_and_is_gone() {
    let ground = Ground::new();
    let home = ground.start().await.expect("a home");
    create(&home, Scoring, 1).await;
    let platforms = BTreeSet::from([platform()]);
    let delete = ServiceChange::Delete {
        platform: platform(),
        service: Scoring,
    };
    let compute = home.compute();

    compute
        .apply(&delete, 1, Permit::free())
        .await
        .expect("taken");
    while !compute
        .observe(&platforms, Urgency::Resync)
        .await
        .expect("observed")
        .found
        .is_empty()
    {
        tokio::task::yield_now().await;
    }
    compute
        .apply(&delete, 1, Permit::free())
        .await
        .expect("removing nothing is no error");
    home.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_platforms_live_side_by_side() {
    let ground = Ground::new();
    let home = ground.start().await.expect("a home");
    let other = PlatformName::try_from("eu-1").expect("a name");
    create(&home, LoanApi, 1).await;
    apply(
        &home,
        ServiceChange::Create(definition(other.clone(), LoanApi, 1)),
    )
    .await;

    let here = home
        .address(&platform(), LoanApi)
        .await
        .expect("an address");
    let there = home.address(&other, LoanApi).await.expect("an address");
    assert_ne!(here, there);
    // A request to a platform whose task is still starting waits for it, up to a second at a time.
    let started = std::time::Instant::now();
    loop {
        let answer = reqwest::get(format!("http://{there}/"))
            .await
            .expect("an answer");
        if answer.status().is_success() {
            break;
        }
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert!(
            started.elapsed() < BOUND,
            "the other platform never answers"
        );
    }
    let databases =
        "SELECT count(*)::int FROM pg_database WHERE datname IN ('loans_db', 'loans_db_eu_1')";
    assert_eq!(query(&ground, databases).await, Some(2));
    home.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_asked_for_at_the_loan_apis_own_address() {
    let ground = Ground::new();
    let home = ground.start().await.expect("a home");
    create(&home, LoanApi, 1).await;
    create(&home, Auth, 1).await;
    let auth = pids(&observe(&home, Auth).await)[0];
    let address = home
        .address(&platform(), LoanApi)
        .await
        .expect("an address");

    let token = reqwest::Client::new().post(format!("http://{address}/oauth/token"));
    let answered = token
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a body");
    assert_eq!(answered, auth.to_string());
    home.shutdown().await;
}
