//! A small world that keeps state and does at once what it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use engine::backoff::Backoff;
use engine::board::{Board, PlatformObject};
use engine::clock::Clock;
use engine::controller::{Hints, Terms, World, run};
use engine::convergence::Convergence;
use engine::lease::LeaseTerms;
use engine::observe::settings_path;
use engine::observed::{Observed, ObservedSettings};
use engine::ports::{
    AlarmDefinition, Alarms, BakeEvidence, Compute, DeploymentState, Document, DocumentVersion,
    Documents, Expected, Listed, ObservedAlarm, ObservedDeployment, ObservedService, ObservedTask,
    Permit, PortError, Rehearsal, Rehearsed, Seen, ServiceChange, Urgency,
};
use engine::reconcile::{Context, Pace};
use engine::rehearsals::Rehearsals;
use engine::specs::{SpecContent, SpecEntry};
use engine::state::PlatformState;
use engine::state_store::StateStore;
use engine::tally::Tally;
use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::Timestamp;
use schema::names::{PlatformName, ServiceName};
use schema::platform::AlarmName;
use schema::settings::{ServiceSettings, SettingsDocument};
use schema::status::{AlarmState, TaskHealth, TaskStatus};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Longest wait for anything; far above what it takes.
const PATIENCE: Duration = Duration::from_secs(20);

const PACE: Pace = Pace {
    moving: Duration::from_millis(20),
    concurrency: 8,
    resync: Duration::from_millis(50),
    listing: Duration::from_millis(50),
    removal: Duration::from_millis(100),
};

#[derive(Debug, Default)]
pub(crate) struct TinyWorld {
    documents: Mutex<BTreeMap<String, (Bytes, u64)>>,
    versions: AtomicU64,
    services: Mutex<BTreeMap<(PlatformName, ServiceName), ObservedService>>,
    alarms: Mutex<BTreeMap<(PlatformName, AlarmName), ObservedAlarm>>,
    /// Calls that changed something beside the documents.
    pub(crate) mutations: AtomicUsize,
    /// While set, changes of services are taken and have no effect.
    pub(crate) ignores_changes: AtomicBool,
    /// While set, services cannot be read.
    pub(crate) compute_is_down: AtomicBool,
    /// While set, looks that are merely due wait for others for ever.
    pub(crate) resyncs_linger: AtomicBool,
    /// While set, states cannot be written.
    pub(crate) states_are_read_only: AtomicBool,
    /// While set, no deployment and no growth ever ends.
    pub(crate) nothing_arrives: AtomicBool,
    /// Reads of services and of alarms.
    pub(crate) looks: (AtomicUsize, AtomicUsize),
    /// Paths that were written or removed through the port.
    touched: Mutex<BTreeSet<String>>,
}

/// A controller on a tiny world.
pub(crate) struct Running {
    pub(crate) board: Arc<Board>,
    pub(crate) tally: Arc<Tally>,
    stop: Option<oneshot::Sender<()>>,
    controller: JoinHandle<()>,
}

impl TinyWorld {
    pub(crate) fn runs(self: &Arc<Self>) -> Running {
        self.runs_hinted(futures::stream::pending().boxed())
    }

    /// Runs it with `specs` as hints of spec files.
    pub(crate) fn runs_hinted(self: &Arc<Self>, specs: BoxStream<'static, ()>) -> Running {
        let (board, tally) = (Arc::new(Board::default()), Arc::new(Tally::default()));
        let world = World {
            compute: Arc::clone(self) as Arc<dyn Compute>,
            alarms: Arc::clone(self) as Arc<dyn Alarms>,
            documents: Arc::clone(self) as Arc<dyn Documents>,
            clock: Clock::system(),
            board: Arc::clone(&board),
            tally: Arc::clone(&tally),
        };
        let hints = Hints {
            specs,
            platforms: futures::stream::pending().boxed(),
        };
        let (stop, stopped) = oneshot::channel();
        let controller = tokio::spawn(async move {
            let terms = Terms {
                pace: PACE,
                lease: LeaseTerms::Exclusive,
            };
            run(world, terms, hints, async { drop(stopped.await) })
                .await
                .unwrap();
        });
        Running {
            board,
            tally,
            stop: Some(stop),
            controller,
        }
    }

    pub(crate) fn writes(&self, path: &str, text: impl Into<String>) {
        let version = self.versions.fetch_add(1, Ordering::Relaxed);
        self.documents
            .lock()
            .unwrap()
            .insert(path.to_owned(), (text.into().into(), version));
    }

    pub(crate) fn removes(&self, path: &str) {
        self.documents.lock().unwrap().remove(path);
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.documents.lock().unwrap().keys().cloned().collect()
    }

    /// Waits until the saved state of `name` says that it is being removed.
    pub(crate) async fn state_shows_removal(&self, name: &str) {
        let path = format!("state/{name}.json");
        let removed = || {
            let documents = self.documents.lock().unwrap();
            let text = documents
                .get(&path)
                .map(|(bytes, _)| bytes.clone())
                .unwrap_or_default();
            String::from_utf8_lossy(&text).contains("removedAt")
        };
        eventually(removed, "the state never said that it is removed").await;
    }

    /// Waits until there is no service left and no state.
    pub(crate) async fn is_empty(&self) {
        let empty = || {
            self.service_count() == 0 && self.paths().iter().all(|path| !path.starts_with("state/"))
        };
        eventually(empty, "something is left").await;
    }

    pub(crate) fn service_count(&self) -> usize {
        self.services.lock().unwrap().len()
    }

    /// Waits until services were read once more.
    pub(crate) async fn is_looked_at(&self) {
        let before = self.looks.0.load(Ordering::Relaxed);
        let is_looked_at = || self.looks.0.load(Ordering::Relaxed) > before;
        eventually(is_looked_at, "nobody looked").await;
    }

    /// Puts what is to be remembered of a platform into the store.
    pub(crate) fn remembers(&self, state: &PlatformState) {
        let text = serde_json::to_string(state).unwrap();
        self.writes(&format!("state/{}.json", state.platform), text);
    }

    /// What is remembered of `name`.
    pub(crate) fn state(&self, name: &str) -> PlatformState {
        let documents = self.documents.lock().unwrap();
        let (bytes, _) = &documents[&format!("state/{name}.json")];
        serde_json::from_slice(bytes).unwrap()
    }

    /// What a round finds of `platform`.
    pub(crate) async fn observed(&self, platform: &PlatformName) -> Observed {
        let platforms = BTreeSet::from([platform.clone()]);
        let services = Compute::observe(self, &platforms, Urgency::Resync)
            .await
            .unwrap();
        let alarms = Alarms::observe(self, &platforms, Urgency::Resync)
            .await
            .unwrap()
            .found;
        let settings = ServiceName::ALL.into_iter().filter_map(|service| {
            let document = self.settings(platform, service)?;
            let found = ObservedSettings {
                version: DocumentVersion("1".to_owned()),
                document: Some(document),
            };
            Some((service, found))
        });
        let by_service = services
            .found
            .into_iter()
            .map(|found| (found.service, found));
        let by_name = alarms
            .into_iter()
            .map(|found| (found.definition.name.clone(), found));
        Observed {
            services: by_service.collect(),
            alarms: by_name.collect(),
            settings: settings.collect(),
            ..Observed::nothing(services.at)
        }
    }

    /// What reconciling needs of this world.
    pub(crate) fn context(self: &Arc<Self>) -> Arc<Context> {
        let documents = Arc::clone(self) as Arc<dyn Documents>;
        Arc::new(Context {
            compute: Arc::clone(self) as Arc<dyn Compute>,
            alarms: Arc::clone(self) as Arc<dyn Alarms>,
            states: StateStore::new(Arc::clone(&documents)),
            documents,
            clock: Clock::system(),
            board: Arc::new(Board::default()),
            backoff: Backoff::default(),
            convergence: Convergence::default(),
            rehearsals: Rehearsals::default(),
            touched: Arc::default(),
            opening: engine::opening::Opening::default(),
            tally: Arc::new(Tally::default()),
            epoch: 1,
            pace: PACE,
        })
    }

    /// The spec file that `state` was made from, as the watcher tells of it.
    pub(crate) fn entry(&self, state: &PlatformState) -> Arc<SpecEntry> {
        let spec = &state.accepted.as_ref().unwrap().spec;
        let content = SpecContent::Valid(Arc::clone(spec));
        Arc::new(SpecEntry::new(
            state.platform.clone(),
            state.source.clone(),
            content,
        ))
    }

    /// Paths that the controller wrote or removed.
    pub(crate) fn touched(&self) -> Vec<String> {
        self.touched.lock().unwrap().iter().cloned().collect()
    }

    pub(crate) fn mutations(&self) -> usize {
        self.mutations.load(Ordering::Relaxed)
    }

    fn settings(
        &self,
        platform: &PlatformName,
        service: ServiceName,
    ) -> Option<SettingsDocument<ServiceSettings>> {
        let documents = self.documents.lock().unwrap();
        let (bytes, _) = documents.get(&settings_path(platform, service))?;
        serde_json::from_slice(bytes).ok()
    }
}

impl Running {
    /// Waits until `wanted` holds of `name` on the board.
    pub(crate) async fn sees(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&PlatformObject) -> bool,
    ) -> PlatformObject {
        let mut rounds = self.board.rounds();
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                rounds.borrow_and_update();
                if let Some(platform) = self.shows(name).filter(&wanted) {
                    return platform;
                }
                rounds.changed().await.unwrap();
            }
        });
        let last = || format!("{name} never was {what}: {:#?}", self.shows(name));
        found.await.unwrap_or_else(|_| panic!("{}", last()))
    }

    pub(crate) async fn sees_removed(&self, name: &str) {
        let mut rounds = self.board.rounds();
        let gone = tokio::time::timeout(PATIENCE, async {
            while self.shows(name).is_some() {
                rounds.changed().await.unwrap();
            }
        });
        gone.await
            .unwrap_or_else(|_| panic!("{name} is still there"));
    }

    pub(crate) fn shows(&self, name: &str) -> Option<PlatformObject> {
        let name = PlatformName::try_from(name).unwrap();
        let shown = self.board.platform(&name)?;
        Some(PlatformObject::clone(&shown))
    }

    pub(crate) async fn stops(mut self) {
        drop(self.stop.take());
        tokio::time::timeout(PATIENCE, self.controller)
            .await
            .unwrap()
            .unwrap();
    }
}

/// Looks every few milliseconds until `holds`.
async fn eventually(holds: impl Fn() -> bool, otherwise: &str) {
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    let held = tokio::time::timeout(PATIENCE, async {
        while !holds() {
            looks.tick().await;
        }
    });
    held.await.unwrap_or_else(|_| panic!("{otherwise}"));
}

pub(crate) fn is_ready(platform: &PlatformObject) -> bool {
    let conditions = &platform.status.conditions;
    conditions
        .iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

pub(crate) fn reason(platform: &PlatformObject) -> Option<&str> {
    let conditions = &platform.status.conditions;
    conditions
        .iter()
        .find(|c| c.type_ == "Ready")
        .map(|condition| condition.reason.as_str())
}

#[async_trait]
impl Documents for TinyWorld {
    async fn get(&self, path: &str) -> Result<Option<Document>, PortError> {
        Ok(self
            .documents
            .lock()
            .unwrap()
            .get(path)
            .map(|(bytes, version)| Document {
                bytes: bytes.clone(),
                version: DocumentVersion(version.to_string()),
            }))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, PortError> {
        let documents = self.documents.lock().unwrap();
        let matching = documents
            .iter()
            .filter(|(path, _)| path.starts_with(prefix));
        Ok(matching
            .map(|(path, (bytes, version))| Listed {
                path: path.clone(),
                version: DocumentVersion(version.to_string()),
                size: bytes.len() as u64,
            })
            .collect())
    }

    async fn put(
        &self,
        path: &str,
        bytes: Bytes,
        expected: Expected,
    ) -> Result<DocumentVersion, PortError> {
        self.touched.lock().unwrap().insert(path.to_owned());
        if path.starts_with("state/") && self.states_are_read_only.load(Ordering::Relaxed) {
            return Err(PortError::unavailable(
                "write the state",
                "no route to host",
            ));
        }
        let mut documents = self.documents.lock().unwrap();
        let found = documents
            .get(path)
            .map(|(_, version)| DocumentVersion(version.to_string()));
        let wanted = match expected {
            Expected::Absent => None,
            Expected::Version(version) => Some(version),
        };
        if found != wanted {
            return Err(PortError::Conflict {
                path: path.to_owned(),
            });
        }
        let version = self.versions.fetch_add(1, Ordering::Relaxed);
        documents.insert(path.to_owned(), (bytes, version));
        Ok(DocumentVersion(version.to_string()))
    }

    async fn delete(&self, path: &str) -> Result<(), PortError> {
        self.touched.lock().unwrap().insert(path.to_owned());
        self.removes(path);
        Ok(())
    }
}

#[async_trait]
impl Compute for TinyWorld {
    async fn observe(
        &self,
        platforms: &BTreeSet<PlatformName>,
        urgency: Urgency,
    ) -> Result<Seen<ObservedService>, PortError> {
        self.looks.0.fetch_add(1, Ordering::Relaxed);
        if urgency == Urgency::Resync && self.resyncs_linger.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        if self.compute_is_down.load(Ordering::Relaxed) {
            return Err(PortError::unavailable(
                "read the services",
                "no route to host",
            ));
        }
        let services = self.services.lock().unwrap().clone();
        let asked = services
            .into_values()
            .filter(|found| platforms.contains(&found.platform));
        let found = asked
            .map(|mut found| {
                let document = self.settings(&found.platform, found.service);
                found.tasks = (0..found.desired_count)
                    .map(|index| task(&found, index, document.as_ref()))
                    .collect();
                if self.nothing_arrives.load(Ordering::Relaxed) {
                    found.deployment.state = DeploymentState::InProgress;
                }
                found
            })
            .collect();
        Ok(Seen {
            at: Timestamp::now(),
            found,
        })
    }

    async fn rehearse(&self, _: &Rehearsal, _: Urgency) -> Result<Rehearsed, PortError> {
        Ok(Rehearsed::Sound)
    }

    async fn apply(&self, change: &ServiceChange, _: i64, _: Permit) -> Result<(), PortError> {
        self.mutations.fetch_add(1, Ordering::Relaxed);
        if self.ignores_changes.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut services = self.services.lock().unwrap();
        match change {
            ServiceChange::Create(definition) => {
                let found = ObservedService {
                    platform: definition.platform.clone(),
                    service: definition.service,
                    template: definition.template.clone(),
                    desired_count: definition.count.unwrap_or(1),
                    scaling: definition.scaling,
                    drift: Vec::new(),
                    restarts: 0,
                    deployment: ObservedDeployment {
                        id: "1".to_owned(),
                        state: DeploymentState::Completed,
                    },
                    tasks: Vec::new(),
                    summary: None,
                    endpoint: None,
                };
                services.insert((definition.platform.clone(), definition.service), found);
            }
            ServiceChange::Deploy {
                platform,
                service,
                template,
            } => {
                services
                    .get_mut(&(platform.clone(), *service))
                    .unwrap()
                    .template = template.clone();
            }
            ServiceChange::Scale {
                platform,
                service,
                count,
                scaling,
            } => {
                let found = services.get_mut(&(platform.clone(), *service)).unwrap();
                found.scaling = *scaling;
                found.desired_count = *count;
            }
            ServiceChange::Repair { platform, service } => {
                let found = services.get_mut(&(platform.clone(), *service));
                found.unwrap().drift.clear();
            }
            ServiceChange::Delete { platform, service } => {
                services.remove(&(platform.clone(), *service));
            }
        }
        Ok(())
    }
}

fn task(
    found: &ObservedService,
    index: u32,
    document: Option<&SettingsDocument<ServiceSettings>>,
) -> ObservedTask {
    ObservedTask {
        status: TaskStatus {
            id: format!("{}-{index}", found.service),
            address: None,
            pid: None,
            started_at: Timestamp::UNIX_EPOCH,
            health: TaskHealth::Healthy,
            settings_revision: document.map(|document| document.revision.clone()),
        },
        settings: document.map(SettingsDocument::order),
    }
}

#[async_trait]
impl Alarms for TinyWorld {
    async fn observe(
        &self,
        platforms: &BTreeSet<PlatformName>,
        _: Urgency,
    ) -> Result<Seen<ObservedAlarm>, PortError> {
        self.looks.1.fetch_add(1, Ordering::Relaxed);
        let alarms = self.alarms.lock().unwrap();
        let asked = alarms
            .values()
            .filter(|found| platforms.contains(&found.definition.platform));
        Ok(Seen {
            at: Timestamp::now(),
            found: asked.cloned().collect(),
        })
    }

    async fn put(&self, definition: &AlarmDefinition, _: Permit) -> Result<(), PortError> {
        self.mutations.fetch_add(1, Ordering::Relaxed);
        let alarm = ObservedAlarm {
            definition: definition.clone(),
            state: AlarmState::Ok,
            since: Timestamp::UNIX_EPOCH,
            configured_at: Timestamp::UNIX_EPOCH,
            value: None,
            last_firing: None,
            judged_since: Timestamp::UNIX_EPOCH,
            muted: false,
        };
        let key = (definition.platform.clone(), definition.name.clone());
        self.alarms.lock().unwrap().insert(key, alarm);
        Ok(())
    }

    async fn delete(
        &self,
        platform: &PlatformName,
        name: &AlarmName,
        _: Permit,
    ) -> Result<(), PortError> {
        self.mutations.fetch_add(1, Ordering::Relaxed);
        self.alarms
            .lock()
            .unwrap()
            .remove(&(platform.clone(), name.clone()));
        Ok(())
    }

    async fn evidence(
        &self,
        _: &PlatformName,
        _: Timestamp,
        _: Urgency,
    ) -> Result<BakeEvidence, PortError> {
        Ok(BakeEvidence::default())
    }
}
