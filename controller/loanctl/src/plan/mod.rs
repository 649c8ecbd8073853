//! `loanctl plan`: what the controller would do about spec files, before they are put where they count.

mod change;
mod document;
mod page;

use std::process::ExitCode;
use std::sync::Arc;

use engine::forecast::{Edit, Forecast, as_last_left, forecast};
use engine::specs::{SpecContent, SpecEntry};
use engine::state::PlatformState;
use jiff::Timestamp;
use validation::{Checked, Diagnostic};

use crate::cli::PlanArgs;
use crate::exit::{self, CHANGES, FAILURE, SUCCESS};
use crate::output::{Format, say, say_json};
use crate::store::Store;
use crate::validate::SpecFiles;

/// What one spec file would bring about.
pub(crate) struct Planned {
    /// The platform.
    platform: String,
    /// The file.
    file: String,
    /// What the checks warn of.
    notes: Vec<String>,
    forecast: Forecast,
}

/// Every failure is code 1 here: 2 says that there are changes.
pub(crate) fn run(args: &PlanArgs) -> ExitCode {
    plan(args).unwrap_or_else(|error| {
        exit::report(&error);
        ExitCode::from(FAILURE)
    })
}

fn plan(args: &PlanArgs) -> anyhow::Result<ExitCode> {
    let files = SpecFiles::read(&args.files)?;
    if files.are_refused() {
        match args.output {
            Format::Human => files.print(),
            Format::Json => say_json(&files.report())?,
        }
        return Ok(ExitCode::from(FAILURE));
    }
    let store = Store::if_there_is_one(&args.store)?;
    let mut planned = Vec::new();
    for checked in files.checked() {
        planned.extend(plan_file(store.as_ref(), checked)?);
    }
    match args.output {
        Format::Human => say(page::of(&planned, page::Paint::for_terminal())),
        Format::Json => say_json(&document::of(&planned))?,
    }
    let changes = planned.iter().any(|it| it.forecast.changes_something());
    Ok(ExitCode::from(if changes { CHANGES } else { SUCCESS }))
}

/// What the file brings about; nothing where it has no platform, which the checks refuse.
fn plan_file(store: Option<&Store>, checked: &Checked) -> anyhow::Result<Option<Planned>> {
    let (Some(platform), Some(name)) = (&checked.platform, &checked.name) else {
        return Ok(None);
    };
    let now = Timestamp::now();
    let state = store.map(|store| store.state(name)).transpose()?.flatten();
    let state = state.unwrap_or_else(|| PlatformState::new(name.clone(), now));
    let source = if state.source.is_empty() {
        checked.file.clone()
    } else {
        state.source.clone()
    };
    let content = SpecContent::Valid(Arc::new(platform.spec.clone()));
    let entry = SpecEntry::new(name.clone(), source, content).described_by(&platform.metadata);
    let Some(edit) = Edit::of(entry) else {
        return Ok(None);
    };
    let world = as_last_left(&state, now);
    Ok(Some(Planned {
        platform: name.to_string(),
        file: checked.file.clone(),
        notes: checked
            .diagnostics
            .iter()
            .map(Diagnostic::one_line)
            .collect(),
        forecast: forecast(&state, world, &edit, now),
    }))
}
