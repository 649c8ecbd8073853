//! The running server: started, watched, started again if it dies, stopped.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use super::Trouble;
use super::account::Account;
use super::binaries::Binaries;
use super::cluster::Cluster;
use crate::database::ensure_database;
use crate::launcher::{Child, Launcher};

/// Recovery after a crash can take a while.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const READY_INTERVAL: Duration = Duration::from_millis(50);
/// A fast shutdown writes a checkpoint.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
const RESTART_PAUSE: Duration = Duration::from_secs(1);
/// A log this large is set aside at the next start.
const MAX_LOG_BYTES: u64 = 16 * 1024 * 1024;
const TAIL_BYTES: u64 = 2_000;

/// A running server and the task that watches it.
#[derive(Debug)]
pub(super) struct Server {
    stop: watch::Sender<bool>,
    keeper: JoinHandle<()>,
}

struct Recipe {
    program: PathBuf,
    account: Account,
    data: PathBuf,
    port: u16,
    log: PathBuf,
    launcher: Launcher,
}

impl Server {
    /// Starts the server and waits until the database at `url` is there and answers.
    pub(super) async fn start(
        binaries: &Binaries,
        cluster: &Cluster,
        port: u16,
        url: &Url,
        log: PathBuf,
        launcher: Launcher,
    ) -> Result<Self, Trouble> {
        let recipe = Recipe {
            program: binaries.postgres(),
            account: cluster.account.clone(),
            data: cluster.data(),
            port,
            log,
            launcher,
        };
        set_aside(&recipe.log).map_err(|error| Trouble::Io("write its log", error))?;
        let mut child = recipe.launch().await?;
        if let Err(trouble) = wait_until_ready(&mut child, url).await {
            shut_down(child).await;
            return Err(trouble);
        }
        let (stop, stopped) = watch::channel(false);
        let keeper = tokio::spawn(keep(recipe, child, stopped));
        Ok(Self { stop, keeper })
    }

    /// Stops it and waits for its end. Bounded.
    pub(super) async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.keeper.await {
            tracing::error!(%error, "PostgreSQL was not stopped in an orderly way");
        }
    }
}

impl Recipe {
    async fn launch(&self) -> Result<Child, Trouble> {
        let log = append(&self.log).map_err(|error| Trouble::Io("write its log", error))?;
        self.launcher
            .launch(self.command(log))
            .await
            .map_err(|error| Trouble::Io("run setpriv (Debian package util-linux)", error))
    }

    fn command(&self, log: File) -> Command {
        let mut command = self.account.command(&self.program);
        command
            .arg("-D")
            .arg(&self.data)
            .args(["-c", "listen_addresses=127.0.0.1"])
            .args(["-c", &format!("port={}", self.port)])
            .args(["-c", "unix_socket_directories="])
            .args(["-c", "max_connections=200", "-c", "fsync=on"])
            .args(["-c", "log_line_prefix=%m [%p] "])
            .current_dir(&self.data)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::from(log));
        command
    }
}

async fn wait_until_ready(child: &mut Child, url: &Url) -> Result<(), Trouble> {
    let started = Instant::now();
    loop {
        let error = match ensure_database(url).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if let Ok(Some(status)) = child.try_wait() {
            return Err(Trouble::Failed(format!("it ended at once: {status}")));
        }
        if started.elapsed() > START_TIMEOUT {
            return Err(Trouble::Failed(format!("it takes no connection: {error}")));
        }
        sleep(READY_INTERVAL).await;
    }
}

/// Watches the server, and starts it again when it dies, until told to stop.
async fn keep(recipe: Recipe, mut child: Child, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            ended = child.wait() => {
                tracing::error!(?ended, "PostgreSQL ended by itself; starting it again");
            }
            // A home that was dropped stops it too.
            _ = stop.changed() => return shut_down(child).await,
        }
        child = loop {
            sleep(RESTART_PAUSE).await;
            if stop.has_changed().unwrap_or(true) {
                return;
            }
            match recipe.launch().await {
                Ok(child) => break child,
                Err(error) => tracing::error!(%error, "PostgreSQL does not start"),
            }
        };
    }
}

/// Shuts down fast: open connections are cut, everything is written (PostgreSQL documentation,
/// "Shutting Down the Server": SIGINT). After a while at once: the next start recovers.
async fn shut_down(mut child: Child) {
    let told = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw)
        // The leader alone: it ends the others in order.
        .is_some_and(|leader| rustix::process::kill_process(leader, Signal::INT).is_ok());
    if told && timeout(STOP_TIMEOUT, child.wait()).await.is_ok() {
        return;
    }
    if let Err(error) = child.start_kill() {
        tracing::debug!(%error, "PostgreSQL had ended");
    }
    // Killed: its end is certain and near.
    drop(child.wait().await);
}

/// The last lines of a log.
pub(super) fn log_tail(path: &Path) -> String {
    let tail = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    tail().unwrap_or_else(|error| format!("(its log cannot be read: {error})"))
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

fn set_aside(log: &Path) -> io::Result<()> {
    match fs::metadata(log) {
        Ok(found) if found.len() > MAX_LOG_BYTES => fs::rename(log, log.with_extension("log.1")),
        _ => Ok(()),
    }
}
