//! A test that runs itself once more, as the process of a service.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use clap::Parser;
use http::StatusCode;
use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use service_kit::ServiceArgs;
use tempfile::TempDir;
use url::Url;

/// The settings' address, for the process that is to be a service.
pub(crate) const SERVE: &str = "SERVICE_KIT_TEST_SERVES";

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    service: ServiceArgs,
}

/// Writes settings of auth into `folder`; their address.
pub(crate) fn settings_in(folder: &Path) -> Url {
    let path = folder.join("auth.json");
    let document = json!({
        "platform": "local", "service": "auth", "epoch": 1, "sequence": 1, "revision": "r",
        "scoringRevision": "none", "settings": {"tokenLifetime": "1h"},
    });
    std::fs::write(&path, document.to_string()).unwrap();
    Url::from_file_path(path).unwrap()
}

/// What a service with `settings` is told at start, and `more`.
pub(crate) fn args(settings: &str, more: &[&str]) -> ServiceArgs {
    let needed = [
        "service",
        "--platform",
        "local",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
        "--settings",
        settings,
    ];
    let all = needed.iter().chain(more);
    Args::try_parse_from(all).unwrap().service
}

/// A service in a process of its own, which is the test `test` run once more. Killed when dropped.
pub(crate) struct OwnProcess {
    child: Child,
    lines: Option<Lines<BufReader<ChildStdout>>>,
    pub(crate) service: Url,
    pub(crate) admin: Url,
    _folder: TempDir,
}

impl OwnProcess {
    /// Starts it, with these variables, and waits until it is ready.
    pub(crate) fn start(test: &str, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = again(test, folder.path(), environment)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = loop {
            let line = lines.next().unwrap().unwrap();
            // The test runner has its say first.
            if let Some(json) = json_of(&line) {
                break json;
            }
        };
        let url = |port: &str| {
            let address = listening[port].as_str().unwrap();
            Url::parse(&format!("http://{address}")).unwrap()
        };
        let process = Self {
            service: url("service"),
            admin: url("admin"),
            lines: Some(lines),
            child,
            _folder: folder,
        };
        let ready = process.admin.join("readyz").unwrap();
        while !get(&ready).is_success() {}
        process
    }

    /// The lines of its standard output from here on, which are read by nobody else.
    pub(crate) fn lines(&mut self) -> impl Iterator<Item = Value> + use<> {
        let lines = self.lines.take().unwrap();
        lines.filter_map(|line| json_of(&line.unwrap()))
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        let pid = Pid::from_child(&self.child);
        rustix::process::kill_process(pid, Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for OwnProcess {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a GET of `url` is answered with.
pub(crate) fn get(url: &Url) -> StatusCode {
    reqwest::blocking::get(url.clone()).unwrap().status()
}

/// The test `test`, run once more as a service with its settings in `folder`.
pub(crate) fn again(test: &str, folder: &Path, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env(SERVE, settings_in(folder).as_str())
        .envs(environment.iter().copied());
    command
}

fn json_of(line: &str) -> Option<Value> {
    serde_json::from_str(line).ok().filter(Value::is_object)
}
