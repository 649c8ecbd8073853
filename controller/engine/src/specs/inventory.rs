//! Which platforms there are: worked out from what was listed, and never hasty about what is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use schema::names::PlatformName;
use validation::{Checked, Diagnostic};

use super::entry::{SpecContent, SpecEntry};

/// Share of the platforms, in percent, that may vanish together and still count as removed.
const VANISHING_LIMIT_PERCENT: usize = 20;

/// Problems of one file that a status carries.
const PROBLEMS_KEPT: usize = 10;

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
    /// The files that each entry was made from.
    taken: BTreeMap<PlatformName, Vec<SpecFile>>,
    missing_since: BTreeMap<PlatformName, Timestamp>,
    sources: BTreeMap<PlatformName, String>,
    unfinished: BTreeMap<PlatformName, String>,
}

/// What is known of platforms from before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Which file each platform came from.
    pub sources: BTreeMap<PlatformName, String>,
    /// Platforms whose removal was begun and not finished, and the files they came from.
    pub unfinished: BTreeMap<PlatformName, String>,
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

/// What was checked once is told by itself: equal files that were checked apart are not the same.
impl PartialEq for SpecFile {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
            && self.version == other.version
            && Arc::ptr_eq(&self.checked, &other.checked)
    }
}

impl Inventory {
    /// An inventory that already knows what was before. A file must be missing for `resync` to count
    /// as removed.
    #[must_use]
    pub fn new(remembered: Remembered, resync: Duration) -> Self {
        Self {
            resync,
            entries: BTreeMap::new(),
            taken: BTreeMap::new(),
            missing_since: BTreeMap::new(),
            sources: remembered.sources,
            unfinished: remembered.unfinished,
        }
    }

    /// Takes in that files are there, before it is clear what they say: whatever they were is not missing.
    pub fn note_present<'a>(&mut self, paths: impl Iterator<Item = &'a String>) {
        let paths: BTreeSet<&String> = paths.collect();
        let sources = &self.sources;
        self.missing_since.retain(|name, _| {
            let source = sources.get(name);
            !source.is_some_and(|source| paths.contains(source))
        });
    }

    /// Takes in a complete listing. `unread` are paths that it names but that could not be read any more: what
    /// they were is not missing from it.
    pub fn update(&mut self, files: &[SpecFile], unread: &[&String], now: Timestamp) -> Changes {
        let mut changes = Changes::default();
        let mut found: BTreeMap<PlatformName, Vec<&SpecFile>> = BTreeMap::new();
        for file in files {
            match self.owner(file) {
                Some(name) => found.entry(name).or_default().push(file),
                None => changes.nameless.push(problems(file)),
            }
        }
        for (name, files) in &found {
            if !self.took(name, files) {
                self.take(entry(name, files), &mut changes);
                let files = files.iter().copied().cloned().collect();
                self.taken.insert(name.clone(), files);
            }
        }
        self.go_on_removing(&found, &mut changes);
        let missing: Vec<PlatformName> = self
            .sources
            .iter()
            .filter(|(name, source)| !found.contains_key(name) && !unread.contains(source))
            .map(|(name, _)| name.clone())
            .collect();
        self.missing_since.retain(|name, _| missing.contains(name));
        self.look_for_removed(missing, now, &mut changes);
        changes
    }

    fn go_on_removing(
        &mut self,
        found: &BTreeMap<PlatformName, Vec<&SpecFile>>,
        changes: &mut Changes,
    ) {
        for (name, source) in std::mem::take(&mut self.unfinished) {
            if !found.contains_key(&name) {
                self.remove(name, source, changes);
            }
        }
    }

    fn remove(&mut self, name: PlatformName, source: String, changes: &mut Changes) {
        self.taken.remove(&name);
        let entry = SpecEntry::new(name.clone(), source, SpecContent::Removed);
        self.entries.insert(name, entry.clone());
        changes.changed.push(entry);
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

    /// Whether the entry of `name` was made from these very files. Of a thousand platforms nearly all were, at every
    /// listing.
    fn took(&self, name: &PlatformName, files: &[&SpecFile]) -> bool {
        let taken = self.taken.get(name);
        taken.is_some_and(|taken| taken.iter().eq(files.iter().copied()))
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
        missing: Vec<PlatformName>,
        now: Timestamp,
        changes: &mut Changes,
    ) {
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
                self.remove(name, source, changes);
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
    let entry = SpecEntry::new(name.clone(), source, content);
    match files {
        [file] => match &file.checked.platform {
            Some(platform) => entry.described_by(&platform.metadata),
            None => entry,
        },
        _ => entry,
    }
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

/// The problems of a file, as far as a status should carry them; `loanctl validate` shows all.
fn problems(file: &SpecFile) -> String {
    let errors = file
        .checked
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.is_error());
    let mut lines: Vec<String> = errors.map(Diagnostic::one_line).collect();
    let more = lines.len().saturating_sub(PROBLEMS_KEPT);
    lines.truncate(PROBLEMS_KEPT);
    if more > 0 {
        lines.push(format!(
            "and {more} more: see `loanctl validate {}`",
            file.path
        ));
    }
    lines.join("\n")
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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const RESYNC: Duration = Duration::from_secs(5);

    fn start() -> Timestamp {
        "2026-03-02T08:00:00Z".parse().unwrap()
    }

    /// A file that is no valid spec but names its platform.
    fn file(path: &str, name: &str) -> SpecFile {
        let text = format!("kind: LoanPlatform\nmetadata:\n  name: {name}\n");
        let checked = Arc::new(validation::check(path, text.as_bytes()));
        SpecFile {
            path: path.to_owned(),
            version: "1".to_owned(),
            checked,
        }
    }

    fn name(name: &str) -> PlatformName {
        PlatformName::try_from(name).unwrap()
    }

    fn inventory(platforms: &[&str]) -> Inventory {
        let source = |platform: &&str| (name(platform), format!("specs/{platform}.yaml"));
        let sources = platforms.iter().map(source).collect();
        Inventory::new(
            Remembered {
                sources,
                ..Remembered::default()
            },
            RESYNC,
        )
    }

    fn removed(changes: &Changes) -> Vec<String> {
        let gone = changes
            .changed
            .iter()
            .filter(|entry| entry.content == SpecContent::Removed);
        gone.map(|entry| entry.platform.to_string()).collect()
    }

    #[test]
    fn invariant_07_a_spec_counts_as_removed_when_two_listings_a_resync_apart_lack_it() {
        let mut inventory = inventory(&["local"]);
        assert!(removed(&inventory.update(&[], &[], start())).is_empty());
        let soon = start() + SignedDuration::from_secs(4);
        assert!(removed(&inventory.update(&[], &[], soon)).is_empty());
        let later = start() + SignedDuration::from_secs(5);
        assert_eq!(removed(&inventory.update(&[], &[], later)), ["local"]);
    }

    #[test]
    fn the_only_spec_of_a_bucket_counts_as_removed_like_any_other() {
        let mut inventory = inventory(&["only"]);
        assert!(
            removed(&inventory.update(&[], &[], start())).is_empty(),
            "one empty listing is a glitch"
        );
        let later = start() + SignedDuration::from_secs(5);
        let changes = inventory.update(&[], &[], later);
        assert_eq!(removed(&changes), ["only"]);
        assert!(changes.suspect.is_empty());
    }

    #[test]
    fn a_file_that_comes_back_as_it_was_is_taken_in_again() {
        let mut inventory = inventory(&[]);
        let files = [file("specs/local.yaml", "local")];
        let mut changed = |files: &[SpecFile], after_s| {
            let now = start() + SignedDuration::from_secs(after_s);
            inventory.update(files, &[], now).changed.len()
        };
        assert_eq!(changed(&files, 0), 1);
        assert_eq!(changed(&files, 1), 0, "it is known");
        assert_eq!(changed(&[], 2), 0);
        assert_eq!(changed(&[], 7), 1, "it is gone");
        assert_eq!(changed(&files, 8), 1, "it is back");
    }

    #[test]
    fn a_removal_that_was_begun_before_is_gone_on_with_at_once() {
        let unfinished = BTreeMap::from([(name("old"), "specs/old.yaml".to_owned())]);
        let remembered = Remembered {
            unfinished,
            ..Remembered::default()
        };
        let mut inventory = Inventory::new(remembered, RESYNC);
        assert_eq!(removed(&inventory.update(&[], &[], start())), ["old"]);
        assert!(removed(&inventory.update(&[], &[], start())).is_empty());
    }

    #[test]
    fn a_spec_that_comes_back_in_time_was_never_removed() {
        let mut inventory = inventory(&["local"]);
        inventory.update(&[], &[], start());
        let soon = start() + SignedDuration::from_secs(3);
        inventory.update(&[file("specs/local.yaml", "local")], &[], soon);
        let later = start() + SignedDuration::from_secs(6);
        assert!(removed(&inventory.update(&[], &[], later)).is_empty());
    }

    #[test]
    fn invariant_07_a_file_that_is_there_ends_the_time_for_which_its_platform_was_missing() {
        let mut inventory = inventory(&["local"]);
        inventory.update(&[], &[], start());
        inventory.note_present([&"specs/local.yaml".to_owned()].into_iter());
        let later = start() + SignedDuration::from_secs(6);
        assert!(removed(&inventory.update(&[], &[], later)).is_empty());
    }

    #[test]
    fn invariant_07_a_listing_that_names_a_file_does_not_lack_it_though_it_cannot_be_read_any_more()
    {
        let mut inventory = inventory(&["local"]);
        let listed = "specs/local.yaml".to_owned();
        inventory.update(&[], &[&listed], start());
        let later = start() + SignedDuration::from_secs(5);
        assert!(removed(&inventory.update(&[], &[], later)).is_empty());
        let much_later = later + SignedDuration::from_secs(5);
        assert_eq!(removed(&inventory.update(&[], &[], much_later)), ["local"]);
    }

    #[test]
    fn a_platform_whose_file_names_another_now_is_removed() {
        let mut inventory = inventory(&["local"]);
        let renamed = [file("specs/local.yaml", "other")];
        inventory.update(&renamed, &[], start());
        let later = start() + SignedDuration::from_secs(5);
        assert_eq!(removed(&inventory.update(&renamed, &[], later)), ["local"]);
    }

    #[test]
    fn invariant_07_specs_that_vanish_together_are_not_believed_to_be_removed() {
        let mut inventory = inventory(&["a", "b", "c"]);
        let left = [file("specs/a.yaml", "a")];
        inventory.update(&left, &[], start());
        let later = start() + SignedDuration::from_secs(60);
        let changes = inventory.update(&left, &[], later);
        assert!(removed(&changes).is_empty());
        assert_eq!(changes.suspect, [name("b"), name("c")]);
    }

    #[test]
    fn a_file_that_no_longer_names_its_platform_still_belongs_to_it() {
        let sources = BTreeMap::from([(name("local"), "specs/main.yaml".to_owned())]);
        let mut inventory = Inventory::new(
            Remembered {
                sources,
                ..Remembered::default()
            },
            RESYNC,
        );
        let broken = SpecFile {
            path: "specs/main.yaml".to_owned(),
            version: "2".to_owned(),
            checked: Arc::new(validation::check("specs/main.yaml", b"{ not: [yaml")),
        };
        let changes = inventory.update(&[broken], &[], start());
        assert_eq!(changes.changed[0].platform, name("local"));
        let SpecContent::Invalid { problems, .. } = &changes.changed[0].content else {
            panic!("it is invalid")
        };
        assert!(problems.starts_with("specs/main.yaml:1:"), "{problems}");
    }

    #[test]
    fn a_file_that_belongs_to_nobody_is_reported() {
        let mut inventory = inventory(&[]);
        let nobody = SpecFile {
            path: "specs/Not A Name.yaml".to_owned(),
            version: "1".to_owned(),
            checked: Arc::new(validation::check("specs/Not A Name.yaml", b"[")),
        };
        let changes = inventory.update(&[nobody], &[], start());
        assert!(changes.changed.is_empty());
        assert!(changes.nameless[0].starts_with("specs/Not A Name.yaml:"));
    }

    #[test]
    fn two_files_of_one_name_are_refused_and_name_each_other() {
        let mut inventory = inventory(&[]);
        let files = [file("specs/a.yaml", "local"), file("specs/b.yaml", "local")];
        let changes = inventory.update(&files, &[], start());
        let SpecContent::Invalid { problems, .. } = &changes.changed[0].content else {
            panic!("it is refused")
        };
        assert!(problems.contains("specs/a.yaml:3:9") && problems.contains("specs/b.yaml"));
    }
}
