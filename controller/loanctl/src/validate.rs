//! `loanctl validate`: every problem in spec files, each with its place.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::stdout;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use validation::{Checked, Diagnostic, MAX_FILE_BYTES};

use crate::cli::ValidateArgs;
use crate::exit::{FAILURE, SUCCESS, UsageError};
use crate::output::{Format, colour, say, say_json};

pub(crate) fn run(args: &ValidateArgs) -> anyhow::Result<ExitCode> {
    let files = SpecFiles::read(&args.paths)?;
    match args.output {
        Format::Human => files.print(),
        Format::Json => say_json(&files.report())?,
    }
    let failed = files.are_refused();
    Ok(ExitCode::from(if failed { FAILURE } else { SUCCESS }))
}

/// Spec files, and what the checks make of them.
pub(crate) struct SpecFiles {
    paths: Vec<PathBuf>,
    sources: Vec<String>,
    checked: Vec<Checked>,
    /// What is wrong with them together.
    together: Vec<Diagnostic>,
}

impl SpecFiles {
    /// Reads the files, and those directly in the directories, that `paths` name.
    ///
    /// # Errors
    /// When one is not there, or a directory has no spec file.
    pub(crate) fn read(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        for path in paths {
            files.extend(spec_files(path)?);
        }
        once_each(&mut files);
        let (sources, checked): (Vec<String>, Vec<Checked>) =
            files.iter().map(|file| check(file)).unzip();
        let together = validation::check_together(&checked);
        Ok(Self {
            paths: files,
            sources,
            checked,
            together,
        })
    }

    /// Whether any of them would be refused.
    pub(crate) fn are_refused(&self) -> bool {
        self.problems().iter().flatten().any(|it| it.is_error())
    }

    /// What the checks make of each.
    pub(crate) fn checked(&self) -> &[Checked] {
        &self.checked
    }

    /// Prints every problem, and a verdict a file.
    pub(crate) fn print(&self) {
        print(&self.paths, &self.sources, &self.problems());
    }

    /// Every problem, for machines.
    pub(crate) fn report(&self) -> Report<'_> {
        Report::new(&self.paths, &self.problems())
    }

    fn problems(&self) -> Vec<Vec<&Diagnostic>> {
        let files = self.paths.iter().zip(&self.checked);
        files
            .map(|(file, checked)| of_file(file, checked, &self.together))
            .collect()
    }
}

/// A file named twice, or beside its own directory, is one file.
fn once_each(files: &mut Vec<PathBuf>) {
    let mut seen = BTreeSet::new();
    files.retain(|file| seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())));
}

/// The text of a file, as far as there is any, and what the checks make of it.
fn check(file: &Path) -> (String, Checked) {
    let name = file.display().to_string();
    match fs::read(file) {
        Ok(bytes) => {
            // A file that is too large for a spec is also too large to draw.
            let drawn = if bytes.len() > MAX_FILE_BYTES {
                &[]
            } else {
                bytes.as_slice()
            };
            (
                String::from_utf8_lossy(drawn).into_owned(),
                validation::check(&name, &bytes),
            )
        }
        Err(error) => (
            String::new(),
            validation::unreadable(&name, &error.to_string()),
        ),
    }
}

/// The file itself, or the spec files directly in a directory.
fn spec_files(path: &Path) -> Result<Vec<PathBuf>, anyhow::Error> {
    let usage =
        |error: std::io::Error| UsageError(format!("cannot read {}: {error}", path.display()));
    if !fs::metadata(path).map_err(usage)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(usage)? {
        let file = entry.map_err(usage)?.path();
        if file
            .file_name()
            .and_then(OsStr::to_str)
            .is_some_and(validation::is_spec_file)
        {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(UsageError(format!("no .yaml files in {}", path.display())).into());
    }
    Ok(files)
}

fn of_file<'a>(
    file: &Path,
    checked: &'a Checked,
    together: &'a [Diagnostic],
) -> Vec<&'a Diagnostic> {
    let name = file.display().to_string();
    let shared = together.iter().filter(|problem| problem.file == name);
    checked.diagnostics.iter().chain(shared).collect()
}

fn print(files: &[PathBuf], sources: &[String], problems: &[Vec<&Diagnostic>]) {
    for ((file, source), problems) in files.iter().zip(sources).zip(problems) {
        if !problems.is_empty() {
            let problems: Vec<Diagnostic> = problems.iter().copied().cloned().collect();
            say(validation::render(&problems, source, colour(&stdout())));
        }
        let errors = problems.iter().filter(|problem| problem.is_error()).count();
        let warnings = problems.len() - errors;
        let verdict = if errors == 0 {
            "valid".to_owned()
        } else {
            counted(errors, "error")
        };
        let suffix = if warnings == 0 {
            String::new()
        } else {
            format!(", {}", counted(warnings, "warning"))
        };
        say(format_args!("{}: {verdict}{suffix}", file.display()));
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// What `-o json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    valid: bool,
    files: Vec<String>,
    diagnostics: Vec<&'a Diagnostic>,
}

impl<'a> Report<'a> {
    fn new(files: &[PathBuf], problems: &[Vec<&'a Diagnostic>]) -> Self {
        let diagnostics: Vec<&Diagnostic> = problems.iter().flatten().copied().collect();
        Self {
            valid: !diagnostics.iter().any(|problem| problem.is_error()),
            files: files
                .iter()
                .map(|file| file.display().to_string())
                .collect(),
            diagnostics,
        }
    }
}
