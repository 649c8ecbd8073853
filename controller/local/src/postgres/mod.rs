//! A private PostgreSQL under the state directory.
//!
//! It listens on loopback only, wants a password (SCRAM), and has no Unix socket. When this process
//! ends, however it ends, the kernel tells it to shut down.

mod account;
mod binaries;
mod cluster;
mod server;

use std::path::PathBuf;

use url::Url;

use self::account::Account;
use self::binaries::Binaries;
use self::cluster::Cluster;
use self::server::Server;
use crate::error::HomeError;
use crate::launcher::Launcher;
use crate::secrets::Secrets;
use crate::state_dir::StateDir;

/// Owner of the cluster and of the databases in it.
const SUPERUSER: &str = "loans";
/// Database of the first platform.
const DATABASE: &str = "loans_db";

/// A running private PostgreSQL.
#[derive(Debug)]
pub(crate) struct Postgres {
    server: Server,
    url: Url,
}

/// What went wrong, before the log is added to it.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("no PostgreSQL binaries")]
    NoBinaries,
    #[error("cannot {0}: {1}")]
    Io(&'static str, std::io::Error),
    #[error("{0}")]
    Failed(String),
    #[error(transparent)]
    Record(#[from] crate::state_dir::RecordError),
}

impl Postgres {
    /// Makes the cluster where it is missing, starts it, and waits until it answers.
    pub(crate) async fn start(
        state_dir: &StateDir,
        secrets: &Secrets,
        launcher: &Launcher,
    ) -> Result<Self, HomeError> {
        let log = state_dir.logs().join("postgres.log");
        start(state_dir, secrets, launcher, log.clone())
            .await
            .map_err(|trouble| explain(trouble, log))
    }

    /// The first platform's database.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Stops it and waits until it has written everything. Bounded.
    pub(crate) async fn stop(self) {
        self.server.stop().await;
    }
}

async fn start(
    state_dir: &StateDir,
    secrets: &Secrets,
    launcher: &Launcher,
    log: PathBuf,
) -> Result<Postgres, Trouble> {
    let binaries = Binaries::find().ok_or(Trouble::NoBinaries)?;
    let account = Account::choose()?;
    let mut cluster = Cluster::open(state_dir, account)?;
    cluster.wait_for_predecessor().await;
    cluster
        .initialise(&binaries, &secrets.database_password)
        .await?;
    let port = cluster.choose_port()?;
    let url = url(port, &secrets.database_password)?;
    let server = Server::start(&binaries, &cluster, port, &url, log, launcher.clone()).await?;
    Ok(Postgres { server, url })
}

fn url(port: u16, password: &str) -> Result<Url, Trouble> {
    format!("postgres://{SUPERUSER}:{password}@127.0.0.1:{port}/{DATABASE}")
        .parse()
        .map_err(|error| Trouble::Failed(format!("its address is no URL: {error}")))
}

fn explain(trouble: Trouble, log: PathBuf) -> HomeError {
    match trouble {
        Trouble::NoBinaries => HomeError::NoPostgres,
        Trouble::Record(error) => error.into(),
        trouble => HomeError::PostgresDoesNotStart {
            reason: trouble.to_string(),
            log_tail: server::log_tail(&log),
            log,
        },
    }
}
