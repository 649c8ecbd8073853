//! `loanctl status`: how platforms fare.

use std::process::ExitCode;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use engine::board::PlatformObject;

use crate::cli::StatusArgs;
use crate::exit::SUCCESS;
use crate::output::{Format, say, say_json};
use crate::{show, store};

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
    let now = Timestamp::now();
    match (&args.name, args.output) {
        (Some(name), Format::Json) => say_json(store::platform(&args.store, name)?.as_ref())?,
        (Some(name), Format::Human) => {
            let platform = store::platform(&args.store, name)?;
            say(show::platform(&platform, now));
        }
        (None, Format::Json) => say_json(&PlatformList::new(store::platforms(&args.store)?))?,
        (None, Format::Human) => say(show::table(&store::platforms(&args.store)?, now)),
    }
    Ok(ExitCode::from(SUCCESS))
}
