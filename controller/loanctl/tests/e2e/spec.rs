//! Spec files, changed the way people change them: a piece of text for another.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::Duration;

const TEMPLATE: &str = include_str!("platform.yaml");

/// The text of a spec file.
#[derive(Clone, Debug)]
pub(crate) struct Spec(String);

impl Spec {
    /// A platform called `local`.
    pub(crate) fn new() -> Self {
        Self(TEMPLATE.to_owned())
    }

    /// A platform as `text` has it.
    pub(crate) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The same with another piece of text.
    ///
    /// # Panics
    /// When `from` does not stand in it exactly once: the edit would not be the one meant.
    #[must_use]
    pub(crate) fn with(&self, from: &str, to: &str) -> Self {
        let found = self.0.matches(from).count();
        assert_eq!(found, 1, "`{from}` stands {found} times in\n{}", self.0);
        Self(self.0.replace(from, to))
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Replaces the file at once, as editors do that write beside it and rename.
    pub(crate) fn save(&self, path: &Path) {
        let temporary = path.with_extension("yaml~");
        fs::write(&temporary, &self.0).unwrap();
        fs::rename(&temporary, path).unwrap();
    }

    /// Empties the file and writes it anew in two steps with `pause` between, as shells and some
    /// editors do.
    pub(crate) fn save_in_place(&self, path: &Path, pause: Duration) {
        let (first, second) = self.0.split_at(self.0.len() / 2);
        let mut file = File::create(path).unwrap();
        file.write_all(first.as_bytes()).unwrap();
        thread::sleep(pause);
        file.write_all(second.as_bytes()).unwrap();
    }
}
