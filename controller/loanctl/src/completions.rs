//! `loanctl completions`: what completes commands in a shell.

use std::io::{Write as _, stdout};
use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::cli::{Cli, CompletionsArgs};
use crate::exit::SUCCESS;

pub(crate) fn run(args: &CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "loanctl", &mut script);
    // A reader that hangs up wants no more of it.
    drop(stdout().write_all(&script));
    ExitCode::from(SUCCESS)
}
