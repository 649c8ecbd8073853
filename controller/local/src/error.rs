//! Why a home cannot be started, with what to do about it.

use std::io;
use std::path::PathBuf;

use crate::state_dir::RecordError;

/// A home that cannot be started. Whatever was started before the error is stopped again.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The state directory cannot be made or written.
    #[error("cannot write to the state directory {path}: {source}; choose another with --state")]
    StateNotWritable {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process runs on this state.
    #[error(
        "another loanctl{} already runs on the state directory {path}; stop it, or choose another with --state",
        pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    AlreadyRunning {
        /// The directory.
        path: PathBuf,
        /// The other process.
        pid: Option<u32>,
    },
    /// The specs directory is not there.
    #[error("cannot read the specs directory {path}: {source}; choose another with --specs")]
    SpecsNotReadable {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The loan API's port cannot be bound.
    #[error(
        "port {port} of the loan API is in use or not allowed ({source}); choose another with --api-port"
    )]
    PortInUse {
        /// The port.
        port: u16,
        /// Why.
        source: io::Error,
    },
    /// No PostgreSQL is installed.
    #[error(
        "no PostgreSQL found on PATH or in /usr/lib/postgresql; install it \
         (Debian: apt-get install postgresql), or name a running one with DATABASE_URL"
    )]
    NoPostgres,
    /// The private PostgreSQL does not come up.
    #[error(
        "PostgreSQL does not start: {reason}\n{log_tail}\nits log: {log}; \
         or name a running one with DATABASE_URL"
    )]
    PostgresDoesNotStart {
        /// What went wrong.
        reason: String,
        /// Last lines of its log.
        log_tail: String,
        /// The log.
        log: PathBuf,
    },
    /// The database named by the user cannot be used.
    #[error("cannot use the database {url}: {reason}; check DATABASE_URL")]
    Database {
        /// The URL, without its password.
        url: String,
        /// Why.
        reason: String,
    },
    /// A record in the state directory cannot be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Something this machine refused.
    #[error("cannot {action}: {source}")]
    Machine {
        /// What was being done.
        action: String,
        /// Why not.
        source: io::Error,
    },
}

impl HomeError {
    pub(crate) fn machine(action: impl Into<String>, source: io::Error) -> Self {
        Self::Machine {
            action: action.into(),
            source,
        }
    }
}
