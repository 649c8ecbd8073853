//! A real browser without a screen, driven over its DevTools protocol.

mod link;
mod page;

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

pub(crate) use page::Page;

use link::Link;

/// Longest wait for the browser, and for anything that a page is to show.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// What it says its address behind.
const ADDRESS: &str = "DevTools listening on ";

/// A browser with a profile of its own; it ends with this.
pub(crate) struct Browser {
    process: Child,
    address: String,
    _profile: TempDir,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let profile = tempfile::Builder::new()
            .prefix("loanctl-browser-")
            .tempdir()
            .unwrap();
        let mut command = Command::new("chromium");
        command
            .args([
                "--headless=new",
                "--disable-gpu",
                "--remote-debugging-port=0",
            ])
            // What tests run in mostly has no namespaces to make sandboxes of; it sees our own pages only.
            .args(["--no-sandbox", "--disable-dev-shm-usage"])
            .args([
                "--no-first-run",
                "--disable-background-networking",
                "--disable-sync",
            ])
            .args([
                "--disable-component-update",
                "--disable-default-apps",
                "--hide-scrollbars",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut process = command
            .spawn()
            .expect("there is a chromium: `.ci/need test` brings it");
        let address = address_of(&mut process);
        Self {
            process,
            address,
            _profile: profile,
        }
    }

    /// A page at `url`, as wide as a desktop's.
    pub(crate) async fn page(&self, url: &str) -> Page {
        Page::open(Link::to(&self.address).await, url).await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its helpers are in its group.
        let group = i32::try_from(self.process.id())
            .ok()
            .and_then(Pid::from_raw);
        if let Some(group) = group {
            kill_process_group(group, Signal::KILL).ok();
        }
        drop(self.process.wait());
    }
}

/// Where it listens. What it says later is read too, or it would wait for that.
fn address_of(process: &mut Child) -> String {
    let output = BufReader::new(process.stderr.take().unwrap());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if let Some(address) = line.strip_prefix(ADDRESS) {
                drop(tell.send(address.to_owned()));
            }
        }
    });
    told.recv_timeout(PATIENCE).expect("a browser that listens")
}
