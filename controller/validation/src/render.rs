//! Shows problems the way compilers do: the source line with the place underlined.

use std::ops::Range;

use annotate_snippets::{
    AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str as printable,
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
    let (line, span) = marked_line(source, &diagnostic.span);
    let annotation = AnnotationKind::Primary
        .span(span)
        .label(diagnostic.field.as_deref().map(printable));
    let snippet = Snippet::source(line)
        .line_start(diagnostic.line)
        .path(printable(&diagnostic.file))
        .annotation(annotation);
    let mut group = level
        .primary_title(printable(&diagnostic.message))
        .element(snippet);
    if let Some(allowed) = diagnostic.allowed_beyond_message() {
        group = group.element(Level::NOTE.message(printable(&format!("allowed: {allowed}"))));
    }
    match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(printable(help))),
        None => group,
    }
}

/// The line on which `span` begins, and the part of `span` that lies in it.
fn marked_line<'a>(source: &'a str, span: &Range<usize>) -> (&'a str, Range<usize>) {
    let at = source.floor_char_boundary(span.start);
    let start = source[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = source[start..].split('\n').next().unwrap_or_default();
    let line = line.trim_end_matches('\r');
    let end = source.floor_char_boundary(span.end.max(at));
    (
        line,
        (at - start).min(line.len())..(end - start).min(line.len()),
    )
}
