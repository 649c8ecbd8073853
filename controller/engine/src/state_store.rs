//! Keeps what is remembered of each platform in `state/NAME.json`, by compare-and-swap.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::{StreamExt, TryStreamExt};
use schema::names::PlatformName;

use crate::ports::{Document, DocumentVersion, Documents, Expected, PortError};
use crate::state::PlatformState;

/// Documents that are read at once where all of them are.
pub(crate) const READS_AT_ONCE: usize = 32;

/// Where states lie.
pub const STATE_PREFIX: &str = "state/";

/// Keeps the states, and remembers the versions it last saw.
#[derive(Debug)]
pub struct StateStore {
    documents: Arc<dyn Documents>,
    known: Mutex<BTreeMap<PlatformName, (PlatformState, DocumentVersion)>>,
}

/// A state that could not be loaded or saved.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The store failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The document is not a state.
    #[error("{path} is not a platform state: {reason}; restore an earlier version of it")]
    Unreadable {
        /// The document.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl StateStore {
    /// A store on `documents`.
    #[must_use]
    pub fn new(documents: Arc<dyn Documents>) -> Self {
        Self {
            documents,
            known: Mutex::default(),
        }
    }

    /// The state of `platform`, or nothing if it was never seen.
    ///
    /// # Errors
    /// When it cannot be read, or is not a state.
    pub async fn load(&self, platform: &PlatformName) -> Result<Option<PlatformState>, StateError> {
        if let Some((state, _)) = self.known().get(platform) {
            return Ok(Some(state.clone()));
        }
        let path = path(platform);
        let Some(document) = self.documents.get(&path).await? else {
            return Ok(None);
        };
        self.take_in(&path, document).map(Some)
    }

    fn take_in(&self, path: &str, document: Document) -> Result<PlatformState, StateError> {
        let state = parse(path, &document)?;
        self.known()
            .insert(state.platform.clone(), (state.clone(), document.version));
        Ok(state)
    }

    /// The states of all platforms; of one that is not readable, why. They are known from then on.
    ///
    /// # Errors
    /// When they cannot be listed or fetched.
    pub async fn load_all(&self) -> Result<Vec<Result<PlatformState, StateError>>, StateError> {
        let listed = self.documents.list(STATE_PREFIX).await?;
        let reads = listed.into_iter().map(|listed| async move {
            let document = self.documents.get(&listed.path).await?;
            Ok::<_, PortError>(document.map(|document| self.take_in(&listed.path, document)))
        });
        let read: Vec<_> = futures::stream::iter(reads)
            .buffered(READS_AT_ONCE)
            .try_collect()
            .await?;
        Ok(read.into_iter().flatten().collect())
    }

    /// Saves `state`. After a conflict the next `load` reads again.
    ///
    /// # Errors
    /// When someone else changed it, or it cannot be written.
    pub async fn save(&self, state: &PlatformState) -> Result<(), StateError> {
        let path = path(&state.platform);
        let expected = self
            .known()
            .get(&state.platform)
            .map_or(Expected::Absent, |(_, version)| {
                Expected::Version(version.clone())
            });
        let bytes = serde_json::to_vec_pretty(state).map_err(|error| StateError::Unreadable {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        let saved = self.documents.put(&path, bytes.into(), expected).await;
        let mut known = self.known();
        match saved {
            Ok(version) => {
                known.insert(state.platform.clone(), (state.clone(), version));
                Ok(())
            }
            Err(error) => {
                known.remove(&state.platform);
                Err(error.into())
            }
        }
    }

    /// Keeps `state` in memory only, until it is next saved: what it adds may be lost.
    pub fn keep(&self, state: &PlatformState) {
        if let Some((known, _)) = self.known().get_mut(&state.platform) {
            known.clone_from(state);
        }
    }

    /// Forgets `platform` for good.
    ///
    /// # Errors
    /// When the document cannot be removed.
    pub async fn forget(&self, platform: &PlatformName) -> Result<(), StateError> {
        self.documents.delete(&path(platform)).await?;
        self.known().remove(platform);
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<PlatformName, (PlatformState, DocumentVersion)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn path(platform: &PlatformName) -> String {
    format!("{STATE_PREFIX}{platform}.json")
}

fn parse(path: &str, document: &Document) -> Result<PlatformState, StateError> {
    serde_json::from_slice(&document.bytes).map_err(|error| StateError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}
