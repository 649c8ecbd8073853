//! Ctrl-C and SIGTERM: the first stops in good order, a second ends the process at once.

use std::io;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code of a process that a person interrupted, by shell convention: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Listens from now on. The token is cancelled by the first signal; a second one ends the process:
/// whoever sends it does not want to wait. What it started ends with it.
pub(crate) fn listen() -> anyhow::Result<CancellationToken> {
    let mut signals = Signals::new().context("cannot listen for signals")?;
    let token = CancellationToken::new();
    let first = token.clone();
    tokio::spawn(async move {
        signals.next().await;
        first.cancel();
        signals.next().await;
        end();
    });
    Ok(token)
}

#[expect(clippy::exit, reason = "the user asks for exactly that")]
fn end() {
    std::process::exit(INTERRUPTED);
}
