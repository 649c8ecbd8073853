//! The home itself: what is started, in which order, and how it ends.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloudwatch_rules::MetricStore;
use engine::ports::PortError;
use schema::names::{PlatformName, ServiceName};
use tokio::task::JoinHandle;
use url::Url;

use crate::alarms::LocalAlarms;
use crate::compute::{LocalCompute, Parts};
use crate::database::{self, Databases};
use crate::documents::StoreDocuments;
use crate::error::HomeError;
use crate::front::{Fronts, PortBook};
use crate::launcher::Launcher;
use crate::lock::{LOCK_FILE, LockError, StateLock};
use crate::postgres::Postgres;
use crate::secrets::Secrets;
use crate::state_dir::StateDir;
use crate::usage;
use crate::watch::SpecWatch;

/// How a home is to be.
#[derive(Clone, Debug)]
pub struct HomeConfig {
    /// Everything the home keeps.
    pub state_dir: PathBuf,
    /// Spec files.
    pub specs_dir: PathBuf,
    /// Programs of the services, by the names of their images; absent: beside the running program.
    pub programs_dir: Option<PathBuf>,
    /// Port of the first platform's loan API; 0 takes a free one.
    pub api_port: u16,
    /// The platform that gets `api_port`; absent: the one that had it last, else the first made.
    pub first_platform: Option<PlatformName>,
    /// PostgreSQL to use; absent: a private one.
    pub database_url: Option<Url>,
}

/// Something a person who waits may want to read: the start of a home comes in these steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The state directory is this process's alone.
    StateTaken(PathBuf),
    /// The database server is being started; for a new state directory it is made first.
    StartingDatabase,
    /// The database answers at this address (no password in it).
    DatabaseReady(String),
    /// So many services of the last run are being brought back.
    Resuming(usize),
}

/// The home on this machine: runs services, keeps documents, serves addresses.
///
/// # Guarantees
/// Nothing of it outlives the process, however that ends.
#[derive(Debug)]
pub struct Home {
    compute: Arc<LocalCompute>,
    documents: Arc<StoreDocuments>,
    metrics: Arc<MetricStore>,
    alarms: Arc<LocalAlarms>,
    fronts: Arc<Fronts>,
    postgres: Option<Postgres>,
    usage: JoinHandle<()>,
    specs_dir: PathBuf,
    state_dir: StateDir,
    _lock: StateLock,
}

impl Home {
    /// Starts the database, opens the addresses, and brings back the services of the last run.
    /// `progress` hears of every step.
    ///
    /// # Errors
    /// See [`HomeError`]; nothing is left half started.
    pub async fn start(
        config: HomeConfig,
        progress: impl Fn(Progress) + Send,
    ) -> Result<Self, HomeError> {
        let ground = Ground::prepare(&config)?;
        progress(Progress::StateTaken(ground.state_dir.root().to_owned()));
        let fronts = open_fronts(&config, &ground).await?;

        progress(Progress::StartingDatabase);
        let (base, postgres) = start_database(&config, &ground).await?;
        progress(Progress::DatabaseReady(database::without_password(&base)));

        match bring_back(&config, &ground, base, &fronts, &progress).await {
            Ok(compute) => Ok(Self::assemble(config, ground, compute, fronts, postgres)),
            Err(error) => {
                fronts.close().await;
                if let Some(postgres) = postgres {
                    postgres.stop().await;
                }
                Err(error)
            }
        }
    }

    fn assemble(
        config: HomeConfig,
        ground: Ground,
        compute: LocalCompute,
        fronts: Arc<Fronts>,
        postgres: Option<Postgres>,
    ) -> Self {
        let compute = Arc::new(compute);
        let metrics = Arc::clone(&ground.metrics);
        Self {
            usage: tokio::spawn(usage::publish(Arc::clone(&compute), metrics)),
            documents: ground.documents,
            compute,
            metrics: ground.metrics,
            alarms: ground.alarms,
            fronts,
            postgres,
            specs_dir: config.specs_dir,
            state_dir: ground.state_dir,
            _lock: ground.lock,
        }
    }

    /// The services.
    #[must_use]
    pub fn compute(&self) -> Arc<LocalCompute> {
        Arc::clone(&self.compute)
    }

    /// The documents: specs, settings, state.
    #[must_use]
    pub fn documents(&self) -> Arc<StoreDocuments> {
        Arc::clone(&self.documents)
    }

    /// What was measured.
    #[must_use]
    pub fn metrics(&self) -> Arc<MetricStore> {
        Arc::clone(&self.metrics)
    }

    /// The alarms, judged on what was measured.
    #[must_use]
    pub fn alarms(&self) -> Arc<LocalAlarms> {
        Arc::clone(&self.alarms)
    }

    /// The state directory, in full.
    #[must_use]
    pub fn state_dir(&self) -> &Path {
        self.state_dir.root()
    }

    /// Hints that a spec changed.
    ///
    /// # Errors
    /// When the kernel refuses another watch.
    pub fn watch_specs(&self) -> Result<SpecWatch, notify::Error> {
        SpecWatch::new(&self.specs_dir)
    }

    /// Address at which a service of a platform is reached, whatever tasks it has.
    ///
    /// # Errors
    /// When the platform's addresses cannot be opened.
    pub async fn address(
        &self,
        platform: &PlatformName,
        service: ServiceName,
    ) -> Result<SocketAddr, PortError> {
        Ok(self.fronts.of(platform).await?.addresses().of(service))
    }

    /// Drains the services, closes the addresses, stops the database, and lets the state go. What
    /// was wanted is kept for the next start. Bounded by the drain deadline of the slowest service.
    pub async fn shutdown(self) {
        self.usage.abort();
        self.compute.stop().await;
        self.fronts.close().await;
        if let Some(postgres) = self.postgres {
            postgres.stop().await;
        }
    }
}

/// What is there before anything runs.
struct Ground {
    state_dir: StateDir,
    lock: StateLock,
    secrets: Secrets,
    documents: Arc<StoreDocuments>,
    launcher: Launcher,
    metrics: Arc<MetricStore>,
    alarms: Arc<LocalAlarms>,
}

impl Ground {
    fn prepare(config: &HomeConfig) -> Result<Self, HomeError> {
        fs::read_dir(&config.specs_dir).map_err(|source| HomeError::SpecsNotReadable {
            path: config.specs_dir.clone(),
            source,
        })?;
        let not_writable = |source| HomeError::StateNotWritable {
            path: config.state_dir.clone(),
            source,
        };
        fs::create_dir_all(&config.state_dir).map_err(not_writable)?;
        let lock =
            StateLock::take(&config.state_dir.join(LOCK_FILE)).map_err(|error| match error {
                LockError::Held(pid) => HomeError::AlreadyRunning {
                    path: config.state_dir.clone(),
                    pid,
                },
                LockError::File(source) => not_writable(source),
            })?;
        let state_dir = StateDir::prepare(&config.state_dir).map_err(not_writable)?;
        let secrets = Secrets::ensure(&state_dir.secrets())?;
        let documents =
            StoreDocuments::open(&config.specs_dir, state_dir.root()).map_err(|error| {
                HomeError::machine("open the documents", std::io::Error::other(error))
            })?;
        let launcher =
            Launcher::start().map_err(|error| HomeError::machine("start a thread", error))?;
        let metrics = Arc::new(MetricStore::default());
        let alarms = LocalAlarms::start(Arc::clone(&metrics), state_dir.root())?;
        Ok(Self {
            state_dir,
            lock,
            secrets,
            documents: Arc::new(documents),
            launcher,
            metrics,
            alarms: Arc::new(alarms),
        })
    }
}

async fn open_fronts(config: &HomeConfig, ground: &Ground) -> Result<Arc<Fronts>, HomeError> {
    let path = ground.state_dir.local().join("ports.json");
    let book = PortBook::open(path, config.first_platform.clone())?;
    let fronts = Fronts::open(book, config.api_port, Arc::clone(&ground.metrics)).await?;
    Ok(Arc::new(fronts))
}

/// The first platform's database, and the server that was started for it.
async fn start_database(
    config: &HomeConfig,
    ground: &Ground,
) -> Result<(Url, Option<Postgres>), HomeError> {
    if let Some(url) = &config.database_url {
        database::check(url).await?;
        return Ok((url.clone(), None));
    }
    let postgres = Postgres::start(&ground.state_dir, &ground.secrets, &ground.launcher).await?;
    Ok((postgres.url().clone(), Some(postgres)))
}

/// Compute with the services of the last run.
async fn bring_back(
    config: &HomeConfig,
    ground: &Ground,
    base: Url,
    fronts: &Arc<Fronts>,
    progress: &(impl Fn(Progress) + Send),
) -> Result<LocalCompute, HomeError> {
    let databases = Databases::open(
        base,
        ground.state_dir.local().join("databases.json"),
        config.first_platform.clone(),
    )?;
    let compute = LocalCompute::new(Parts {
        state_dir: ground.state_dir.clone(),
        programs_dir: programs_dir(config)?,
        launcher: ground.launcher.clone(),
        secrets: ground.secrets.clone(),
        databases,
        metrics: Arc::clone(&ground.metrics),
        fronts: Arc::clone(fronts),
    })?;
    progress(Progress::Resuming(compute.recorded().await));
    if let Err(error) = compute.resume().await {
        compute.stop().await;
        let error = std::io::Error::other(error);
        return Err(HomeError::machine("bring the services back", error));
    }
    Ok(compute)
}

fn programs_dir(config: &HomeConfig) -> Result<PathBuf, HomeError> {
    if let Some(folder) = &config.programs_dir {
        return Ok(folder.clone());
    }
    let program = std::env::current_exe()
        .map_err(|error| HomeError::machine("find the running program", error))?;
    Ok(program.parent().map(Path::to_owned).unwrap_or_default())
}
