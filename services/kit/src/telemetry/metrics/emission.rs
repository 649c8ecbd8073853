//! Metrics as they are emitted, one interval after the other.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::EmitError;

/// Emits from a thread of its own: an output that is full holds up nothing else. Nothing is lost by it, what was counted
/// meanwhile is in the next record.
#[derive(Debug)]
pub struct Emission {
    goes_on: Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl Emission {
    /// Has `emit` write what was recorded since it last did, every `interval` from now on.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(
        mut emit: impl FnMut() -> Result<(), EmitError> + Send + 'static,
        interval: Duration,
    ) -> io::Result<Self> {
        let (goes_on, until) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        let mut try_to = move || {
            if let Err(error) = emit() {
                tracing::warn!(%error, "metrics were not emitted");
            }
        };
        let emission = thread::Builder::new().name("metrics".to_owned());
        emission.spawn(move || {
            while goes_on_after(interval, &until) {
                try_to();
            }
            // What was counted since the last time must not be lost with the process.
            try_to();
            drop(end);
        })?;
        Ok(Self { goes_on, ended })
    }

    /// Emits for a last time, and returns when that is written, after `patience` at the latest.
    pub async fn stop(self, patience: Duration) {
        drop(self.goes_on);
        // The thread has nothing to say but that it is at its end.
        if tokio::time::timeout(patience, self.ended).await.is_err() {
            tracing::warn!("the last metrics were not written: standard output is full");
        }
    }
}

fn goes_on_after(interval: Duration, until: &Receiver<()>) -> bool {
    until.recv_timeout(interval) == Err(RecvTimeoutError::Timeout)
}
