//! The `Compute` port: services as groups of child processes.

mod backoff;
mod decide;
mod environment;
mod handle;
mod health;
mod ledger;
mod observe;
mod output;
mod rehearsal;
mod replica;
mod state;
mod supervisor;
mod task_log;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use cloudwatch_rules::MetricStore;
use engine::ports::{
    Compute, ObservedService, Permit, PortError, Rehearsal, Rehearsed, Seen, ServiceChange,
    ServiceDefinition, Urgency,
};
use jiff::Timestamp;
use schema::names::{PlatformName, ServiceName};
use tokio::sync::Mutex;

use self::environment::Surroundings;
use self::handle::{Ask, Handle};
use self::ledger::{Key, Ledger};
use self::state::{Deployment, Rollout, Wanted};
use self::supervisor::deployment_id;
use crate::database::Databases;
use crate::error::HomeError;
use crate::front::{Fronts, PlatformAddresses};
use crate::launcher::Launcher;
use crate::secrets::Secrets;
use crate::state_dir::StateDir;

/// What supervisors share.
pub(crate) struct World {
    pub(crate) state_dir: StateDir,
    pub(crate) programs_dir: PathBuf,
    pub(crate) launcher: Launcher,
    pub(crate) secrets: Secrets,
    pub(crate) databases: Databases,
    pub(crate) metrics: Arc<MetricStore>,
    pub(crate) client: reqwest::Client,
    ledger: Ledger,
}

impl World {
    fn surroundings<'a>(
        &'a self,
        (platform, service): &'a Key,
        addresses: &'a PlatformAddresses,
    ) -> Surroundings<'a> {
        let needs_database = *service == ServiceName::LoanApi;
        Surroundings {
            platform,
            service: *service,
            settings: self.state_dir.settings(platform, *service),
            addresses,
            secrets: &self.secrets,
            database: needs_database.then(|| self.databases.url(platform)),
        }
    }
}

/// Services as groups of child processes of this one.
pub struct LocalCompute {
    world: Arc<World>,
    fronts: Arc<Fronts>,
    services: Mutex<BTreeMap<Key, Handle>>,
    /// Held while a service is made, so that asking twice makes one.
    making: Mutex<()>,
}

impl fmt::Debug for LocalCompute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalCompute").finish_non_exhaustive()
    }
}

/// The parts a compute is made of.
pub(crate) struct Parts {
    pub(crate) state_dir: StateDir,
    pub(crate) programs_dir: PathBuf,
    pub(crate) launcher: Launcher,
    pub(crate) secrets: Secrets,
    pub(crate) databases: Databases,
    pub(crate) metrics: Arc<MetricStore>,
    pub(crate) fronts: Arc<Fronts>,
}

impl LocalCompute {
    /// Compute on this machine, with no service running yet.
    pub(crate) fn new(parts: Parts) -> Result<Self, HomeError> {
        let ledger = Ledger::open(parts.state_dir.local().join("services.json"))?;
        Ok(Self {
            fronts: parts.fronts,
            services: Mutex::new(BTreeMap::new()),
            making: Mutex::new(()),
            world: Arc::new(World {
                state_dir: parts.state_dir,
                programs_dir: parts.programs_dir,
                launcher: parts.launcher,
                secrets: parts.secrets,
                databases: parts.databases,
                metrics: parts.metrics,
                client: health_client()?,
                ledger,
            }),
        })
    }

    /// How many services are on record.
    pub(crate) async fn recorded(&self) -> usize {
        self.world.ledger.all().await.len()
    }

    /// Brings back the services that ran when the home last stopped, before any spec is read.
    pub(crate) async fn resume(&self) -> Result<(), PortError> {
        for (key, wanted) in self.world.ledger.all().await {
            self.supervise(key, wanted).await?;
        }
        Ok(())
    }

    /// Drains every task and waits until all have ended: the callers before the called, so that
    /// requests under way can finish.
    pub(crate) async fn stop(&self) {
        for service in ServiceName::ALL.into_iter().rev() {
            let handles: Vec<Handle> = {
                let services = self.services.lock().await;
                let of_service = services.iter().filter(|((_, name), _)| *name == service);
                of_service.map(|(_, handle)| handle.clone()).collect()
            };
            futures::future::join_all(handles.iter().map(stop)).await;
        }
    }

    /// Every service, of whatever platform.
    pub(crate) async fn all(&self) -> Vec<ObservedService> {
        let services = self.services.lock().await;
        services.values().map(Handle::observed).collect()
    }

    async fn supervise(&self, key: Key, wanted: Wanted) -> Result<(), PortError> {
        let (platform, service) = &key;
        if *service == ServiceName::LoanApi {
            self.world.databases.ensure(platform).await?;
        }
        let front = self.fronts.of(platform).await?;
        let backends = front.backends(*service);
        let handle = supervisor::start(
            Arc::clone(&self.world),
            key.clone(),
            wanted,
            backends,
            front.addresses(),
        );
        self.services.lock().await.insert(key, handle);
        Ok(())
    }

    async fn create(&self, definition: &ServiceDefinition) -> Result<(), PortError> {
        let key = (definition.platform.clone(), definition.service);
        let _making = self.making.lock().await;
        if let Some(handle) = self.find(&key).await {
            return handle
                .ask(Ask::Update {
                    template: definition.template.clone(),
                    count: definition.count,
                    scaling: definition.scaling,
                })
                .await;
        }
        let mut wanted = Wanted {
            count: 0,
            scaling: definition.scaling,
            deployment: Deployment {
                id: deployment_id(),
                template: definition.template.clone(),
            },
            progress: Rollout::STARTED,
            stable: None,
            restarts: 0,
            removing: false,
        };
        wanted.set_count(definition.count.unwrap_or(1));
        self.supervise(key, wanted).await
    }

    async fn find(&self, key: &Key) -> Option<Handle> {
        let services = self.services.lock().await;
        services
            .get(key)
            .filter(|handle| !handle.is_finished())
            .cloned()
    }

    async fn ask(&self, key: Key, ask: Ask) -> Result<(), PortError> {
        let missing = || {
            let (platform, service) = &key;
            PortError::unavailable(format!("change {service} of {platform}"), "it is not there")
        };
        self.find(&key).await.ok_or_else(missing)?.ask(ask).await
    }

    /// Forgets services that are gone, and closes the fronts of platforms without any. A platform
    /// being made has a front before it has a service: while one is, sweeping can wait.
    async fn sweep(&self) {
        let Ok(_nobody_makes) = self.making.try_lock() else {
            return;
        };
        let left: BTreeSet<PlatformName> = {
            let mut services = self.services.lock().await;
            let before = services.len();
            services.retain(|_, handle| !handle.is_finished());
            if services.len() == before {
                return;
            }
            services.keys().map(|(name, _)| name.clone()).collect()
        };
        self.fronts.keep_only(&left.iter().collect()).await;
    }
}

/// The client of health checks: straight to loopback, whatever proxy the environment names.
fn health_client() -> Result<reqwest::Client, HomeError> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none());
    client.build().map_err(|error| {
        HomeError::machine(
            "make the client of health checks",
            std::io::Error::other(error),
        )
    })
}

async fn stop(handle: &Handle) {
    // It went away by itself: what was wanted.
    if handle.ask(Ask::Stop).await.is_ok() {
        handle.finished().await;
    }
}

#[async_trait]
impl Compute for LocalCompute {
    async fn observe(
        &self,
        platforms: &BTreeSet<PlatformName>,
        _: Urgency,
    ) -> Result<Seen<ObservedService>, PortError> {
        self.sweep().await;
        let all = self.all().await;
        Ok(Seen {
            at: Timestamp::now(),
            found: all
                .into_iter()
                .filter(|it| platforms.contains(&it.platform))
                .collect(),
        })
    }

    async fn rehearse(&self, rehearsal: &Rehearsal, _: Urgency) -> Result<Rehearsed, PortError> {
        rehearsal::rehearse(rehearsal, &self.world.programs_dir).await
    }

    async fn apply(&self, change: &ServiceChange, _: i64, _: Permit) -> Result<(), PortError> {
        match change {
            ServiceChange::Create(definition) => self.create(definition).await,
            ServiceChange::Deploy {
                platform,
                service,
                template,
            } => {
                let key = (platform.clone(), *service);
                self.ask(key, Ask::Deploy(template.clone())).await
            }
            ServiceChange::Scale {
                platform,
                service,
                count,
                scaling,
            } => {
                let ask = Ask::Scale {
                    count: *count,
                    scaling: *scaling,
                };
                self.ask((platform.clone(), *service), ask).await
            }
            // It never is otherwise than it was asked for.
            ServiceChange::Repair { .. } => Ok(()),
            ServiceChange::Delete { platform, service } => {
                match self.find(&(platform.clone(), *service)).await {
                    Some(handle) => handle.ask(Ask::Remove).await,
                    None => Ok(()),
                }
            }
        }
    }
}
