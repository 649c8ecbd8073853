//! The real program on a real database, with auth and scoring played by a fake.

mod postgres;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use wiremock::matchers::{body_partial_json, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

pub(crate) use postgres::Postgres;

/// Long enough for a busy machine, short enough to notice what hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A platform with one loan API in it.
pub(crate) struct Platform {
    pub(crate) postgres: Postgres,
    pub(crate) auth: MockServer,
    pub(crate) scoring: MockServer,
    folder: TempDir,
    child: Child,
    base: String,
    admin: String,
    lines: Arc<Mutex<Vec<Value>>>,
    pub(crate) http: reqwest::Client,
}

/// Settings with everything at ease; tests change what they are about.
pub(crate) fn settings() -> Value {
    json!({
        "requestDeadline": "10s",
        "clients": {
            "auth": {"timeout": "200ms"},
            "scoring": {"timeout": "5s"},
        },
        "decision": {"bands": [
            {"riskBand": "LOW", "minScore": 700, "interestRate": "11.90"},
            {"riskBand": "MEDIUM", "minScore": 620, "interestRate": "17.50"},
        ]},
    })
}

pub(crate) fn application() -> Value {
    json!({"userId": "user-1", "amount": 5000, "termMonths": 24, "income": "3200.50"})
}

pub(crate) fn scored(score: u16) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "score": score, "riskBand": "LOW", "provider": "fake", "scoringRevision": "scoring-that-scored",
    }))
}

impl Platform {
    /// Starts a platform and waits until it is ready.
    pub(crate) async fn start(settings: &Value) -> Self {
        let postgres = Postgres::start();
        let (auth, scoring) = (MockServer::start().await, MockServer::start().await);
        let folder = tempfile::tempdir().unwrap();
        write_settings(&folder, 1, settings);
        let mut child = spawn(&postgres, &auth, &scoring, &folder);
        let lines = Arc::default();
        let (base, admin) = listening(&mut child, &lines).await;
        let platform = Self {
            postgres,
            auth,
            scoring,
            folder,
            child,
            base,
            admin,
            lines,
            http: reqwest::Client::new(),
        };
        platform.let_auth_answer().await;
        platform.wait_for("ready", || platform.is_ready()).await;
        platform
    }

    async fn let_auth_answer(&self) {
        let verify = || Mock::given(method("POST")).and(path("/verify"));
        for client in ["demo", "other"] {
            verify()
                .and(body_partial_json(json!({"token": client})))
                .respond_with(ResponseTemplate::new(200).set_body_json(
                    json!({"active": true, "clientId": client, "expiresAt": "2030-01-01T00:00:00Z"}),
                ))
                .mount(&self.auth)
                .await;
        }
        verify()
            .and(body_partial_json(json!({"token": "bad"})))
            .respond_with(
                ResponseTemplate::new(200)
                    .set_body_json(json!({"active": false, "reason": "the token has expired"})),
            )
            .mount(&self.auth)
            .await;
    }

    /// The address of the service port.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// From now on scoring answers like this.
    pub(crate) async fn let_scoring_answer(&self, answer: ResponseTemplate) {
        self.scoring.reset().await;
        Mock::given(method("POST"))
            .and(path("/score"))
            .respond_with(answer)
            .mount(&self.scoring)
            .await;
    }

    /// An application with a key that no other has.
    pub(crate) fn apply(&self, body: &Value) -> reqwest::RequestBuilder {
        static KEY: AtomicU32 = AtomicU32::new(1);
        let key = KEY.fetch_add(1, Ordering::Relaxed);
        self.apply_with(&format!("key-{key}"), body)
    }

    /// An application with this key.
    pub(crate) fn apply_with(&self, key: &str, body: &Value) -> reqwest::RequestBuilder {
        self.apply_keyless(body).header("idempotency-key", key)
    }

    /// An application without a key.
    pub(crate) fn apply_keyless(&self, body: &Value) -> reqwest::RequestBuilder {
        let url = format!("{}/loan/apply", self.base);
        self.http.post(url).bearer_auth("demo").json(body)
    }

    /// Applies as a client does whose body takes `pause` to arrive; returns the first line of the answer.
    pub(crate) async fn apply_slowly(&self, body: &Value, pause: Duration) -> String {
        let address = self.base.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let body = body.to_string();
        let (first, rest) = body.split_at(10);
        let head = format!(
            "POST /loan/apply HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer demo\r\n\
             idempotency-key: slow\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{first}",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        tokio::time::sleep(pause).await;
        stream.write_all(rest.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    }

    pub(crate) fn show(&self, id: &str, token: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/loan/applications/{id}", self.base);
        self.http.get(url).bearer_auth(token)
    }

    pub(crate) fn rewrite_settings(&self, sequence: u64, settings: &Value) {
        write_settings(&self.folder, sequence, settings);
    }

    /// A page of the admin port.
    pub(crate) async fn admin(&self, page: &str) -> String {
        let url = format!("{}/{page}", self.admin);
        self.http
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    pub(crate) async fn is_ready(&self) -> bool {
        let ready: Value = serde_json::from_str(&self.admin("readyz").await).unwrap();
        ready["ready"] == true
    }

    /// Waits until `condition` holds.
    pub(crate) async fn wait_for<F: Future<Output = bool>>(
        &self,
        what: &str,
        condition: impl Fn() -> F,
    ) {
        let since = Instant::now();
        while !condition().await {
            let readiness = self.admin("readyz").await;
            assert!(
                since.elapsed() < PATIENCE,
                "not {what} in time; readiness: {readiness}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The sum of a metric over all that was emitted, for the service or one dependency.
    pub(crate) fn emitted(&self, metric: &str, dependency: Option<&str>) -> u64 {
        let lines = self.lines.lock().unwrap();
        let ours = |line: &&Value| line["Dependency"].as_str() == dependency;
        let records = lines.iter().filter(|line| line.get("_aws").is_some());
        records
            .filter(ours)
            .filter_map(|line| line[metric].as_u64())
            .sum()
    }

    /// All that was logged and emitted so far.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.lines.lock().unwrap().clone()
    }

    /// The records logged so far with `message`.
    pub(crate) fn logged(&self, message: &str) -> Vec<Value> {
        let mut lines = self.lines();
        lines.retain(|line| line["message"] == message);
        lines
    }

    /// Logs by `level` from now on.
    pub(crate) async fn log_at(&self, level: &str) {
        let url = format!("{}/log-level", self.admin);
        let set = self.http.put(url).body(level.to_owned());
        let answer = set.send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }

    pub(crate) fn terminate(&self) {
        let pid = Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    /// Ends the program without a word, and starts it again.
    pub(crate) async fn crash(&mut self) {
        self.child.kill().await.unwrap();
        self.child = spawn(&self.postgres, &self.auth, &self.scoring, &self.folder);
        (self.base, self.admin) = listening(&mut self.child, &self.lines).await;
        self.wait_for("ready", || self.is_ready()).await;
    }

    /// Waits for the end of the program; whether it was a clean one.
    pub(crate) async fn ended_cleanly(&mut self) -> bool {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("still running").unwrap().success()
    }

    /// What is told about an application, oldest first.
    pub(crate) fn audit(&self, id: &str) -> Vec<Value> {
        let rows = self.postgres.query(&format!(
            "SELECT coalesce(json_agg(a ORDER BY audit_id), '[]') FROM loan_application_audit a \
             WHERE application_id = '{id}'"
        ));
        serde_json::from_str(&rows).unwrap()
    }

    /// The decision's row, by column.
    pub(crate) fn row(&self, id: &str) -> BTreeMap<String, Value> {
        let row = self.postgres.query(&format!(
            "SELECT row_to_json(a) FROM loan_applications a WHERE application_id = '{id}'"
        ));
        serde_json::from_str(&row).unwrap()
    }
}

fn write_settings(folder: &TempDir, sequence: u64, settings: &Value) {
    let document = json!({
        "platform": "local", "service": "loanApi", "epoch": 1, "sequence": sequence,
        "revision": format!("settings-{sequence}"), "scoringRevision": "scoring-1",
        "settings": settings,
    });
    let new = folder.path().join("new.json");
    std::fs::write(&new, document.to_string()).unwrap();
    std::fs::rename(new, folder.path().join("loan-api.json")).unwrap();
}

fn spawn(postgres: &Postgres, auth: &MockServer, scoring: &MockServer, folder: &TempDir) -> Child {
    let settings = folder.path().join("loan-api.json");
    let hosts = format!(
        "auth:8082={},scoring:8083={}",
        auth.address(),
        scoring.address()
    );
    Command::new(env!("CARGO_BIN_EXE_loan-api"))
        .args([
            "--platform",
            "local",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
        ])
        .arg("--settings")
        .arg(format!("file://{}", settings.display()))
        .args(["--settings-interval", "20ms", "--metrics-interval", "100ms"])
        .args(["--hosts", &hosts, "--log", "json", "--die-with-parent"])
        .env("DATABASE_URL", postgres.url())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// The addresses that the first line names; all further lines are kept.
async fn listening(child: &mut Child, lines: &Arc<Mutex<Vec<Value>>>) -> (String, String) {
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = output.next_line().await.unwrap().expect("it ended at once");
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["event"], "listening");
    let kept = Arc::clone(lines);
    tokio::spawn(async move {
        while let Ok(Some(line)) = output.next_line().await {
            let line = serde_json::from_str(&line).expect("a line that is not JSON");
            kept.lock().unwrap().push(line);
        }
    });
    let url = |port: &str| format!("http://{}", first[port].as_str().unwrap());
    (url("service"), url("admin"))
}
