//! Exit codes, the same for every command.

use std::process::ExitCode;

use crate::output::complain;

/// All is well.
pub(crate) const SUCCESS: u8 = 0;
/// What was asked about is wrong, or the work failed.
pub(crate) const FAILURE: u8 = 1;
/// The question itself is wrong: unknown options, paths that are not there.
pub(crate) const USAGE: u8 = 2;

/// An error of the question rather than of what it was about.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// Says what went wrong, with every cause, and gives the code that fits.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    complain(format_args!("loanctl: {error:#}"));
    let code = if error.is::<UsageError>() {
        USAGE
    } else {
        FAILURE
    };
    ExitCode::from(code)
}
