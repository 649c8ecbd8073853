//! `loanctl verify`: uses what a controller will need once, and says what to mend.

use std::process::ExitCode;

use anyhow::Context as _;
use aws_adapter::Finding;
use aws_adapter::quota::QuotaConfig;
use serde_json::json;

use crate::cli::VerifyArgs;
use crate::exit::{FAILURE, SUCCESS};
use crate::output::{Format, say, say_json};
use crate::place;

pub(crate) fn run(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let config = place::home(&args.place, QuotaConfig::default())?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let findings = runtime.block_on(aws_adapter::verify(&config, args.place.queue.as_deref()));
    match args.output {
        Format::Human => findings.iter().for_each(tell),
        Format::Json => say_json(&findings.iter().map(as_json).collect::<Vec<_>>())?,
    }
    let all_well = findings.iter().all(|finding| finding.outcome.is_ok());
    Ok(ExitCode::from(if all_well { SUCCESS } else { FAILURE }))
}

fn tell(finding: &Finding) {
    let (mark, words) = match &finding.outcome {
        Ok(words) => ("ok    ", words),
        Err(words) => ("WRONG ", words),
    };
    say(format_args!("{mark}{:<32} {words}", finding.what));
}

fn as_json(finding: &Finding) -> serde_json::Value {
    let (ok, message) = match &finding.outcome {
        Ok(words) => (true, words),
        Err(words) => (false, words),
    };
    json!({"check": finding.what, "ok": ok, "message": message})
}
