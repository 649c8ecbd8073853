//! The processes themselves.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(30);

/// The children of a process, of all its threads.
fn children(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let lists = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("children")));
    let ids = lists.flat_map(|list| {
        let ids = list.unwrap();
        let ids = ids.split_whitespace().map(|id| id.parse().unwrap());
        ids.collect::<Vec<u32>>()
    });
    ids.collect()
}

/// Whether the process is gone, or dead with nobody to bury it.
fn is_dead(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_err() || stat.is_ok_and(|it| it.contains(") Z "))
}

#[tokio::test]
async fn the_emulators_die_with_the_process_that_started_them_however_it_dies() {
    // Who is killed leaves its folders behind.
    let folder = tempfile::tempdir().unwrap();
    let mut starter = Command::new(env!("CARGO_BIN_EXE_emulators"))
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(starter.stdout.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    assert!(
        first.starts_with("export AWS_ENDPOINT_URL=http://127.0.0.1:"),
        "{first}"
    );
    let emulators = children(starter.id().unwrap());
    assert_eq!(emulators.len(), 2);

    starter.kill().await.unwrap();
    let start = Instant::now();
    while !emulators.iter().all(|pid| is_dead(*pid)) {
        assert!(start.elapsed() < PATIENCE, "{emulators:?} live on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
