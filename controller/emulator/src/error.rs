//! What can go wrong with the emulators themselves.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// The emulators cannot be started, or do not do what was asked of them.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// Nobody has installed them.
    #[error(
        "the AWS emulators are not in {}: run `.ci/need test`, or name their folder in LOAN_EMULATORS",
        folder.display()
    )]
    NotInstalled {
        /// Where they were looked for.
        folder: PathBuf,
    },
    /// The operating system refused something.
    #[error("cannot {doing}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// An emulator ended instead of starting.
    #[error("{name} ended ({status}) instead of starting; its last lines:\n{output}")]
    Ended {
        /// Which one.
        name: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it printed.
        output: String,
    },
    /// An emulator does not answer in time.
    #[error("{name} did not answer within {} s; its last lines:\n{output}", within.as_secs())]
    NotReady {
        /// Which one.
        name: &'static str,
        /// How long was waited.
        within: Duration,
        /// The end of what it printed.
        output: String,
    },
    /// The thread that runs them is gone.
    #[error("the emulators have stopped")]
    Stopped,
    /// A call of the test's own did not get through.
    #[error("{what}: no answer from the emulator")]
    Unreachable {
        /// The call.
        what: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A call of the test's own was refused.
    #[error("{what}: refused with {status}: {body}")]
    Refused {
        /// The call.
        what: String,
        /// The HTTP status.
        status: u16,
        /// What the emulator says.
        body: String,
    },
}

impl EmulatorError {
    /// Names what was tried when the system refused.
    pub(crate) const fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}
