//! The home as a whole: what it refuses, what it keeps, what it leaves behind (nothing).

use std::fs;
use std::process::Stdio;

use super::support::{
    BOUND, Ground, children_of, create, example, observe, pids, platform, query, serves, wait_for,
    wait_until_gone,
};
use local_adapter::{Home, HomeError};
use schema::names::ServiceName::{LoanApi, Scoring};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_home_on_the_same_state_is_refused() {
    let ground = Ground::new();
    let home = ground.start().await.expect("a home");
    let refused = ground.start().await.expect_err("refused");
    let HomeError::AlreadyRunning { pid, .. } = &refused else {
        panic!("{refused}");
    };
    assert_eq!(*pid, Some(std::process::id()));
    home.shutdown().await;
    ground.start().await.expect("free again").shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_told_before_anything_is_started() {
    let ground = Ground::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut config = ground.config();
    config.api_port = taken.local_addr().expect("an address").port();
    let refused = Home::start(config, |_| {}).await.expect_err("refused");
    assert!(matches!(refused, HomeError::PortInUse { .. }), "{refused}");
    assert!(refused.to_string().contains("--api-port"));
    assert!(!ground.state().join("postgres").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_that_cannot_be_made_is_told() {
    let ground = Ground::new();
    let mut config = ground.config();
    config.state_dir = "/proc/no-such-place".into();
    let refused = Home::start(config, |_| {}).await.expect_err("refused");
    assert!(
        matches!(refused, HomeError::StateNotWritable { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("--state"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_brings_services_addresses_and_data_back() {
    let ground = Ground::new();
    let home = ground.start().await.expect("a home");
    create(&home, LoanApi, 2).await;
    let before = observe(&home, LoanApi).await;
    let scoring = home
        .address(&platform(), Scoring)
        .await
        .expect("an address");
    query(&ground, "CREATE TABLE kept AS SELECT 42 AS answer").await;
    home.shutdown().await;

    let home = ground.start().await.expect("a home again");
    let after = wait_for(&home, LoanApi, "the tasks to be back", |it| serves(it, 2)).await;
    assert_eq!(after.deployment.id, before.deployment.id);
    assert_eq!(
        home.address(&platform(), Scoring)
            .await
            .expect("an address"),
        scoring
    );
    assert_eq!(query(&ground, "SELECT answer FROM kept").await, Some(42));
    home.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outlives_a_killed_home_and_its_state_is_taken_up_again() {
    let ground = Ground::new();
    let mut held = Command::new(example("hold_home"))
        .args([ground.state(), ground.specs(), ground.programs()])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("started");
    let stdout = held.stdout.take().expect("a pipe");
    let mut line = String::new();
    let read = timeout(BOUND, BufReader::new(stdout).read_line(&mut line)).await;
    read.expect("in time").expect("a line");
    assert_eq!(line, "ready\n");
    query(&ground, "CREATE TABLE kept AS SELECT 43 AS answer").await;
    let parent = held.id().expect("running");
    let children = children_of(parent);
    assert_eq!(children.len(), 3, "two tasks and PostgreSQL");

    held.kill().await.expect("killed");
    wait_until_gone(&children).await;

    let home = ground.start().await.expect("a home");
    let after = wait_for(&home, Scoring, "the tasks to be back", |it| serves(it, 2)).await;
    assert!(pids(&after).iter().all(|pid| !children.contains(pid)));
    assert_eq!(query(&ground, "SELECT answer FROM kept").await, Some(43));
    home.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_start_is_told_with_its_log() {
    let ground = Ground::new();
    let cluster = ground.state().join("postgres");
    fs::create_dir_all(cluster.join("data")).expect("made");
    fs::write(cluster.join("made"), "").expect("written");
    let refused = ground.start().await.expect_err("refused");
    let HomeError::PostgresDoesNotStart { log_tail, .. } = &refused else {
        panic!("{refused}");
    };
    assert!(log_tail.contains("postgresql.conf"), "{log_tail}");
    assert!(refused.to_string().contains("DATABASE_URL"));
    let lock = ground
        .start()
        .await
        .expect_err("refused for the same reason, not for the lock");
    assert!(
        matches!(lock, HomeError::PostgresDoesNotStart { .. }),
        "{lock}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_given_by_its_url_is_used() {
    let (lender, borrower) = (Ground::new(), Ground::new());
    let lending = lender.start().await.expect("a home");
    let mut config = borrower.config();
    config.database_url = Some(lender.database_url().parse().expect("a URL"));
    let home = Home::start(config, |_| {}).await.expect("a home");
    create(&home, LoanApi, 1).await;
    assert!(!borrower.state().join("postgres").exists());
    home.shutdown().await;
    lending.shutdown().await;

    let mut config = borrower.config();
    config.database_url = Some(lender.database_url().parse().expect("a URL"));
    let refused = Home::start(config, |_| {})
        .await
        .expect_err("nobody answers");
    assert!(matches!(refused, HomeError::Database { .. }), "{refused}");
    assert!(!refused.to_string().contains(&lender.password()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_lies_elsewhere_when_its_account_cannot_reach_the_state() {
    let ground = Ground::new();
    ground.close_to_others();
    let home = ground.start().await.expect("a home");
    let folder = ground.cluster();
    let is_root = rustix::process::geteuid().is_root();
    assert_eq!(folder.starts_with("/var/lib/loanctl"), is_root);
    assert_eq!(query(&ground, "SELECT 1").await, Some(1));
    home.shutdown().await;
    if is_root {
        fs::remove_dir_all(folder).expect("removed");
    }
}
