//! Shows problems the way compilers do: the source line with the place underlined.

use std::ops::Range;

use annotate_snippets::{
    AnnotationKind, Group, Level, Origin, Renderer, Snippet, Title,
    normalize_untrusted_str as printable,
};

use crate::diagnostic::{Diagnostic, Severity};

/// Draws `diagnostics`, all of one file whose text is `source`, for a terminal with or without
/// `color`. Of a file that is no text, pass what can be read of it.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], source: &str, color: bool) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let pictures: Vec<String> = diagnostics
        .iter()
        .map(|diagnostic| renderer.render(&[picture(diagnostic, source)]))
        .collect();
    pictures.join("\n\n")
}

fn picture<'a>(diagnostic: &'a Diagnostic, source: &'a str) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(printable(&diagnostic.message));
    let mut group = with_line(title, diagnostic, source);
    if let Some(allowed) = diagnostic.allowed_beyond_message() {
        group = group.element(Level::NOTE.message(printable(&format!("allowed: {allowed}"))));
    }
    match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(printable(help))),
        None => group,
    }
}

fn with_line<'a>(title: Title<'a>, diagnostic: &'a Diagnostic, source: &'a str) -> Group<'a> {
    let marked = MarkedLine::of(source, &diagnostic.span);
    let label = diagnostic.field.as_deref().map(printable);
    let snippet = Snippet::source(marked.text)
        .line_start(diagnostic.line)
        .annotation(AnnotationKind::Primary.span(marked.span).label(label));
    let file = printable(&diagnostic.file);
    if marked.is_whole {
        return title.element(snippet.path(file));
    }
    // The column cannot be told from a part of the line, so it is given.
    let origin = Origin::path(file)
        .line(diagnostic.line)
        .char_column(diagnostic.column);
    title.element(origin).element(snippet)
}

/// Most of a line that is drawn, in bytes.
const MAX_DRAWN: usize = 500;

/// What is drawn of the line on which a problem begins.
struct MarkedLine<'a> {
    text: &'a str,
    /// The part of `text` that is underlined.
    span: Range<usize>,
    is_whole: bool,
}

impl<'a> MarkedLine<'a> {
    fn of(source: &'a str, span: &Range<usize>) -> Self {
        let at = source.floor_char_boundary(span.start);
        let start = source[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line = source[start..].split('\n').next().unwrap_or_default();
        let line = line.trim_end_matches('\r');
        let end = source.floor_char_boundary(span.end.max(at));
        let span = (at - start).min(line.len())..(end - start).min(line.len());
        if line.len() <= MAX_DRAWN {
            return Self {
                text: line,
                span,
                is_whole: true,
            };
        }
        let from = line.floor_char_boundary(span.start.saturating_sub(MAX_DRAWN / 4));
        let to = line.floor_char_boundary((from + MAX_DRAWN).min(line.len()));
        Self {
            text: &line[from..to],
            span: span.start - from..span.end.min(to) - from,
            is_whole: false,
        }
    }
}
