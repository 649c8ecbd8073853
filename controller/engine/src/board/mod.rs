//! The board: every platform's newest status, served from memory, and what happens, as it happens.

mod changes;
mod object;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schema::LoanPlatformStatus;
use schema::names::PlatformName;
use schema::status::HistoryEntry;
use tokio::sync::{broadcast, watch};

use changes::Changes;
pub use changes::{Change, ChangeKind, Forgotten};
pub use object::PlatformObject;

/// Happenings that a slow listener may lag behind before it misses some.
const HAPPENINGS_BUFFERED: usize = 256;

/// Every platform's newest status.
#[derive(Debug)]
pub struct Board {
    shown: Mutex<Shown>,
    rounds: watch::Sender<u64>,
    happenings: broadcast::Sender<Happening>,
}

#[derive(Debug, Default)]
struct Shown {
    platforms: BTreeMap<PlatformName, Arc<PlatformObject>>,
    changes: Changes,
}

/// Everything on the board, and the version that it stands at.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The version: ask for the changes since it.
    pub version: u64,
    /// Every platform, by name.
    pub platforms: Vec<Arc<PlatformObject>>,
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
        Self::numbered_from(0)
    }
}

impl Board {
    /// An empty board whose versions go on from `version`. Readers that come from another board's time must find
    /// their versions older than any of this one: begin with the time in small units.
    #[must_use]
    pub fn numbered_from(version: u64) -> Self {
        Self {
            shown: Mutex::new(Shown {
                platforms: BTreeMap::new(),
                changes: Changes::after(version),
            }),
            rounds: watch::Sender::new(0),
            happenings: broadcast::Sender::new(HAPPENINGS_BUFFERED),
        }
    }

    /// Shows `platform`.
    pub fn show(&self, name: &PlatformName, platform: PlatformObject) {
        self.lock().show(name, platform);
        self.rounds.send_modify(|rounds| *rounds += 1);
    }

    /// Changes the status that is shown of `platform`, if it is on the board.
    pub fn amend(&self, platform: &PlatformName, change: impl FnOnce(&mut LoanPlatformStatus)) {
        {
            let mut board = self.lock();
            if let Some(shown) = board.platforms.get(platform) {
                let mut amended = PlatformObject::clone(shown);
                change(&mut amended.status);
                board.show(platform, amended);
            }
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
    pub fn platforms(&self) -> Vec<Arc<PlatformObject>> {
        self.lock().platforms.values().cloned().collect()
    }

    /// The platform called `name`.
    #[must_use]
    pub fn platform(&self, name: &PlatformName) -> Option<Arc<PlatformObject>> {
        self.lock().platforms.get(name).cloned()
    }

    /// Every platform, and the version that they stand at.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let shown = self.lock();
        Snapshot {
            version: shown.changes.newest(),
            platforms: shown.platforms.values().cloned().collect(),
        }
    }

    /// What has changed since `version`, the oldest first. Values that move all the time, such as those of alarms,
    /// make no change: a platform that rests is quiet here.
    ///
    /// # Errors
    /// When that is longer ago than is remembered, or `version` is none of this board's: take a snapshot.
    pub fn changes_since(&self, version: u64) -> Result<Vec<Change>, Forgotten> {
        self.lock().changes.since(version)
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

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    fn show(&mut self, name: &PlatformName, mut platform: PlatformObject) {
        let before = self.platforms.get(name);
        if let Some(before) = before.filter(|before| before.rests_as(&platform)) {
            platform
                .metadata
                .resource_version
                .clone_from(&before.metadata.resource_version);
            self.platforms.insert(name.clone(), Arc::new(platform));
            return;
        }
        let shown = self.changes.note_shown(before, platform);
        self.platforms.insert(name.clone(), shown);
    }

    fn remove(&mut self, name: &PlatformName) {
        if let Some(removed) = self.platforms.remove(name) {
            self.changes.note_removed(&removed);
        }
    }
}

#[cfg(test)]
mod tests;
