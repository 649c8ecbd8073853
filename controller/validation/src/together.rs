//! What must hold between files.

use std::collections::BTreeMap;

use schema::names::PlatformName;

use crate::check::Checked;
use crate::diagnostic::{Diagnostic, Severity};

/// Checks files against each other: two files of one `metadata.name` are an error in each, naming
/// the other. Files whose name cannot be read take no part.
#[must_use]
pub fn check_together(files: &[Checked]) -> Vec<Diagnostic> {
    let mut by_name: BTreeMap<&PlatformName, Vec<&Checked>> = BTreeMap::new();
    for checked in files {
        if let Some(name) = &checked.name {
            by_name.entry(name).or_default().push(checked);
        }
    }
    by_name
        .into_iter()
        .filter(|(_, namesakes)| namesakes.len() > 1)
        .flat_map(|(name, namesakes)| claims(name, &namesakes))
        .collect()
}

fn claims(name: &PlatformName, namesakes: &[&Checked]) -> Vec<Diagnostic> {
    let claim = |(index, checked): (usize, &&Checked)| {
        let others = namesakes
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index);
        let others: Vec<&str> = others.map(|(_, other)| other.file.as_str()).collect();
        claim(name, checked, &others.join(", "))
    };
    namesakes.iter().enumerate().map(claim).collect()
}

fn claim(name: &PlatformName, checked: &Checked, others: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        file: checked.file.clone(),
        line: checked.name_place.line,
        column: checked.name_place.column,
        field: Some("metadata.name".to_owned()),
        found: Some(name.to_string()),
        allowed: Some("a name of its own".to_owned()),
        message: format!("platform `{name}` is described by {others} too"),
        help: Some("rename one of them, or take one file out".to_owned()),
        span: checked.name_place.span.clone(),
    }
}
