//! What a check found, before its place in the file is known.

use crate::diagnostic::Severity;
use crate::path::FieldPath;
use crate::tree::Side;

/// A problem with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    pub(crate) path: FieldPath,
    pub(crate) side: Side,
    /// What was found, where nothing is written at `path` or the key is meant.
    pub(crate) found: Option<String>,
    pub(crate) allowed: Option<String>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Finding {
    /// A problem for which the file is refused.
    pub(crate) fn error(path: FieldPath, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            path,
            side: Side::Value,
            found: None,
            allowed: None,
            message: message.into(),
            help: None,
        }
    }

    /// A problem that someone should know of.
    pub(crate) fn warning(path: FieldPath, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(path, message)
        }
    }

    #[must_use]
    pub(crate) fn found(mut self, found: &impl ToString) -> Self {
        self.found = Some(found.to_string());
        self
    }

    #[must_use]
    pub(crate) fn allowed(mut self, allowed: impl Into<String>) -> Self {
        self.allowed = Some(allowed.into());
        self
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Marks the key instead of its value.
    #[must_use]
    pub(crate) fn at_key(mut self) -> Self {
        self.side = Side::Key;
        self
    }
}
