//! The board: every platform's newest status, served from memory, and what happens, as it happens.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use schema::names::PlatformName;
use schema::platform::{API_VERSION, KIND};
use schema::status::HistoryEntry;
use schema::{LoanPlatformSpec, LoanPlatformStatus};
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, watch};

use crate::specs::NAMESPACE;
use crate::state::PlatformState;

/// Happenings that a slow listener may lag behind before it misses some.
const HAPPENINGS_BUFFERED: usize = 256;

/// Every platform's newest status.
#[derive(Debug)]
pub struct Board {
    platforms: Mutex<BTreeMap<PlatformName, PlatformObject>>,
    rounds: watch::Sender<u64>,
    happenings: broadcast::Sender<Happening>,
}

/// Something that happened to a platform.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// The platform.
    pub platform: PlatformName,
    /// What happened.
    pub entry: Arc<HistoryEntry>,
}

impl Default for Board {
    fn default() -> Self {
        Self {
            platforms: Mutex::default(),
            rounds: watch::Sender::new(0),
            happenings: broadcast::Sender::new(HAPPENINGS_BUFFERED),
        }
    }
}

impl Board {
    /// Shows `platform`.
    pub fn show(&self, name: &PlatformName, platform: PlatformObject) {
        self.lock().insert(name.clone(), platform);
        self.rounds.send_modify(|rounds| *rounds += 1);
    }

    /// Changes the status that is shown of `platform`, if it is on the board.
    pub fn amend(&self, platform: &PlatformName, change: impl FnOnce(&mut LoanPlatformStatus)) {
        if let Some(shown) = self.lock().get_mut(platform) {
            change(&mut shown.status);
        }
        self.rounds.send_modify(|rounds| *rounds += 1);
    }

    /// Takes `platform` off the board.
    pub fn remove(&self, platform: &PlatformName) {
        self.lock().remove(platform);
        self.rounds.send_modify(|rounds| *rounds += 1);
    }

    /// Changes whenever something on the board was shown or removed.
    #[must_use]
    pub fn rounds(&self) -> watch::Receiver<u64> {
        self.rounds.subscribe()
    }

    /// Every platform, by name.
    #[must_use]
    pub fn platforms(&self) -> Vec<PlatformObject> {
        self.lock().values().cloned().collect()
    }

    /// Tells listeners what happened. With none, it is in the history all the same.
    pub fn tell(&self, happening: Happening) {
        // Sending fails only when nobody listens.
        drop(self.happenings.send(happening));
    }

    /// What happens from now on.
    #[must_use]
    pub fn happenings(&self) -> broadcast::Receiver<Happening> {
        self.happenings.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PlatformName, PlatformObject>> {
        self.platforms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A [`schema::LoanPlatform`] as status, API and console show it. A platform whose first spec is
/// invalid has no spec to show, but a status all the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlatformObject {
    /// `lending.dev/v1alpha1`
    pub api_version: String,
    /// `LoanPlatform`
    pub kind: String,
    /// Name, namespace and generation.
    pub metadata: ObjectMeta,
    /// The last good spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<Arc<LoanPlatformSpec>>,
    /// What the controller found, decided and did.
    pub status: LoanPlatformStatus,
}

impl PlatformObject {
    /// What is remembered of a platform, with `status` as its status.
    #[must_use]
    pub fn new(state: &PlatformState, status: LoanPlatformStatus) -> Self {
        Self {
            api_version: API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            metadata: ObjectMeta {
                name: Some(state.platform.to_string()),
                namespace: Some(NAMESPACE.to_owned()),
                generation: Some(state.generation),
                creation_timestamp: Some(Time(state.created_at)),
                ..ObjectMeta::default()
            },
            spec: state
                .accepted
                .as_ref()
                .map(|accepted| Arc::clone(&accepted.spec)),
            status,
        }
    }

    /// Whether it is as the newest edit of its spec asks.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let mut conditions = self.status.conditions.iter();
        self.status.observed_generation == self.metadata.generation
            && conditions.any(|it| it.type_ == "Ready" && it.status == "True")
    }

    /// What is remembered of a platform, with its status as it was last saved.
    #[must_use]
    pub fn saved(state: &PlatformState) -> Self {
        let status = LoanPlatformStatus {
            history: state.history.clone(),
            ..LoanPlatformStatus::clone(&state.status)
        };
        Self::new(state, status)
    }
}
