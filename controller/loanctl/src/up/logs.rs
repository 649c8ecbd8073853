//! Logs of `loanctl up`: everything in a file, what needs attention on the terminal too.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context as _;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Sets up logging into `logs/loanctl.log` of `state_dir`. The level is `info`, or what `RUST_LOG`
/// asks for.
pub(super) fn init(state_dir: &Path) -> anyhow::Result<()> {
    let path = state_dir.join("logs").join("loanctl.log");
    let open = || {
        fs::create_dir_all(state_dir.join("logs"))?;
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
        .with(terminal.with_filter(LevelFilter::WARN))
        .try_init()
        .context("cannot set up logging")
}
