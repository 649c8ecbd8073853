//! Watches the spec files: lists them when hinted and every so often, and yields what changed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use kube::runtime::watcher;
use schema::names::PlatformName;
use tokio::time::Instant;
use validation::Checked;

use super::entry::SpecEntry;
use super::inventory::{Inventory, Remembered, SpecFile};
use crate::clock::Clock;
use crate::conditions::with_causes;
use crate::ports::{DocumentVersion, Documents, Listed, PortError};
use crate::reconcile::Pace;
use crate::tally::Tally;

/// Where spec files lie.
pub const SPECS_PREFIX: &str = "specs/";

/// How long a file that cannot be used must stay as it is before it counts: editors that write in
/// place leave half a file for a moment.
const SETTLING: Duration = Duration::from_millis(400);

/// Turns a folder of spec files into watcher events.
#[derive(Debug)]
pub struct SpecWatcher {
    documents: Arc<dyn Documents>,
    inventory: Inventory,
    listing: Duration,
    files: BTreeMap<String, Read>,
    nameless: Vec<String>,
    suspect: Vec<PlatformName>,
    clock: Clock,
    tally: Arc<Tally>,
    /// The newest listing; nothing before the first.
    listed: Option<Vec<Listed>>,
}

#[derive(Clone, Debug)]
struct Read {
    version: String,
    checked: Arc<Checked>,
    since: Instant,
    settled: Option<SpecFile>,
}

impl SpecWatcher {
    /// Watches the spec files among `documents`.
    #[must_use]
    pub fn new(
        documents: Arc<dyn Documents>,
        remembered: Remembered,
        pace: Pace,
        clock: Clock,
        tally: Arc<Tally>,
    ) -> Self {
        Self {
            documents,
            inventory: Inventory::new(remembered, pace.removal),
            listing: pace.listing,
            files: BTreeMap::new(),
            nameless: Vec::new(),
            suspect: Vec::new(),
            clock,
            tally,
            listed: None,
        }
    }

    /// The events, without end. Each item of `hints` is a reason to look at once.
    pub fn events(
        self,
        hints: BoxStream<'static, ()>,
    ) -> impl Stream<Item = watcher::Result<watcher::Event<SpecEntry>>> + Send + 'static {
        let state = Events {
            watcher: self,
            hints,
            pending: VecDeque::new(),
            started: false,
        };
        futures::stream::unfold(state, |mut state| async move {
            let event = state.next().await;
            Some((Ok(event), state))
        })
    }

    /// Looks once: lists, reads what changed, and returns the entries that are different now.
    ///
    /// # Errors
    /// When the files cannot be listed; nothing is taken for removed then.
    pub async fn look(&mut self) -> Result<Vec<SpecEntry>, PortError> {
        let listed = self.documents.list(SPECS_PREFIX).await?;
        self.note_listing(&listed);
        let paths: BTreeSet<&String> = listed.iter().map(|file| &file.path).collect();
        self.files.retain(|path, _| paths.contains(path));
        for file in &listed {
            self.read(file).await;
        }
        if self.is_starting_with_unsettled_files() {
            self.inventory.note_present(self.files.keys());
            return Ok(Vec::new());
        }
        let files: Vec<SpecFile> = self
            .files
            .values()
            .filter_map(|read| read.settled.clone())
            .collect();
        let unread: Vec<&String> = listed
            .iter()
            .map(|file| &file.path)
            .filter(|path| !self.files.contains_key(*path))
            .collect();
        let changes = self.inventory.update(&files, &unread, self.clock.now());
        self.report(&changes.nameless, &changes.suspect);
        Ok(changes.changed)
    }

    /// The first listing finds what others left, which no hint to this process could have told of.
    fn note_listing(&mut self, listed: &[Listed]) {
        let mut listed = listed.to_vec();
        listed.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let before = self.listed.as_ref();
        let changed = before.is_some_and(|before| *before != listed);
        self.tally.listed_specs(changed);
        self.listed = Some(listed);
    }

    async fn read(&mut self, file: &Listed) {
        let DocumentVersion(version) = &file.version;
        let known = self
            .files
            .get(&file.path)
            .filter(|read| &read.version == version);
        if known.is_none() {
            let Some((version, checked)) = self.check(file).await else {
                return;
            };
            let before = self.files.remove(&file.path);
            // A file that stays unusable in the same way settles from when it first was so.
            let since = before
                .as_ref()
                .filter(|read| read.version == version)
                .map(|read| read.since);
            let settled = before.and_then(|read| read.settled);
            let since = since.unwrap_or_else(Instant::now);
            self.files.insert(
                file.path.clone(),
                Read {
                    version,
                    checked,
                    since,
                    settled,
                },
            );
        }
        if let Some(read) = self.files.get_mut(&file.path) {
            read.settle(&file.path);
        }
    }

    /// What the checks make of a file, and the version that this stands for. Nothing when the file
    /// vanished between listing and reading. One that cannot be read is a bad file, no reason to be
    /// blind to the others; it gets no true version, so that it is read again at every look.
    async fn check(&self, file: &Listed) -> Option<(String, Arc<Checked>)> {
        if file.size > validation::MAX_FILE_BYTES as u64 {
            let reason = format!("it has {} bytes", file.size);
            let DocumentVersion(version) = file.version.clone();
            return Some((
                version,
                Arc::new(validation::unreadable(&file.path, &reason)),
            ));
        }
        match self.documents.get(&file.path).await {
            Ok(document) => {
                let document = document?;
                // Its own version, not the listed one: written in between, and back to what was listed afterwards,
                // it would never be read again.
                let DocumentVersion(version) = document.version;
                let checked = validation::check(&file.path, &document.bytes);
                Some((version, Arc::new(checked)))
            }
            Err(error) => {
                let reason = with_causes(&error);
                let checked = validation::unreadable(&file.path, &reason);
                Some((format!("unreadable: {reason}"), Arc::new(checked)))
            }
        }
    }

    fn is_unsettled(&self) -> bool {
        self.files.values().any(Read::is_unsettled)
    }

    /// Whether a file has been seen but not long enough to say anything of it. Until then its
    /// platform must not be taken for missing.
    fn is_starting_with_unsettled_files(&self) -> bool {
        self.files.values().any(|read| read.settled.is_none())
    }

    fn report(&mut self, nameless: &[String], suspect: &[PlatformName]) {
        if self.nameless != nameless {
            self.nameless = nameless.to_vec();
            for problem in nameless {
                tracing::error!(%problem, "A spec file belongs to no platform.");
            }
        }
        if self.suspect != suspect {
            self.suspect = suspect.to_vec();
            if !suspect.is_empty() {
                let platforms = suspect.iter().map(ToString::to_string).collect::<Vec<_>>();
                tracing::error!(
                    platforms = platforms.join(", "),
                    "Spec files vanished together; nothing is removed until they are back. \
                     To remove platforms, remove their files one at a time."
                );
            }
        }
    }
}

impl Read {
    fn is_unsettled(&self) -> bool {
        self.settled
            .as_ref()
            .is_none_or(|settled| settled.version != self.version)
    }

    fn settle(&mut self, path: &str) {
        if self.checked.is_valid() || self.since.elapsed() >= SETTLING {
            self.settled = Some(SpecFile {
                path: path.to_owned(),
                version: self.version.clone(),
                checked: Arc::clone(&self.checked),
            });
        }
    }
}

struct Events {
    watcher: SpecWatcher,
    hints: BoxStream<'static, ()>,
    pending: VecDeque<watcher::Event<SpecEntry>>,
    started: bool,
}

impl Events {
    async fn next(&mut self) -> watcher::Event<SpecEntry> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return event;
            }
            if self.started {
                self.pause().await;
            }
            match self.watcher.look().await {
                Ok(_) if !self.started && self.watcher.is_starting_with_unsettled_files() => {
                    tokio::time::sleep(SETTLING / 4).await;
                }
                Ok(entries) => self.queue(entries),
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "Cannot read the spec files; the last ones stay in force."
                    );
                    tokio::time::sleep(self.watcher.listing).await;
                }
            }
        }
    }

    fn queue(&mut self, entries: Vec<SpecEntry>) {
        if self.started {
            self.pending
                .extend(entries.into_iter().map(watcher::Event::Apply));
            return;
        }
        self.started = true;
        self.pending.push_back(watcher::Event::Init);
        self.pending
            .extend(entries.into_iter().map(watcher::Event::InitApply));
        self.pending.push_back(watcher::Event::InitDone);
    }

    async fn pause(&mut self) {
        let longest = if self.watcher.is_unsettled() {
            SETTLING / 4
        } else {
            self.watcher.listing
        };
        // A closed hint stream leaves the next listing, which finds everything a little later.
        tokio::select! {
            biased;
            Some(()) = self.hints.next() => self.watcher.tally.told_of_specs(),
            () = tokio::time::sleep(longest) => {}
        }
    }
}
