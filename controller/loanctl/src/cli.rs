//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::output::Format;

const EXIT_CODES: &str = "Exit codes: 0 all is well · 1 a problem was found, or the work failed · \
                          2 unusable arguments";

/// Runs loan platforms from their specs, and says how they fare.
#[derive(Debug, Parser)]
#[command(name = "loanctl", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything on this machine: services, database, alarms, controller.
    #[cfg(feature = "local")]
    Up(UpArgs),
    /// Check spec files and show every problem with its place.
    Validate(ValidateArgs),
    /// Show how platforms fare.
    Status(StatusArgs),
    /// Show what happened to a platform, and why.
    History(HistoryArgs),
    /// Print the JSON Schemas and the CRD.
    Schema(SchemaArgs),
}

/// Run everything on this machine.
#[cfg(feature = "local")]
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  loanctl up\n  loanctl up --specs my-specs --state /tmp/loan --api-port 9000"
)]
pub(crate) struct UpArgs {
    /// Directory of spec files, one per platform
    #[arg(long, value_name = "DIR", default_value = "specs")]
    pub(crate) specs: PathBuf,
    /// Directory for everything that is kept: state, settings, database, logs
    #[arg(long, value_name = "DIR", default_value = ".loan")]
    pub(crate) state: PathBuf,
    /// Port of the first platform's loan API; others get a free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub(crate) api_port: u16,
    /// Port of the controller: health, metrics and /api/v1/platforms
    #[arg(long, value_name = "PORT", default_value_t = 9090)]
    pub(crate) console_port: u16,
    /// Directory of the service programs; default: that of loanctl itself
    #[arg(long, value_name = "DIR")]
    pub(crate) programs: Option<PathBuf>,
    /// A running PostgreSQL to use instead of a private one
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<url::Url>,
}

/// Check spec files.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  loanctl validate specs/local.yaml\n  loanctl validate specs -o json\n\nExit codes: 0 valid · 1 problems found · 2 unusable arguments"
)]
pub(crate) struct ValidateArgs {
    /// Spec files, or directories of them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// Show how platforms fare.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  loanctl status\n  loanctl status local -o json")]
pub(crate) struct StatusArgs {
    /// Platform; all when absent
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// Show what happened to a platform.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  loanctl history local\n  loanctl history local -o json")]
pub(crate) struct HistoryArgs {
    /// Platform
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// Where states are read from.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// Store to read, as file:///path/to/state; default: the state directory .loan
    #[arg(long, value_name = "URL", env = "LOAN_STORE")]
    pub(crate) store: Option<String>,
}

/// Print the JSON Schemas and the CRD.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  loanctl schema loanplatform.schema.json\n  loanctl schema --write"
)]
pub(crate) struct SchemaArgs {
    /// Which file to print; the spec's schema when absent
    pub(crate) file: Option<String>,
    /// Write all of them into this checkout of the project instead
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = ".")]
    pub(crate) write: Option<PathBuf>,
    /// Say which files of this checkout are out of date, and fail if there are any
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = ".", conflicts_with = "write")]
    pub(crate) check: Option<PathBuf>,
}
