//! What has changed on the board, in its order, as far back as readers may lag behind.

use std::collections::VecDeque;
use std::sync::Arc;

use schema::status::HistoryEntry;

use super::object::PlatformObject;

/// Changes remembered, of some kilobytes each. A thousand platforms that are edited at once make more; a reader that lags
/// further behind reads everything anew.
const REMEMBERED: usize = 2_048;

/// One change of the board.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its version; each is greater than the one before.
    pub version: u64,
    /// What became of the platform.
    pub kind: ChangeKind,
    /// The platform as it is now; as it last was, where it was taken off.
    pub platform: Arc<PlatformObject>,
    /// The platform as it was before; nothing where it is new.
    pub before: Option<Arc<PlatformObject>>,
    /// What was added to its history.
    pub news: Vec<Arc<HistoryEntry>>,
}

/// What became of a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new on the board.
    Added,
    /// It is not as it was.
    Modified,
    /// It was taken off the board.
    Deleted,
}

/// Changes were asked for that are not remembered any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "version {version} is too old or not of this controller: versions since {oldest} are remembered"
)]
pub struct Forgotten {
    /// The version that was asked for.
    pub version: u64,
    /// The oldest one that changes can be told since.
    pub oldest: u64,
}

/// The changes, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Changes {
    newest: u64,
    /// Changes after this version are all remembered.
    complete_since: u64,
    remembered: VecDeque<Change>,
}

impl Changes {
    /// None yet; the first one comes after `version`.
    pub(super) const fn after(version: u64) -> Self {
        Self {
            newest: version,
            complete_since: version,
            remembered: VecDeque::new(),
        }
    }

    pub(super) const fn newest(&self) -> u64 {
        self.newest
    }

    /// Notes that `platform` is shown from now on, and gives it its version.
    pub(super) fn note_shown(
        &mut self,
        before: Option<&Arc<PlatformObject>>,
        platform: PlatformObject,
    ) -> Arc<PlatformObject> {
        let kind = before.map_or(ChangeKind::Added, |_| ChangeKind::Modified);
        let news = news(before.map(Arc::as_ref), &platform);
        self.note(kind, platform, before.cloned(), news)
    }

    /// Notes that `platform` is shown no longer.
    pub(super) fn note_removed(&mut self, platform: &Arc<PlatformObject>) {
        let last = PlatformObject::clone(platform);
        self.note(
            ChangeKind::Deleted,
            last,
            Some(Arc::clone(platform)),
            Vec::new(),
        );
    }

    fn note(
        &mut self,
        kind: ChangeKind,
        mut platform: PlatformObject,
        before: Option<Arc<PlatformObject>>,
        news: Vec<Arc<HistoryEntry>>,
    ) -> Arc<PlatformObject> {
        self.newest += 1;
        platform.metadata.resource_version = Some(self.newest.to_string());
        let platform = Arc::new(platform);
        if self.remembered.len() == REMEMBERED
            && let Some(forgotten) = self.remembered.pop_front()
        {
            self.complete_since = forgotten.version;
        }
        self.remembered.push_back(Change {
            version: self.newest,
            kind,
            platform: Arc::clone(&platform),
            before,
            news,
        });
        platform
    }

    pub(super) fn since(&self, version: u64) -> Result<Vec<Change>, Forgotten> {
        if version < self.complete_since || version > self.newest {
            return Err(Forgotten {
                version,
                oldest: self.complete_since,
            });
        }
        let seen = self
            .remembered
            .partition_point(|change| change.version <= version);
        Ok(self.remembered.iter().skip(seen).cloned().collect())
    }
}

/// The entries of the history of `after` that come after the last one of `before`.
fn news(before: Option<&PlatformObject>, after: &PlatformObject) -> Vec<Arc<HistoryEntry>> {
    let seen = before.and_then(|before| before.status.history.last());
    let history = &after.status.history;
    let known = seen
        .and_then(|seen| history.iter().rposition(|entry| entry == seen))
        .map_or(0, |position| position + 1);
    history.iter().skip(known).cloned().collect()
}
