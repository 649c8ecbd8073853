//! `loanctl`: runs a loan platform, and says how it fares.

mod cli;
mod exit;
mod history;
mod http;
mod output;
mod schemas;
mod show;
mod status;
mod store;
#[cfg(feature = "local")]
mod up;
mod validate;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        #[cfg(feature = "local")]
        Command::Up(args) => up::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::Status(args) => status::run(&args),
        Command::History(args) => history::run(&args),
        Command::Schema(args) => schemas::run(&args),
    };
    outcome.unwrap_or_else(|error| exit::report(&error))
}
