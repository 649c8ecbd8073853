//! Exit codes, the same for every command.

use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::output::complain;

/// All is well.
pub(crate) const SUCCESS: u8 = 0;
/// What was asked about is wrong, or the work failed.
pub(crate) const FAILURE: u8 = 1;
/// The question itself is wrong: unknown options, paths that are not there.
pub(crate) const USAGE: u8 = 2;

/// What is planned would change something: `loanctl plan` alone.
pub(crate) const CHANGES: u8 = 2;

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

/// Says what is wrong with the arguments, or the help that was asked for, and gives the code that fits.
///
/// Where code 2 means changes, no mistake may look like them.
pub(crate) fn of_arguments(error: &clap::Error) -> ExitCode {
    // Nobody is left to tell when the terminal is gone.
    drop(error.print());
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if is_help {
        return ExitCode::from(SUCCESS);
    }
    let plans = std::env::args_os()
        .nth(1)
        .is_some_and(|command| command == "plan");
    ExitCode::from(if plans { FAILURE } else { USAGE })
}
