//! Reads YAML within bounds, and says in plain words why it cannot.

use std::ops::Range;

use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Error, Options, Spanned};

use crate::diagnostic::Diagnostic;
use crate::source::Source;
use crate::tree::{Content, Node, bytes};

/// Deepest nesting; a spec needs eight levels.
const MAX_DEPTH: usize = 32;
/// Most values in a file, those that aliases repeat included; a full spec has some 500.
const MAX_VALUES: usize = 20_000;

/// The document in `source`, or the plain answer why there is none.
pub(crate) fn parse(source: &Source<'_>) -> Result<Node, Box<Diagnostic>> {
    match serde_saphyr::from_str_with_options::<Spanned<Content>>(source.text, options()) {
        Ok(document) => Ok(document.into()),
        Err(error) => Err(Box::new(explain(source, &error))),
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_nodes: MAX_VALUES,
            max_events: 4 * MAX_VALUES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_VALUES,
            max_replay_stack_depth: MAX_DEPTH,
        },
        // A check of ours finds every repeated key, not only the first.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        with_snippet: false,
    }
}

/// What is wrong, in words, and what to do.
struct Explanation {
    message: String,
    help: Option<&'static str>,
}

fn explain(source: &Source<'_>, error: &Error) -> Diagnostic {
    let span = place_of(source, error);
    if let Some(tab) = tab_near(source, &span) {
        let mut diagnostic = source.problem(tab, "a tab is used for indentation");
        diagnostic.found = Some("a tab".to_owned());
        diagnostic.allowed = Some("spaces".to_owned());
        diagnostic.help = Some("YAML is indented with spaces only".to_owned());
        return diagnostic;
    }
    let explanation = in_words(error);
    let mut diagnostic = source.problem(span, explanation.message);
    diagnostic.help = explanation.help.map(str::to_owned);
    diagnostic
}

fn in_words(error: &Error) -> Explanation {
    let (message, help) = match error {
        Error::AliasError { error, .. } => return in_words(error),
        Error::MultipleDocuments { .. } => (
            "a second document begins here, and a spec file holds one".to_owned(),
            Some("give each platform a file of its own"),
        ),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => (
            format!("the aliases of this file expand to more than {MAX_VALUES} values"),
            Some("write the values out"),
        ),
        Error::Budget { .. } => (
            format!("the file has more than {MAX_VALUES} values or {MAX_DEPTH} levels"),
            Some("a spec has some 500 values on eight levels"),
        ),
        Error::UnknownAnchor { .. } => (
            "this alias names an anchor that is not defined above it".to_owned(),
            None,
        ),
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            ("this alias is inside the anchor it names".to_owned(), None)
        }
        Error::Unexpected { expected, .. } if expected.contains("string scalar") => {
            ("a key must be plain text".to_owned(), None)
        }
        other => (format!("this is not YAML: {}", without_place(other)), None),
    };
    Explanation { message, help }
}

/// The parser's own words, less the place that stands in front already.
fn without_place(error: &Error) -> String {
    let text = error.to_string();
    let words = text.split(" at line ").next().unwrap_or(&text);
    words.to_owned()
}

fn place_of(source: &Source<'_>, error: &Error) -> Range<usize> {
    let Some(location) = error.location() else {
        return 0..0;
    };
    if location.span().byte_offset().is_some() {
        return bytes(&location);
    }
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    let start = source.offset(number(location.line()), number(location.column()));
    start..start
}

/// A tab in the indentation of the line of `span` or the next: parsers stumble over tabs late or
/// early.
fn tab_near(source: &Source<'_>, span: &Range<usize>) -> Option<Range<usize>> {
    let (line, _) = source.place(span.start);
    (line..=line + 1).find_map(|line| {
        let start = source.offset(line, 1);
        let rest = &source.text[start..];
        let indentation = &rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()];
        let tab = start + indentation.find('\t')?;
        Some(tab..tab + 1)
    })
}
