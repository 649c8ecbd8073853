//! The real program, with clients and a key of its own.

use std::process::Stdio;
use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Long enough for a busy machine, short enough to notice what hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";

/// A running auth.
pub(crate) struct Auth {
    /// Killed when dropped.
    _child: Child,
    pub(crate) output: Lines<BufReader<ChildStdout>>,
    pub(crate) http: reqwest::Client,
    folder: TempDir,
    base: String,
    admin: String,
}

impl Auth {
    /// Starts the program; it has no settings yet.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_files(&folder);
        let mut child = spawn(&folder);
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = output.next_line().await.unwrap().expect("it ended at once");
        let first: Value = serde_json::from_str(&first).unwrap();
        let url = |port: &str| format!("http://{}", first[port].as_str().unwrap());
        Self {
            base: url("service"),
            admin: url("admin"),
            http: reqwest::Client::new(),
            _child: child,
            output,
            folder,
        }
    }

    /// Gives it settings and waits until it is ready.
    pub(crate) async fn ready(self) -> Self {
        self.write_settings("1h");
        let since = Instant::now();
        while self.admin("readyz").await.0 != 200 {
            assert!(since.elapsed() < PATIENCE, "not ready in time");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self
    }

    pub(crate) fn write_settings(&self, lifetime: &str) {
        let document = json!({
            "platform": "local", "service": "auth", "epoch": 3, "sequence": 9,
            "revision": "abc", "scoringRevision": "def",
            "settings": {"tokenLifetime": lifetime},
        });
        std::fs::write(self.folder.path().join("auth.json"), document.to_string()).unwrap();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    pub(crate) fn admin_url(&self, page: &str) -> String {
        format!("{}/{page}", self.admin)
    }

    pub(crate) async fn admin(&self, page: &str) -> (u16, String) {
        let response = self.http.get(self.admin_url(page)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Asks for a token.
    pub(crate) async fn token(&self, client: &str, secret: &str, form: &str) -> reqwest::Response {
        let request = self
            .http
            .post(self.url("oauth/token"))
            .basic_auth(client, Some(secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned());
        request.send().await.unwrap()
    }

    pub(crate) async fn verify(&self, token: &str) -> Value {
        let request = self
            .http
            .post(self.url("verify"))
            .json(&json!({"token": token}));
        request.send().await.unwrap().json().await.unwrap()
    }
}

fn spawn(folder: &TempDir) -> Child {
    command(Command::new(env!("CARGO_BIN_EXE_auth")), folder)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// A shell whose child is the program, which is to die with it. Its output is the shell's.
pub(crate) fn spawn_below_a_shell(folder: &TempDir) -> Child {
    write_files(folder);
    let mut shell = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_auth");
    // With something to do after it, the shell does not replace itself by the program.
    shell.args(["-c", "\"$@\"; exit", "sh", program, "--die-with-parent"]);
    command(shell, folder).spawn().unwrap()
}

fn write_files(folder: &TempDir) {
    let hash = Argon2::default().hash_password(b"demo-secret").unwrap();
    let clients = json!([{"id": "demo", "secretHash": hash.to_string()}]);
    std::fs::write(folder.path().join("clients.json"), clients.to_string()).unwrap();
    std::fs::write(folder.path().join("key.pem"), KEY).unwrap();
}

fn command(mut program: Command, folder: &TempDir) -> Command {
    let file = |name: &str| folder.path().join(name).display().to_string();
    program
        .args([
            "--platform",
            "local",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
        ])
        .args(["--settings", &format!("file://{}", file("auth.json"))])
        .args([
            "--settings-interval",
            "20ms",
            "--metrics-interval",
            "50ms",
            "--log",
            "json",
        ])
        .args(["--clients-file", &file("clients.json")])
        .args(["--signing-key-file", &file("key.pem")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    program
}
