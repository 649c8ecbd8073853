//! The controller as a process.

use std::process::Stdio;
use std::time::Duration;

use emulator::Emulators;
use reqwest::Response;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::account::{Account, BUCKET, PATIENCE, eventually};

/// Longest wait for an answer to a question that may go unanswered.
const ANSWER: Duration = Duration::from_secs(2);
/// Looks so often that a test need not wait.
const OFTEN: [&str; 4] = ["--poll", "1s", "--resync", "5s"];

/// A running `loanctl controller`. Dropped, it is killed.
pub(crate) struct Controller {
    child: Child,
    address: String,
}

impl Controller {
    /// Starts one, and waits until it serves; it may only stand by.
    pub(crate) async fn starts(account: &Account) -> Self {
        Self::starts_with(&account.emulators, &OFTEN).await
    }

    /// Starts one that signs its calls with an access key of its own.
    pub(crate) async fn starts_as(emulators: &Emulators, key: &str) -> Self {
        let mut command = command(emulators);
        Self::runs(command.args(OFTEN).env("AWS_ACCESS_KEY_ID", key)).await
    }

    /// Starts one whose readers must show `token`.
    pub(crate) async fn starts_for(account: &Account, token: &str) -> Self {
        let mut command = command(&account.emulators);
        Self::runs(command.args(OFTEN).env("LOAN_TOKEN", token)).await
    }

    /// Where it serves `path`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn starts_with(emulators: &Emulators, args: &[&str]) -> Self {
        Self::runs(command(emulators).args(args)).await
    }

    async fn runs(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("started");
        let output = child.stdout.take().expect("piped");
        let mut lines = BufReader::new(output).lines();
        let serves = async {
            while let Some(line) = lines.next_line().await.expect("read") {
                if let Some(address) = address_in(&line) {
                    return Some(address);
                }
            }
            None
        };
        let address = tokio::time::timeout(PATIENCE, serves).await;
        let address = address.expect("in time").expect("it serves before it ends");
        tokio::spawn(pass_on(lines));
        Self { child, address }
    }

    /// Waits until it has begun its term.
    pub(crate) async fn holds_the_lease(&self) {
        eventually("it holds the lease", async || {
            self.is_ready().await.then_some(())
        })
        .await;
    }

    /// Whether it has begun its term. One that is paused does not answer.
    pub(crate) async fn is_ready(&self) -> bool {
        let asked = reqwest::get(format!("http://{}/readyz", self.address));
        let answer = tokio::time::timeout(ANSWER, asked).await;
        answer.is_ok_and(|it| it.is_ok_and(|it| it.status().is_success()))
    }

    /// A platform as it shows it.
    pub(crate) async fn shows(&self, name: &str) -> Option<Value> {
        let url = format!("http://{}/api/v1/platforms/{name}", self.address);
        let answer = reqwest::get(url).await.ok()?;
        answer.error_for_status().ok()?.json().await.ok()
    }

    /// What it answers to whoever shows this token.
    pub(crate) async fn answers(&self, path: &str, token: &str) -> Response {
        let url = format!("http://{}{path}", self.address);
        let asked = reqwest::Client::new().get(url).bearer_auth(token);
        asked.send().await.unwrap()
    }

    /// What it counts, in Prometheus text.
    pub(crate) async fn metrics(&self) -> String {
        let answer = reqwest::get(format!("http://{}/metrics", self.address)).await;
        answer.unwrap().text().await.unwrap()
    }

    pub(crate) fn is_killed(&mut self) {
        self.child.start_kill().expect("killed");
    }

    pub(crate) fn is_paused(&self) {
        self.is_sent(Signal::STOP);
    }

    pub(crate) fn goes_on(&self) {
        self.is_sent(Signal::CONT);
    }

    fn is_sent(&self, signal: Signal) {
        let id = self.child.id().expect("running");
        let pid = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ends(&mut self) {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("in time").expect("ended");
    }

    /// Asks it to stop, and waits until it has; whether it ended well.
    pub(crate) async fn stops(mut self) -> bool {
        self.is_sent(Signal::TERM);
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("in time").expect("ended").success()
    }
}

fn command(emulators: &Emulators) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loanctl"));
    command
        .args(["controller", "--store", &format!("s3://{BUCKET}")])
        .args(["--listen", "127.0.0.1:0", "--log", "json"])
        .args(["--lease", "6s"])
        .args(["--quota-share", "100"])
        .envs(emulators.environment())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn address_in(line: &str) -> Option<String> {
    let record: Value = serde_json::from_str(line).ok()?;
    print_line(line);
    Some(record.get("address")?.as_str()?.to_owned())
}

async fn pass_on(mut lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        print_line(&line);
    }
}

/// For whoever reads why a test failed.
fn print_line(line: &str) {
    eprintln!("{line}");
}
