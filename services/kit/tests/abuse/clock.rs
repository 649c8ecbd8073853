//! A clock that moves only when a test says so.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// Stands still until it is moved.
///
/// By itself a paused clock of tokio's moves whenever nobody can go on; that somebody waits for a socket it does not
/// see. It stays where it is while a blocking task runs, and one does until this is dropped.
pub(crate) struct Clock(#[expect(dead_code, reason = "dropping it ends the task")] Sender<()>);

impl Clock {
    pub(crate) fn stop() -> Self {
        tokio::time::pause();
        let (running, ended) = channel();
        tokio::task::spawn_blocking(move || ended.recv());
        Self(running)
    }

    pub(crate) async fn advance(&self, by: Duration) {
        tokio::time::advance(by).await;
    }
}
