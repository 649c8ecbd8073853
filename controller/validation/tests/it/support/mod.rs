//! A real spec, edited per case, and what the check says of it.

use validation::{Checked, check};

/// A valid spec without warnings.
pub(crate) const SPEC: &str = include_str!("dev.yaml");

/// [`SPEC`] with each `(from, to)` replaced where it stands first.
pub(crate) fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(SPEC.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the spec has no {from:?}");
        text.replacen(from, to, 1)
    })
}

/// Each problem as `SEVERITY FILE:LINE:COLUMN: FIELD: MESSAGE (HELP)`.
pub(crate) fn problems(checked: &Checked) -> Vec<String> {
    let lines = checked.diagnostics.iter();
    lines
        .map(|d| format!("{} {}", d.severity, d.one_line()))
        .collect()
}

/// Checks the edited spec: these problems, in this order, and no others; refused if one is an error.
#[track_caller]
pub(crate) fn assert_problems(edits: &[(&str, &str)], expected: &[&str]) {
    let text = edited(edits);
    let checked = check("dev.yaml", text.as_bytes());
    assert_eq!(problems(&checked), expected);
    let has_error = expected.iter().any(|line| line.starts_with("error"));
    assert_eq!(checked.is_valid(), !has_error);
}
