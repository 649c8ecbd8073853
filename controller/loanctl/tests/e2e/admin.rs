//! The admin ports of tasks.

use std::net::SocketAddr;

use procfs::net::{TcpNetEntry, TcpState};
use procfs::process::{FDTarget, Process};
use schema::status::{ServiceStatus, TaskStatus};
use serde_json::Value;

/// A breaker's state, as metrics show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breaker {
    Closed,
    HalfOpen,
    Open,
}

/// Settings in force of every task of a service .
pub(crate) async fn settings(service: &ServiceStatus) -> Vec<Value> {
    let mut all = Vec::new();
    for task in &service.tasks {
        let text = page(task, "settings").await;
        all.push(
            text.and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default(),
        );
    }
    all
}

/// State of the provider's breaker in every task of scoring.
pub(crate) async fn breakers(scoring: &ServiceStatus) -> Vec<Option<Breaker>> {
    let mut all = Vec::new();
    for task in &scoring.tasks {
        let text = page(task, "metrics").await;
        all.push(text.and_then(|text| breaker(&text)));
    }
    all
}

/// A count of every task of a service, added up, by its name in `/metrics`.
pub(crate) async fn count(service: &ServiceStatus, name: &str) -> u64 {
    let mut sum = 0;
    for task in &service.tasks {
        let text = page(task, "metrics").await.unwrap_or_default();
        let count = value(&text, name).and_then(|count| count.parse::<u64>().ok());
        sum += count.unwrap_or_default();
    }
    sum
}

fn value<'a>(metrics: &'a str, name: &str) -> Option<&'a str> {
    let line = metrics.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)
}

fn breaker(metrics: &str) -> Option<Breaker> {
    match value(metrics, "breaker_state{")? {
        "0.0" => Some(Breaker::Closed),
        "1.0" => Some(Breaker::HalfOpen),
        "2.0" => Some(Breaker::Open),
        _ => None,
    }
}

async fn page(task: &TaskStatus, page: &str) -> Option<String> {
    let address = address(task)?;
    let answer = reqwest::get(format!("http://{address}/{page}"))
        .await
        .ok()?;
    answer.text().await.ok()
}

/// Where the process of a task listens besides its service port.
fn address(task: &TaskStatus) -> Option<SocketAddr> {
    let files = Process::new(i32::try_from(task.pid?).ok()?)
        .ok()?
        .fd()
        .ok()?;
    let sockets: Vec<u64> = files
        .filter_map(|file| match file.ok()?.target {
            FDTarget::Socket(inode) => Some(inode),
            _ => None,
        })
        .collect();
    let is_admin = |entry: &TcpNetEntry| {
        entry.state == TcpState::Listen
            && sockets.contains(&entry.inode)
            && Some(entry.local_address.to_string()) != task.address
    };
    procfs::net::tcp()
        .ok()?
        .into_iter()
        .find(is_admin)
        .map(|entry| entry.local_address)
}
