//! One `loanctl up` with folders and ports of its own, ended with the test however that ends.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use engine::board::PlatformObject;
use rustix::process::Signal;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::command::{LOANCTL, loanctl, wait_or_kill};
use crate::pressure::Pressure;
use crate::processes;
use crate::spec::Spec;

/// Longest wait for anything that has no bound of its own: far above what a busy machine needs.
pub(crate) const BOUND: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(50);
const SERVICES: [&str; 4] = ["loan-api", "auth", "scoring", "score-provider"];

/// Folders, ports, and the running `loanctl up`.
pub(crate) struct Laptop {
    root: tempfile::TempDir,
    api_port: u16,
    console_port: u16,
    client: reqwest::Client,
    child: Option<Child>,
    pressure: Pressure,
}

#[derive(Deserialize)]
struct Platforms {
    items: Vec<PlatformObject>,
}

impl Laptop {
    /// Folders and ports, nothing running. The folders can be reached by PostgreSQL's account.
    pub(crate) fn off() -> Self {
        for service in SERVICES {
            let program = Path::new(LOANCTL).with_file_name(service);
            assert!(
                program.is_file(),
                "there is no {}: run `cargo build --workspace --bins` first",
                program.display()
            );
        }
        let root = tempfile::Builder::new()
            .prefix("loanctl-e2e-")
            .tempdir()
            .unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let laptop = Self {
            api_port: free_port(),
            console_port: free_port(),
            client: reqwest::Client::new(),
            child: None,
            pressure: Pressure::now(),
            root,
        };
        fs::create_dir(laptop.specs()).unwrap();
        laptop
    }

    /// `loanctl up` with one spec, every service ready.
    pub(crate) async fn with(spec: &Spec) -> Self {
        let mut laptop = Self::off();
        laptop.save(spec);
        laptop.start();
        laptop
            .wait("every service to be ready", PlatformObject::is_ready)
            .await;
        laptop
    }

    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts it with these variables in its environment.
    pub(crate) fn start_with(&mut self, environment: &[(&str, &str)]) {
        let output = || {
            let path = self.terminal();
            File::options()
                .create(true)
                .append(true)
                .open(path)
                .unwrap()
        };
        let mut command = self.up();
        command.envs(environment.iter().copied());
        command.stdout(output()).stderr(output());
        self.child = Some(command.spawn().unwrap());
    }

    /// The command of this laptop's `loanctl up`.
    pub(crate) fn up(&self) -> Command {
        let mut command = loanctl(&["up"]);
        command
            .arg("--specs")
            .arg(self.specs())
            .arg("--state")
            .arg(self.state())
            .args(["--api-port", &self.api_port.to_string()])
            .args(["--console-port", &self.console_port.to_string()])
            .env_remove("DATABASE_URL")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn specs(&self) -> PathBuf {
        self.root.path().join("specs")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    /// The spec file of the platform `local`.
    pub(crate) fn spec_file(&self) -> PathBuf {
        self.specs().join("local.yaml")
    }

    pub(crate) const fn api_port(&self) -> u16 {
        self.api_port
    }

    pub(crate) const fn console_port(&self) -> u16 {
        self.console_port
    }

    pub(crate) fn save(&self, spec: &Spec) {
        spec.save(&self.spec_file());
    }

    /// Address of the loan API of the platform `local`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.api_port)
    }

    /// Every platform, as the controller's port shows it; none while it does not answer.
    pub(crate) async fn platforms(&self) -> Vec<PlatformObject> {
        let url = format!("http://127.0.0.1:{}/api/v1/platforms", self.console_port);
        let Ok(answer) = self.client.get(url).send().await else {
            return Vec::new();
        };
        answer
            .json::<Platforms>()
            .await
            .map(|it| it.items)
            .unwrap_or_default()
    }

    pub(crate) async fn platform(&self) -> PlatformObject {
        self.wait("the platform to be shown", |_| true).await
    }

    /// Waits until the platform `local` is such that `holds`.
    pub(crate) async fn wait(
        &self,
        what: &str,
        holds: impl Fn(&PlatformObject) -> bool,
    ) -> PlatformObject {
        self.wait_within(BOUND, what, holds).await
    }

    /// The same with a bound of its own.
    pub(crate) async fn wait_within(
        &self,
        bound: Duration,
        what: &str,
        holds: impl Fn(&PlatformObject) -> bool,
    ) -> PlatformObject {
        self.wait_for("local", bound, what, holds).await
    }

    /// The same for any platform.
    pub(crate) async fn wait_for(
        &self,
        name: &str,
        bound: Duration,
        what: &str,
        holds: impl Fn(&PlatformObject) -> bool,
    ) -> PlatformObject {
        let started = Instant::now();
        loop {
            let platforms = self.platforms().await;
            let named = platforms
                .into_iter()
                .find(|it| it.metadata.name.as_deref() == Some(name));
            if let Some(found) = named.as_ref().filter(|found| holds(found)) {
                return found.clone();
            }
            assert!(
                started.elapsed() < bound,
                "waited {bound:?} for {what}; last seen: {:#?}\nterminal:\n{}",
                named.map(|platform| platform.status),
                self.terminal_text()
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// What `loanctl COMMAND` prints of this laptop's state, read as JSON.
    pub(crate) fn ask<T: DeserializeOwned>(&self, command: &[&str]) -> T {
        let printed = self.print(&[command, &["-o", "json"]].concat());
        serde_json::from_str(&printed).expect(&printed)
    }

    /// What `loanctl COMMAND` prints of this laptop's state.
    pub(crate) fn print(&self, command: &[&str]) -> String {
        let store = format!("file://{}", self.state().display());
        let output = loanctl(command).args(["--store", &store]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Log of `loanctl up`.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.state().join("logs/loanctl.log")).unwrap_or_default()
    }

    /// What `loanctl up` has printed.
    pub(crate) fn terminal_text(&self) -> String {
        fs::read_to_string(self.terminal()).unwrap_or_default()
    }

    fn terminal(&self) -> PathBuf {
        self.root.path().join("terminal")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Processes of this laptop besides `loanctl up` itself: services and PostgreSQL.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let cluster = self.cluster();
        let state = self.state();
        let folders = [Some(state.as_path()), cluster.as_deref()];
        let folders: Vec<&Path> = folders.into_iter().flatten().collect();
        let own = self.child.as_ref().map(Child::id);
        let mut pids = processes::on(&folders);
        pids.retain(|pid| Some(*pid) != own);
        pids
    }

    /// Folder of the private PostgreSQL, which may lie elsewhere.
    fn cluster(&self) -> Option<PathBuf> {
        let text = fs::read_to_string(self.state().join("local/postgres.json")).ok()?;
        let record: serde_json::Value = serde_json::from_str(&text).ok()?;
        Some(record["folder"].as_str()?.into())
    }

    /// Sends a signal to `loanctl up`, and waits for its end.
    pub(crate) async fn end(&mut self, signal: Signal) -> ExitStatus {
        let mut child = self.child.take().expect("it runs");
        processes::send(child.id(), signal);
        let ended = tokio::task::spawn_blocking(move || wait_or_kill(&mut child));
        ended.await.unwrap()
    }
}

impl Drop for Laptop {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the machine: {}", self.pressure.since());
        }
        let pids = self.processes();
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
        for pid in pids {
            processes::send(pid, Signal::KILL);
        }
        let elsewhere = self
            .cluster()
            .filter(|folder| !folder.starts_with(self.root.path()));
        if let Some(folder) = elsewhere {
            drop(fs::remove_dir_all(folder));
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
