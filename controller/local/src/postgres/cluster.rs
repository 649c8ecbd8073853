//! The cluster on disk: where it lies, how it is made, which port it has.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep, timeout};

use super::account::Account;
use super::binaries::Binaries;
use super::{SUPERUSER, Trouble};
use crate::state_dir::{StateDir, read_record, write_record};

/// Where clusters lie whose state directory the account cannot reach.
const ELSEWHERE: &str = "/var/lib/loanctl";
/// Making a cluster takes about a second, on a busy machine more.
const INITDB_TIMEOUT: Duration = Duration::from_secs(120);
/// How long the server of a killed run may take to end by itself, and then to end when told.
const PREDECESSOR_PATIENCE: Duration = Duration::from_secs(5);
const PREDECESSOR_TIMEOUT: Duration = Duration::from_secs(30);
const PREDECESSOR_INTERVAL: Duration = Duration::from_millis(50);

/// The cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) account: Account,
    record_path: PathBuf,
    record: Record,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    /// The folder that the account owns; `data` in it is the cluster.
    folder: PathBuf,
    #[serde(default)]
    port: u16,
}

impl Cluster {
    /// Finds the place of the cluster, or chooses one.
    pub(super) fn open(state_dir: &StateDir, account: Account) -> Result<Self, Trouble> {
        let record_path = state_dir.local().join("postgres.json");
        let record = match read_record::<Record>(&record_path)? {
            Some(record) => record,
            None => Record {
                folder: place(state_dir.root(), &account),
                port: 0,
            },
        };
        let folder = &record.folder;
        fs::create_dir_all(folder).map_err(|error| Trouble::Io("make its folder", error))?;
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder, private)
            .and_then(|()| account.own(folder))
            .map_err(|error| Trouble::Io("hand its folder over", error))?;
        write_record(&record_path, &record)?;
        Ok(Self {
            account,
            record_path,
            record,
        })
    }

    /// The data directory.
    pub(super) fn data(&self) -> PathBuf {
        self.record.folder.join("data")
    }

    /// Waits until the server of a killed run has ended; after a while it is told to.
    pub(super) async fn wait_for_predecessor(&self) {
        let Some(pid) = self.predecessor() else {
            return;
        };
        let started = Instant::now();
        let mut told = false;
        while test_kill_process(pid).is_ok() && started.elapsed() < PREDECESSOR_TIMEOUT {
            if !told && started.elapsed() > PREDECESSOR_PATIENCE {
                told = true;
                tracing::info!(
                    pid = pid.as_raw_nonzero(),
                    "stopping the PostgreSQL of a killed run"
                );
                if let Err(error) = kill_process(pid, Signal::INT) {
                    tracing::debug!(%error, "it has ended meanwhile");
                }
            }
            sleep(PREDECESSOR_INTERVAL).await;
        }
    }

    /// The running server of this cluster, by its pid file. A process that got the same id since is
    /// told apart by its working directory: a server's is its data directory.
    fn predecessor(&self) -> Option<Pid> {
        let data = self.data();
        let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
        let raw: i32 = text.lines().next()?.trim().parse().ok()?;
        let home = fs::read_link(format!("/proc/{raw}/cwd")).ok()?;
        (home == data.canonicalize().ok()?)
            .then(|| Pid::from_raw(raw))
            .flatten()
    }

    /// Makes the cluster where it is missing. One whose making was interrupted is made anew.
    pub(super) async fn initialise(
        &self,
        binaries: &Binaries,
        password: &str,
    ) -> Result<(), Trouble> {
        let data = self.data();
        let made = self.record.folder.join("made");
        if made.exists() && data.exists() {
            return Ok(());
        }
        if data.exists() {
            fs::remove_dir_all(&data).map_err(|error| Trouble::Io("clear its folder", error))?;
        }
        let password_file = self.record.folder.join("password");
        self.hand_over(&password_file, password)?;
        let result = self.run_initdb(binaries, &data, &password_file).await;
        fs::remove_file(&password_file)
            .map_err(|error| Trouble::Io("remove the password file", error))?;
        result?;
        fs::write(&made, "").map_err(|error| Trouble::Io("finish its folder", error))
    }

    async fn run_initdb(
        &self,
        binaries: &Binaries,
        data: &Path,
        password_file: &Path,
    ) -> Result<(), Trouble> {
        let mut command = self.account.command(&binaries.initdb());
        command
            .arg("--pgdata")
            .arg(data)
            .args(["--username", SUPERUSER, "--auth", "scram-sha-256"])
            .arg("--pwfile")
            .arg(password_file)
            .args(["--encoding", "UTF8", "--locale", "C"])
            .current_dir(&self.record.folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = timeout(INITDB_TIMEOUT, command.output())
            .await
            .map_err(|_| Trouble::Failed("initdb does not come to an end".to_owned()))?
            .map_err(|error| Trouble::Io("run setpriv (Debian package util-linux)", error))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Trouble::Failed(format!("initdb failed: {}", said.trim())))
    }

    fn hand_over(&self, path: &Path, content: &str) -> Result<(), Trouble> {
        crate::state_dir::replace(path, content.as_bytes(), 0o600)
            .and_then(|()| self.account.own(path))
            .map_err(|error| Trouble::Io("hand the password over", error))
    }

    /// The port it had, or a free one when someone else has that by now.
    pub(super) fn choose_port(&mut self) -> Result<u16, Trouble> {
        let bind = |port| TcpListener::bind(("127.0.0.1", port));
        let kept = (self.record.port != 0)
            .then(|| bind(self.record.port).ok())
            .flatten();
        let listener = kept.map_or_else(|| bind(0), Ok);
        let port = listener
            .and_then(|it| it.local_addr())
            .map_err(|error| Trouble::Io("find a free port", error))?
            .port();
        self.record.port = port;
        write_record(&self.record_path, &self.record)?;
        Ok(port)
    }
}

/// Under the state directory, or elsewhere when the account could not get there.
fn place(state: &Path, account: &Account) -> PathBuf {
    if account.can_traverse(state) {
        return state.join("postgres");
    }
    let digest = Sha256::digest(state.as_os_str().as_encoded_bytes());
    Path::new(ELSEWHERE).join(hex::encode(&digest[..8]))
}
