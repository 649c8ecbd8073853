//! Errors of the world outside, with what to do about them.

use std::error::Error;

/// What becomes of a reconcile that met an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Try again later; it may pass by itself.
    Retry,
    /// Nothing changes until a person changes something: the spec, or the world.
    WaitForUser,
}

/// A call to the world that failed.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Someone else changed the document since it was read.
    #[error("{path} was changed by someone else since it was read")]
    Conflict {
        /// The document.
        path: String,
    },
    /// This controller may not change anything any more: another one may hold the lease by now.
    #[error("this controller's lease has ended; another one takes over")]
    LeaseLost,
    /// The world could not be reached, or refused for now.
    #[error("cannot {action} for now")]
    Unavailable {
        /// What was being done: `read state/local.json`.
        action: String,
        /// Why not.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The world will not do it until a person changes something.
    #[error("cannot {action}: {remedy}")]
    Refused {
        /// What was being done: `start scoring`.
        action: String,
        /// What a person can do.
        remedy: String,
    },
}

impl PortError {
    /// An error that may pass by itself.
    pub fn unavailable(
        action: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable {
            action: action.into(),
            source: source.into(),
        }
    }

    /// An error that needs a person; `remedy` says what they can do.
    pub fn refused(action: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Refused {
            action: action.into(),
            remedy: remedy.into(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::Conflict { .. } | Self::LeaseLost | Self::Unavailable { .. } => Remedy::Retry,
            Self::Refused { .. } => Remedy::WaitForUser,
        }
    }
}
