//! The program under test, run as a child.

use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::laptop::BOUND;

const POLL: Duration = Duration::from_millis(20);

/// Where the program is.
pub(crate) const LOANCTL: &str = env!("CARGO_BIN_EXE_loanctl");

/// A `loanctl` with arguments.
pub(crate) fn loanctl(arguments: &[&str]) -> Command {
    let mut command = Command::new(LOANCTL);
    command.args(arguments);
    command
}

/// Runs a command that is to end by itself, in [`BOUND`] at most.
pub(crate) async fn run(mut command: Command) -> Output {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let ended = tokio::task::spawn_blocking(move || {
        wait_or_kill(&mut child);
        child.wait_with_output().unwrap()
    });
    ended.await.unwrap()
}

/// Waits for the end of a process; one that goes on for longer than [`BOUND`] is killed.
pub(crate) fn wait_or_kill(child: &mut Child) -> ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if started.elapsed() > BOUND {
            drop(child.kill());
            drop(child.wait());
            panic!("it has not ended after {BOUND:?}");
        }
        thread::sleep(POLL);
    }
}
