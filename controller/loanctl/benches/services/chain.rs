//! Programs that call each other directly, without the fronts of a laptop between them.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use procfs::process::Process;
use serde_json::Value;

use crate::bare;
use crate::command::LOANCTL;
use crate::database;
use crate::laptop::Laptop;

const POLL: Duration = Duration::from_millis(1);

/// A program that serves; ended when dropped.
pub(crate) struct Program {
    child: Child,
    address: String,
    admin: String,
}

/// Loan API, auth, scoring and provider of one kind.
pub(crate) struct Chain {
    programs: Vec<Program>,
}

impl Chain {
    /// The real ones, with the settings and secrets of a laptop.
    pub(crate) fn real(laptop: &Laptop) -> Self {
        let provider = service(laptop, "score-provider", "");
        let scoring = service(
            laptop,
            "scoring",
            &format!("score-provider:8084={}", provider.address),
        );
        let auth = service(laptop, "auth", "");
        let hosts = format!(
            "auth:8082={},scoring:8083={}",
            auth.address, scoring.address
        );
        let loan_api = service(laptop, "loan-api", &hosts);
        Self {
            programs: vec![loan_api, auth, scoring, provider],
        }
    }

    /// The floor: a bare loan API and a bare scoring between the real auth and the real provider.
    pub(crate) fn bare(laptop: &Laptop) -> Self {
        let provider = service(laptop, "score-provider", "");
        let scoring = bare(laptop, "scoring", "", &provider.address);
        let auth = service(laptop, "auth", "");
        let loan_api = bare(laptop, "loan-api", &auth.address, &scoring.address);
        Self {
            programs: vec![loan_api, auth, scoring, provider],
        }
    }

    /// The programs, the loan API first.
    pub(crate) fn programs(&self) -> &[Program] {
        &self.programs
    }

    /// Where applications are sent to.
    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.programs[0].address)
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        self.programs.iter().map(|it| it.child.id()).collect()
    }
}

impl Program {
    /// One more of the laptop's programs `name`, which calls nobody.
    pub(crate) fn start(laptop: &Laptop, name: &str) -> Self {
        service(laptop, name, "")
    }

    /// Waits until it is ready.
    pub(crate) async fn ready(&self) {
        let url = format!("http://{}/readyz", self.admin);
        while !reqwest::get(&url)
            .await
            .is_ok_and(|it| it.status().is_success())
        {
            tokio::time::sleep(POLL).await;
        }
    }

    /// Resident memory, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let pid = i32::try_from(self.child.id()).unwrap();
        let status = Process::new(pid).and_then(|it| it.status()).unwrap();
        status.vmrss.unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn service(laptop: &Laptop, name: &str, hosts: &str) -> Program {
    let state = laptop.state();
    let settings = state.join(format!("settings/local/{name}.json"));
    let mut command = Command::new(beside_loanctl(name));
    command
        .args(["--platform", "local", "--listen", "127.0.0.1:0"])
        .args(["--admin", "127.0.0.1:0", "--log", "json"])
        .arg(format!("--settings=file://{}", settings.display()))
        .args(["--hosts", hosts]);
    if name == "auth" {
        let secrets = state.join("local/secrets");
        command
            .arg("--clients-file")
            .arg(secrets.join("clients.json"))
            .arg("--signing-key-file")
            .arg(secrets.join("signing-key.pem"));
    }
    started(laptop, command)
}

fn bare(laptop: &Laptop, role: &str, auth: &str, scoring: &str) -> Program {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .env(bare::ROLE, role)
        .env(bare::AUTH, format!("http://{auth}"))
        .env(bare::SCORING, format!("http://{scoring}"));
    started(laptop, command)
}

/// Starts it and reads where it serves. What else it says nobody waits for.
fn started(laptop: &Laptop, mut command: Command) -> Program {
    let command = command
        .env("DATABASE_URL", database::url(laptop, "loans_db"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    let listening: Value = serde_json::from_str(&line).unwrap();
    let port = |name: &str| listening[name].as_str().unwrap_or_default().to_owned();
    let (address, admin) = (port("service"), port("admin"));
    std::thread::spawn(move || io::copy(&mut said, &mut io::sink()));
    Program {
        child,
        address,
        admin,
    }
}

fn beside_loanctl(program: &str) -> PathBuf {
    Path::new(LOANCTL).with_file_name(program)
}
