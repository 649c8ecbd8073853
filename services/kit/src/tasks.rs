//! Work that outlives a request: tracked, told to stop, and waited for.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Tasks that a stop waits for, within the drain deadline.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
}

impl Tasks {
    /// Starts work that a stop lets finish. Bounding how much there is at once is the caller's.
    pub fn spawn<F>(&self, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tracker.spawn(work);
    }

    /// Starts a loop that a stop ends at its next await.
    pub fn spawn_until_stopped<F>(&self, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stopping = self.stopping.clone();
        self.tracker.spawn(async move {
            stopping.run_until_cancelled(work).await;
        });
    }

    /// Resolves when the service is stopping.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// Ends the loops and waits for the rest.
    pub async fn stop(&self) {
        self.stopping.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}
