//! Hints that a spec file changed.

use std::path::Path;
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::sleep;

/// Editors write a file in several steps; one hint stands for all within this time.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// Gives a hint after something under a directory changed. Hints coalesce: a slow reader gets one
/// for any number of changes, and truth is always read again.
#[derive(Debug)]
pub struct SpecWatch {
    changes: mpsc::Receiver<()>,
    _watcher: RecommendedWatcher,
}

impl SpecWatch {
    /// Watches the files of `directory`.
    ///
    /// # Errors
    /// When the kernel refuses another watch.
    pub fn new(directory: &Path) -> Result<Self, notify::Error> {
        let (sender, changes) = mpsc::channel(1);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| event.kind.is_access()) {
                return;
            }
            // A full channel already holds the hint that this one would be.
            sender.try_send(()).ok();
        })?;
        watcher.watch(directory, RecursiveMode::NonRecursive)?;
        Ok(Self {
            changes,
            _watcher: watcher,
        })
    }

    /// Waits for the next change. A hint already taken is lost when the call is dropped.
    pub async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            return std::future::pending().await;
        }
        sleep(DEBOUNCE).await;
        while self.changes.try_recv().is_ok() {}
    }

    /// The hints as a stream that never ends.
    pub fn into_stream(self) -> impl futures::Stream<Item = ()> + Send {
        futures::stream::unfold(self, |mut watch| async move {
            watch.changed().await;
            Some(((), watch))
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn writing_a_file_gives_a_hint() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut watch = SpecWatch::new(folder.path()).expect("watching");
        std::fs::write(folder.path().join("local.yaml"), "kind: LoanPlatform").expect("written");
        timeout(Duration::from_secs(10), watch.changed())
            .await
            .expect("a hint");
    }
}
