//! `loanctl schema`: the JSON Schemas, the CRD, and the pages made from them, printed, written, or compared.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use schema::generated::{self, GeneratedFile};

use crate::cli::SchemaArgs;
use crate::exit::{FAILURE, SUCCESS, UsageError};
use crate::output::{complain, say};

const DEFAULT_FILE: &str = "schema/loanplatform.schema.json";

pub(crate) fn run(args: &SchemaArgs) -> anyhow::Result<ExitCode> {
    let mut files = generated::files().context("cannot make the schemas")?;
    files.push(GeneratedFile {
        path: "docs/reasons.md",
        content: engine::reasons::page(),
    });
    if let Some(directory) = &args.write {
        return write(&files, directory);
    }
    if let Some(directory) = &args.check {
        return Ok(check(&files, directory));
    }
    let wanted = args.file.as_deref().unwrap_or(DEFAULT_FILE);
    let named =
        |file: &&GeneratedFile| file.path == wanted || file.path.ends_with(&format!("/{wanted}"));
    let Some(file) = files.iter().find(named) else {
        let names: Vec<&str> = files.iter().map(|file| file.path).collect();
        return Err(UsageError(format!("no file {wanted}; there are {}", names.join(", "))).into());
    };
    say(file.content.trim_end());
    Ok(ExitCode::from(SUCCESS))
}

fn write(files: &[GeneratedFile], directory: &Path) -> anyhow::Result<ExitCode> {
    for file in files {
        let path = directory.join(file.path);
        fs::write(&path, &file.content)
            .with_context(|| format!("cannot write {}", path.display()))?;
        say(format_args!("wrote {}", path.display()));
    }
    Ok(ExitCode::from(SUCCESS))
}

fn check(files: &[GeneratedFile], directory: &Path) -> ExitCode {
    let stale = files.iter().filter(|file| {
        let path = directory.join(file.path);
        fs::read_to_string(&path).ok().as_deref() != Some(file.content.as_str())
    });
    let stale: Vec<&str> = stale.map(|file| file.path).collect();
    if stale.is_empty() {
        return ExitCode::from(SUCCESS);
    }
    complain(format_args!(
        "out of date in {}: {}; run `cargo run -p loanctl -- schema --write`",
        directory.display(),
        stale.join(", ")
    ));
    ExitCode::from(FAILURE)
}
