//! `loanctl`: runs a loan platform, and says how it fares.

mod cli;
mod completions;
#[cfg(feature = "aws")]
mod controller;
mod exit;
mod history;
mod http;
mod kubeconfig;
mod output;
#[cfg(feature = "aws")]
mod place;
mod plan;
mod schemas;
mod show;
mod signals;
mod status;
mod store;
#[cfg(feature = "local")]
mod up;
mod validate;
#[cfg(feature = "aws")]
mod verify;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::of_arguments(&error),
    };
    let outcome = match cli.command {
        #[cfg(feature = "local")]
        Command::Up(args) => up::run(&args),
        #[cfg(feature = "aws")]
        Command::Controller(args) => controller::run(&args),
        #[cfg(feature = "aws")]
        Command::CheckHealth(args) => Ok(service_kit::health_check::of(args.listen)),
        #[cfg(feature = "aws")]
        Command::Verify(args) => verify::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::Plan(args) => Ok(plan::run(&args)),
        Command::Status(args) => status::run(&args),
        Command::History(args) => history::run(&args),
        Command::Schema(args) => schemas::run(&args),
        Command::Completions(args) => Ok(completions::run(&args)),
    };
    outcome.unwrap_or_else(|error| exit::report(&error))
}
