//! A service as a real process: started, given settings, asked over HTTP.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// Longest wait for anything that should come true.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running service. Dropping it kills the process.
pub(crate) struct Process {
    pub(crate) child: Child,
    http: Client,
    service: String,
    admin: String,
    name: &'static str,
    settings_path: PathBuf,
    sequence: u64,
    _directory: TempDir,
}

impl Process {
    /// Starts `program` as service `name` (camelCase) and waits until it is ready.
    pub(crate) async fn start(
        program: &str,
        name: &'static str,
        settings: Value,
        hosts: &str,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let settings_path = directory.path().join("settings.json");
        let mut child = Command::new(program)
            .args([
                "--platform",
                "test",
                "--listen",
                "127.0.0.1:0",
                "--admin",
                "127.0.0.1:0",
            ])
            .args(["--settings", &format!("file://{}", settings_path.display())])
            .args([
                "--settings-interval",
                "20ms",
                "--hosts",
                hosts,
                "--log-level",
                "warn",
            ])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening: Value =
            serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
        // A full pipe would block the process.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let address = |port: &str| format!("http://{}", listening[port].as_str().unwrap());
        let mut process = Self {
            child,
            http: Client::builder().no_proxy().build().unwrap(),
            service: address("service"),
            admin: address("admin"),
            name,
            settings_path,
            sequence: 0,
            _directory: directory,
        };
        process.apply(settings).await;
        process
    }

    /// Writes new settings and waits until the process reports them to be in force.
    pub(crate) async fn apply(&mut self, settings: Value) {
        self.sequence += 1;
        let document = json!({
            "platform": "test", "service": self.name, "epoch": 1, "sequence": self.sequence,
            "revision": format!("revision-{}", self.sequence), "scoringRevision": "none",
            "settings": settings,
        });
        let draft = self.settings_path.with_extension("draft");
        std::fs::write(&draft, document.to_string()).unwrap();
        std::fs::rename(&draft, &self.settings_path).unwrap();
        let wanted = json!(self.sequence);
        self.eventually("the settings are in force", async |process: &Self| {
            let answer = process
                .http
                .get(format!("{}/readyz", process.admin))
                .send()
                .await
                .unwrap();
            let ready: Value = answer.json().await.unwrap();
            (ready["ready"] == true && ready["settings"]["sequence"] == wanted)
                .then_some(())
                .ok_or(ready)
        })
        .await;
    }

    /// A request to the service port.
    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.service))
    }

    /// The process's metrics as Prometheus text.
    pub(crate) async fn metrics(&self) -> String {
        let answer = self.http.get(format!("{}/metrics", self.admin)).send();
        answer.await.unwrap().text().await.unwrap()
    }

    /// Asks until there is an answer, within [`PATIENCE`]; else says what was found last.
    pub(crate) async fn eventually<T>(
        &self,
        what: &str,
        ask: impl AsyncFn(&Self) -> Result<T, Value>,
    ) -> T {
        let started = Instant::now();
        loop {
            match ask(self).await {
                Ok(found) => return found,
                Err(last) if started.elapsed() > PATIENCE => panic!("never {what}: {last}"),
                Err(_) => sleep(Duration::from_millis(20)).await,
            }
        }
    }
}
