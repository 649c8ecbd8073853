//! A measurement that ends when it is told to, and what it runs with it.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

/// Whichever comes first: what is being measured is dropped, and ends with it.
pub(crate) async fn until_stopped(measurement: impl Future<Output = ExitCode>) -> ExitCode {
    let mut terminated = signal(SignalKind::terminate()).unwrap();
    tokio::select! {
        code = measurement => code,
        _ = tokio::signal::ctrl_c() => ExitCode::from(130),
        _ = terminated.recv() => ExitCode::from(143),
    }
}
