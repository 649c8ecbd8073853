//! `loanctl plan`: what the controller would do about spec files, before they are put where they count.

#[cfg(feature = "aws")]
mod account;
mod change;
mod document;
mod page;

use std::process::ExitCode;
use std::sync::Arc;

use engine::forecast::{Edit, Forecast, as_last_left, forecast};
use engine::observed::Observed;
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
    let mut ground = Ground::of(args);
    let mut planned = Vec::new();
    for checked in files.checked() {
        planned.extend(plan_file(store.as_ref(), &mut ground, checked)?);
    }
    match args.output {
        Format::Human => say(page::of(&planned, page::Paint::for_terminal())),
        Format::Json => say_json(&document::of(&planned))?,
    }
    let changes = planned.iter().any(|it| it.forecast.changes_something());
    Ok(ExitCode::from(if changes { CHANGES } else { SUCCESS }))
}

/// What the file brings about; nothing where it has no platform, which the checks refuse.
fn plan_file(
    store: Option<&Store>,
    ground: &mut Ground,
    checked: &Checked,
) -> anyhow::Result<Option<Planned>> {
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
    let world = ground.world(&state, now);
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

/// What a plan stands on: the account as it is, where there is one that lets itself be looked at, else what the
/// controller last saved.
struct Ground {
    #[cfg(feature = "aws")]
    account: Option<account::Account>,
}

impl Ground {
    #[cfg(feature = "aws")]
    fn of(args: &PlanArgs) -> Self {
        if args.offline {
            return Self { account: None };
        }
        let account = account::Account::of(&args.store).unwrap_or_else(|error| {
            say_that_it_is_remembered(&error);
            None
        });
        Self { account }
    }

    #[cfg(not(feature = "aws"))]
    const fn of(_: &PlanArgs) -> Self {
        Self {}
    }

    #[cfg(feature = "aws")]
    fn world(&mut self, state: &PlatformState, now: Timestamp) -> Observed {
        let looked = self.account.as_ref().map(|account| account.look(state));
        match looked {
            Some(Ok(world)) => world,
            Some(Err(error)) => {
                say_that_it_is_remembered(&error);
                // The next file's account is the same.
                self.account = None;
                as_last_left(state, now)
            }
            None => as_last_left(state, now),
        }
    }

    #[cfg(not(feature = "aws"))]
    fn world(&mut self, state: &PlatformState, now: Timestamp) -> Observed {
        as_last_left(state, now)
    }
}

#[cfg(feature = "aws")]
fn say_that_it_is_remembered(error: &anyhow::Error) {
    crate::output::complain(format_args!(
        "loanctl: the account cannot be looked at, so this is planned on what the controller last saved: {error:#}"
    ));
}
