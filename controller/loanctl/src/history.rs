//! `loanctl history`: what happened to a platform, and why.

use std::process::ExitCode;

use crate::cli::HistoryArgs;
use crate::exit::SUCCESS;
use crate::output::{Format, say, say_json};
use crate::show;
use crate::store::Store;

pub(crate) fn run(args: &HistoryArgs) -> anyhow::Result<ExitCode> {
    let platform = Store::open(&args.store)?.platform(&args.name)?;
    match args.output {
        Format::Json => say_json(&platform.status.history)?,
        Format::Human if platform.status.history.is_empty() => say("Nothing has happened yet."),
        Format::Human => {
            for entry in &platform.status.history {
                say(show::entry(entry));
            }
        }
    }
    Ok(ExitCode::from(SUCCESS))
}
