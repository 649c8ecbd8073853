//! Which platforms there are: worked out from what was listed, and never hasty about what is gone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use schema::names::PlatformName;
use validation::{Checked, Diagnostic};

use super::entry::{SpecContent, SpecEntry};

/// Share of the platforms, in percent, that may vanish together and still count as removed.
const VANISHING_LIMIT_PERCENT: usize = 20;

/// A spec file as it was read.
#[derive(Clone, Debug)]
pub struct SpecFile {
    /// Its path: `specs/local.yaml`.
    pub path: String,
    /// Its version.
    pub version: String,
    /// What the checks made of it.
    pub checked: Arc<Checked>,
}

/// The platforms known so far.
#[derive(Debug)]
pub struct Inventory {
    resync: Duration,
    entries: BTreeMap<PlatformName, SpecEntry>,
    missing_since: BTreeMap<PlatformName, Timestamp>,
    sources: BTreeMap<PlatformName, String>,
}

/// What a listing changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Entries that are new or different.
    pub changed: Vec<SpecEntry>,
    /// Platforms whose files vanished together, too many to believe it.
    pub suspect: Vec<PlatformName>,
    /// Files that belong to no platform, and what is wrong with them.
    pub nameless: Vec<String>,
}

impl Inventory {
    /// An inventory that already knows `sources` from before: which file each platform came from.
    /// A file must be missing for `resync` to count as removed.
    #[must_use]
    pub const fn new(sources: BTreeMap<PlatformName, String>, resync: Duration) -> Self {
        Self {
            resync,
            entries: BTreeMap::new(),
            missing_since: BTreeMap::new(),
            sources,
        }
    }

    /// Takes in a complete listing.
    pub fn update(&mut self, files: &[SpecFile], now: Timestamp) -> Changes {
        let mut changes = Changes::default();
        let mut found: BTreeMap<PlatformName, Vec<&SpecFile>> = BTreeMap::new();
        for file in files {
            match self.owner(file) {
                Some(name) => found.entry(name).or_default().push(file),
                None => changes.nameless.push(problems(file)),
            }
        }
        for (name, files) in &found {
            self.missing_since.remove(name);
            self.take(entry(name, files), &mut changes);
        }
        self.look_for_removed(&found, now, &mut changes);
        changes
    }

    /// The platform that `file` describes: the one it names, else the one it described before, else
    /// the one it is named after.
    fn owner(&self, file: &SpecFile) -> Option<PlatformName> {
        let before = || {
            let known = self
                .sources
                .iter()
                .find(|(_, source)| **source == file.path);
            known.map(|(name, _)| name.clone())
        };
        file.checked
            .name
            .clone()
            .or_else(before)
            .or_else(|| named_after(&file.path))
    }

    fn take(&mut self, entry: SpecEntry, changes: &mut Changes) {
        self.sources
            .insert(entry.platform.clone(), entry.source.clone());
        if self.entries.get(&entry.platform) != Some(&entry) {
            self.entries.insert(entry.platform.clone(), entry.clone());
            changes.changed.push(entry);
        }
    }

    fn look_for_removed(
        &mut self,
        found: &BTreeMap<PlatformName, Vec<&SpecFile>>,
        now: Timestamp,
        changes: &mut Changes,
    ) {
        let missing: Vec<PlatformName> = self
            .sources
            .keys()
            .filter(|name| !found.contains_key(name))
            .cloned()
            .collect();
        for name in &missing {
            self.missing_since.entry(name.clone()).or_insert(now);
        }
        if missing.len() > 1.max(self.sources.len() * VANISHING_LIMIT_PERCENT / 100) {
            changes.suspect = missing;
            return;
        }
        for name in missing {
            if self.is_gone_for_good(&name, now) {
                let source = self.sources.remove(&name).unwrap_or_default();
                self.missing_since.remove(&name);
                let entry = SpecEntry::new(name.clone(), source, SpecContent::Removed);
                self.entries.insert(name, entry.clone());
                changes.changed.push(entry);
            }
        }
    }

    fn is_gone_for_good(&self, name: &PlatformName, now: Timestamp) -> bool {
        self.missing_since
            .get(name)
            .is_some_and(|since| now.duration_since(*since).unsigned_abs() >= self.resync)
    }
}

fn entry(name: &PlatformName, files: &[&SpecFile]) -> SpecEntry {
    let source = files
        .first()
        .map(|file| file.path.clone())
        .unwrap_or_default();
    let content = match files {
        [file] => content(file),
        several => SpecContent::Invalid {
            problems: conflict(several),
            version: several
                .iter()
                .map(|file| file.version.as_str())
                .collect::<Vec<_>>()
                .join("+"),
        },
    };
    SpecEntry::new(name.clone(), source, content)
}

fn content(file: &SpecFile) -> SpecContent {
    file.checked.platform.as_ref().map_or_else(
        || SpecContent::Invalid {
            problems: problems(file),
            version: file.version.clone(),
        },
        |platform| SpecContent::Valid(Arc::new(platform.spec.clone())),
    )
}

fn problems(file: &SpecFile) -> String {
    let errors = file
        .checked
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.is_error());
    errors
        .map(Diagnostic::one_line)
        .collect::<Vec<_>>()
        .join("\n")
}

fn conflict(files: &[&SpecFile]) -> String {
    let checked: Vec<Checked> = files.iter().map(|file| (*file.checked).clone()).collect();
    let claims = validation::check_together(&checked);
    claims
        .iter()
        .map(Diagnostic::one_line)
        .collect::<Vec<_>>()
        .join("\n")
}

fn named_after(path: &str) -> Option<PlatformName> {
    let file = path.rsplit('/').next()?;
    PlatformName::try_from(file.split('.').next()?).ok()
}
