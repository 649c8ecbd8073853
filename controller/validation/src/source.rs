//! The text of a spec file, and where in it a byte stands.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Severity};

/// Largest file that is read, in bytes. A full spec is under 10 KiB.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

/// A file's name and text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
}

impl<'a> Source<'a> {
    /// The text of `bytes`, or the plain answer why there is none.
    pub(crate) fn read(file: &'a str, bytes: &'a [u8]) -> Result<Self, Box<Diagnostic>> {
        if bytes.len() > MAX_FILE_BYTES {
            let message = format!(
                "the file is too large: {} bytes, and a spec may have {MAX_FILE_BYTES}",
                bytes.len()
            );
            let mut diagnostic = Self { file, text: "" }.problem(0..0, message);
            diagnostic.found = Some(format!("{} bytes", bytes.len()));
            diagnostic.allowed = Some(format!("at most {MAX_FILE_BYTES} bytes"));
            return Err(Box::new(diagnostic));
        }
        match str::from_utf8(bytes) {
            Ok(text) => Ok(Self { file, text }),
            Err(error) => Err(Box::new(not_utf8(file, bytes, error.valid_up_to()))),
        }
    }

    /// An error about the file itself at `span`.
    pub(crate) fn problem(&self, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        let span = self.within(span);
        let (line, column) = self.place(span.start);
        Diagnostic {
            severity: Severity::Error,
            file: self.file.to_owned(),
            line,
            column,
            field: None,
            found: None,
            allowed: None,
            message: message.into(),
            help: None,
            span,
        }
    }

    /// Line and column, both from 1, of the byte at `offset`.
    pub(crate) fn place(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..self.boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let line_before = before[line_start..].trim_start_matches('\u{feff}');
        (line, line_before.chars().count() + 1)
    }

    /// The byte at `line` and `column`, or the nearest one that exists.
    pub(crate) fn offset(&self, line: usize, column: usize) -> usize {
        let lines = self.text.split_inclusive('\n');
        let start: usize = lines
            .clone()
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum();
        let rest = self.text[start..].split('\n').next().unwrap_or_default();
        let within = rest.char_indices().nth(column.saturating_sub(1));
        start + within.map_or(rest.len(), |(offset, _)| offset)
    }

    /// `span` cut to the text, on character borders.
    pub(crate) fn within(&self, span: Range<usize>) -> Range<usize> {
        let start = self.boundary(span.start);
        start..self.boundary(span.end).max(start)
    }

    fn boundary(&self, offset: usize) -> usize {
        self.text.floor_char_boundary(offset)
    }
}

fn not_utf8(file: &str, bytes: &[u8], valid: usize) -> Diagnostic {
    let text = str::from_utf8(&bytes[..valid]).unwrap_or_default();
    let byte = bytes.get(valid).copied().unwrap_or_default();
    let source = Source { file, text };
    let mut diagnostic = source.problem(
        valid..valid,
        format!("the file is not UTF-8 text: byte 0x{byte:02x} here"),
    );
    diagnostic.found = Some(format!("byte 0x{byte:02x}"));
    diagnostic.allowed = Some("UTF-8 text".to_owned());
    diagnostic.help = Some("save the file as UTF-8".to_owned());
    diagnostic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let source = Source {
            file: "f",
            text: "a: é x\nb: 1",
        };
        for (offset, place) in [(0, (1, 1)), (6, (1, 6)), (8, (2, 1)), (99, (2, 5))] {
            assert_eq!(source.place(offset), place, "{offset}");
        }
    }

    #[test]
    fn a_line_and_column_that_do_not_exist_are_moved_to_ones_that_do() {
        let source = Source {
            file: "f",
            text: "a\nbc",
        };
        for (line, column, offset) in [(1, 1, 0), (1, 9, 1), (2, 2, 3), (2, 9, 4), (9, 9, 4)] {
            assert_eq!(source.offset(line, column), offset, "{line}:{column}");
        }
    }
}
