//! One problem in a spec file, with its place.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// How much a problem weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file is taken; someone should know.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One problem in a spec file: where it is, what was found there, and what is allowed.
///
/// `Display` is the one-line form, `FILE:LINE:COLUMN: FIELD: MESSAGE (HELP)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// Whether the file is refused for it.
    pub severity: Severity,
    /// The file, as the caller named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Path of the field, as in `spec.alarms[0].period`; absent: the file as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What stands there, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What may stand there, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
    /// What is wrong, in a sentence that stands by itself.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Bytes of the source that are marked.
    #[serde(skip)]
    pub span: Range<usize>,
}

impl Diagnostic {
    /// Whether the file is refused for it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// What is allowed, where the message does not say it already.
    pub(crate) fn allowed_beyond_message(&self) -> Option<&str> {
        self.allowed
            .as_deref()
            .filter(|allowed| !self.message.contains(allowed))
    }

    /// The one-line form, as conditions and logs have it.
    #[must_use]
    pub fn one_line(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.message)?;
        match (&self.help, self.allowed_beyond_message()) {
            (Some(help), _) => write!(f, " ({help})"),
            (None, Some(allowed)) => write!(f, " (allowed: {allowed})"),
            (None, None) => Ok(()),
        }
    }
}
