//! What goes to the terminal.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr, stdout};

use clap::ValueEnum;
use serde::Serialize;

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Human,
    /// For machines.
    Json,
}

/// Prints a line of a result.
///
/// A reader that hangs up, as `head` does, wants no more of it: the rest goes nowhere.
pub(crate) fn say(line: impl Display) {
    drop(writeln!(stdout(), "{line}"));
}

/// Prints a line that is not part of a result: progress, or a complaint.
pub(crate) fn complain(line: impl Display) {
    drop(writeln!(stderr(), "{line}"));
}

/// Prints `value` as JSON.
///
/// # Errors
/// When it has no JSON form.
pub(crate) fn say_json(value: &impl Serialize) -> Result<(), serde_json::Error> {
    say(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Whether colour helps on `stream`: on a terminal whose user has not asked for none
/// (<https://no-color.org>).
pub(crate) fn colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
