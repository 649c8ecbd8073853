//! A task's log file, bounded in size.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A log this large is set aside as `….log.1` and begun anew.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Logs kept in one folder; the oldest make room.
const MAX_LOGS: usize = 60;
/// Lines kept for the reason of a failure.
const TAIL_LINES: usize = 8;
/// A line in such a reason is cut off here.
const TAIL_LINE_CHARS: usize = 300;

/// Writes lines to a file and remembers the last ones.
#[derive(Debug)]
pub(crate) struct TaskLog {
    path: PathBuf,
    file: File,
    written: usize,
    tail: VecDeque<String>,
}

impl TaskLog {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
            make_room(folder)?;
        }
        Ok(Self {
            path: path.to_owned(),
            file: File::create(path)?,
            written: 0,
            tail: VecDeque::with_capacity(TAIL_LINES),
        })
    }

    /// Writes one line. The page cache takes it, so this does not hold up a runtime's thread.
    pub(crate) fn line(&mut self, line: &str) -> io::Result<()> {
        if self.tail.len() == TAIL_LINES {
            self.tail.pop_front();
        }
        self.tail
            .push_back(line.chars().take(TAIL_LINE_CHARS).collect());
        if self.written + line.len() > MAX_BYTES {
            fs::rename(&self.path, self.path.with_extension("log.1"))?;
            self.file = File::create(&self.path)?;
            self.written = 0;
        }
        self.written += line.len() + 1;
        writeln!(self.file, "{line}")
    }

    /// The last lines.
    pub(crate) fn tail(&self) -> String {
        self.tail
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

fn make_room(folder: &Path) -> io::Result<()> {
    let mut logs: Vec<_> = fs::read_dir(folder)?
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    logs.sort();
    let surplus = (logs.len() + 1).saturating_sub(MAX_LOGS);
    logs.into_iter()
        .take(surplus)
        .try_for_each(|(_, path)| match fs::remove_file(path) {
            // Another service of the platform made room at the same time.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_never_grows_beyond_its_bound() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("task.log");
        let mut log = TaskLog::create(&path).expect("made");
        let line = "x".repeat(64 * 1024);
        for _ in 0..400 {
            log.line(&line).expect("written");
        }
        let total: u64 = fs::read_dir(folder.path())
            .expect("listed")
            .map(|entry| entry.expect("entry").metadata().expect("metadata").len())
            .sum();
        assert!(total <= 2 * MAX_BYTES as u64, "{total}");
        assert!(log.tail().len() < TAIL_LINES * (TAIL_LINE_CHARS + 1));
    }
}
