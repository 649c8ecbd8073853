//! Processes of this machine, found by what they were started with.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Sends `signal` to `pid`, which may be gone already.
pub(crate) fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // Gone is what was wanted of it.
    kill_process(pid.expect("a process id"), signal).ok();
}

/// Processes that run on one of `folders`: they name it in their command line or work in it.
pub(crate) fn on(folders: &[&Path]) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| *pid != std::process::id() && !is_zombie(*pid))
        .filter(|pid| folders.iter().any(|folder| runs_on(*pid, folder)))
        .collect()
}

/// Waits until none is left of `pids`, or says which are.
pub(crate) async fn gone(pids: &[u32], bound: Duration) {
    let started = Instant::now();
    loop {
        let left: Vec<String> = pids
            .iter()
            .copied()
            .filter(|pid| is_alive(*pid))
            .map(tell)
            .collect();
        if left.is_empty() {
            return;
        }
        assert!(started.elapsed() < bound, "still running: {left:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A process as `ps` would tell of it.
pub(crate) fn tell(pid: u32) -> String {
    format!("{pid} {}", command_line(pid))
}

fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists() && !is_zombie(pid)
}

/// Whether it has ended and its parent has not looked yet.
fn is_zombie(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| rest.starts_with(" Z"))
}

fn runs_on(pid: u32, folder: &Path) -> bool {
    let works_in = fs::read_link(format!("/proc/{pid}/cwd"));
    command_line(pid).contains(&folder.display().to_string())
        || works_in.is_ok_and(|place| place.starts_with(folder))
}

fn command_line(pid: u32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).replace('\0', " ")
}
