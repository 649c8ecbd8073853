//! Ctrl-C and SIGTERM: the first stops in good order, a second ends the process at once.

use std::io;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code of a process that a person interrupted, by shell convention: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Is cancelled by the first signal.
pub(super) fn first() -> anyhow::Result<CancellationToken> {
    let mut stop = Stop::listen().context("cannot listen for signals")?;
    let token = CancellationToken::new();
    let asked = token.clone();
    tokio::spawn(async move {
        stop.asked().await;
        asked.cancel();
    });
    Ok(token)
}

/// From now on a signal ends the process: whoever sends a second one does not want to wait. The
/// children end with it.
#[expect(clippy::exit, reason = "the user asks for exactly that")]
pub(super) fn second_ends_the_process() {
    let Ok(mut stop) = Stop::listen() else { return };
    tokio::spawn(async move {
        stop.asked().await;
        std::process::exit(INTERRUPTED);
    });
}
