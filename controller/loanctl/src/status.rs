//! `loanctl status`: how platforms fare.

use std::io::{IsTerminal as _, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use engine::board::PlatformObject;

use crate::cli::StatusArgs;
use crate::exit::SUCCESS;
use crate::output::{Format, complain, say};
use crate::show;
use crate::store::Store;

/// How often the store is read while watching.
const WATCH_PAUSE: Duration = Duration::from_secs(2);
/// Clears a terminal, and begins at its top.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

/// A list, in the shape that every reader of platforms knows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlatformList {
    api_version: &'static str,
    kind: &'static str,
    items: Vec<Arc<PlatformObject>>,
}

impl PlatformList {
    pub(crate) const fn new(items: Vec<Arc<PlatformObject>>) -> Self {
        Self {
            api_version: schema::platform::API_VERSION,
            kind: "LoanPlatformList",
            items,
        }
    }
}

pub(crate) fn run(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let store = Store::open(&args.store)?;
    if args.watch {
        watch(args, &store)
    } else {
        let shown = Shown::read(args, &store)?;
        say(shown.text(args.output)?);
        Ok(ExitCode::from(SUCCESS))
    }
}

/// Shows what is there again and again: on a terminal in its place, elsewhere whenever it is something new.
fn watch(args: &StatusArgs, store: &Store) -> anyhow::Result<ExitCode> {
    let redraws = stdout().is_terminal() && args.output == Format::Human;
    let mut last = Shown::read(args, store)?;
    show_anew(redraws, &last.text(args.output)?);
    loop {
        std::thread::sleep(WATCH_PAUSE);
        let shown = match Shown::read(args, store) {
            Ok(shown) => shown,
            Err(error) => {
                complain(format_args!("loanctl: {error:#}; trying again"));
                continue;
            }
        };
        if redraws || shown != last {
            show_anew(redraws, &shown.text(args.output)?);
        }
        last = shown;
    }
}

fn show_anew(redraws: bool, text: &str) {
    let now = Timestamp::now();
    if redraws {
        say(format_args!(
            "{CLEAR}{text}\n\nas saved by {now:.0} · Ctrl-C ends"
        ));
    } else {
        say(text);
    }
}

/// What was asked for.
#[derive(PartialEq)]
enum Shown {
    One(Arc<PlatformObject>),
    All(Vec<Arc<PlatformObject>>),
}

impl Shown {
    fn read(args: &StatusArgs, store: &Store) -> anyhow::Result<Self> {
        match &args.name {
            Some(name) => store.platform(name).map(Self::One),
            None => store.platforms().map(Self::All),
        }
    }

    fn text(&self, format: Format) -> Result<String, serde_json::Error> {
        let now = Timestamp::now();
        match (self, format) {
            (Self::One(platform), Format::Human) => Ok(show::platform(platform, now)),
            (Self::All(platforms), Format::Human) => Ok(show::table(platforms, now)),
            (Self::One(platform), Format::Json) => serde_json::to_string_pretty(platform),
            (Self::All(platforms), Format::Json) => {
                serde_json::to_string_pretty(&PlatformList::new(platforms.clone()))
            }
        }
    }
}
