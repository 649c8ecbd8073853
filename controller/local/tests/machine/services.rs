//! Services under load: whatever becomes of their tasks, clients notice nothing.

use std::collections::BTreeSet;

use super::support::{
    Ground, Load, create, deploy, is_alive, kill, observe, pids, platform, scale, serves, wait_for,
};
use engine::ports::{Compute, DeploymentState, ServiceChange};
use schema::names::ServiceName::{LoanApi, Scoring};

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

    compute.apply(&delete).await.expect("taken");
    while !compute
        .observe(&platforms)
        .await
        .expect("observed")
        .is_empty()
    {
        tokio::task::yield_now().await;
    }
    compute
        .apply(&delete)
        .await
        .expect("removing nothing is no error");
    home.shutdown().await;
}
