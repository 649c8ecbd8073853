//! Logs of `loanctl up`: everything in a file, what needs attention on the terminal too.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context as _;

use engine::reconcile::HAPPENINGS;
use tracing_subscriber::filter::{EnvFilter, LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::output::colour;

/// Size beyond which a log is set aside, in bytes.
const LARGE_BYTES: u64 = 16 * 1024 * 1024;

/// Sets up logging into `logs/loanctl.log` of `state_dir`. The level is `info`, or what `RUST_LOG`
/// asks for.
pub(super) fn init(state_dir: &Path) -> anyhow::Result<()> {
    let path = state_dir.join("logs").join("loanctl.log");
    let open = || {
        fs::create_dir_all(state_dir.join("logs"))?;
        set_aside_when_large(&path)?;
        OpenOptions::new().create(true).append(true).open(&path)
    };
    let file = open().with_context(|| {
        format!(
            "cannot write to {}; choose another directory with --state",
            path.display()
        )
    })?;
    let level = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env()?;
    let terminal = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(colour(&io::stderr()))
        .compact()
        .with_target(false);
    tracing_subscriber::registry()
        .with(
            fmt::layer()
                .json()
                .flatten_event(true)
                .with_writer(Mutex::new(file))
                .with_filter(level),
        )
        .with(terminal.with_filter(for_the_terminal()))
        .try_init()
        .context("cannot set up logging")
}

/// What needs attention of loanctl itself. The screen tells the history; the services' own lines are
/// in their logs: in an incident there are hundreds a second.
fn for_the_terminal() -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("local_adapter::compute::output", LevelFilter::OFF)
        .with_target(HAPPENINGS, LevelFilter::OFF)
}

/// A log that has grown large is set aside at the next start, in place of the one before it.
fn set_aside_when_large(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() > LARGE_BYTES => {
            fs::rename(path, path.with_extension("log.1"))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
