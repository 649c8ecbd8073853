//! What a result says about the dependency.

use std::time::Duration;

/// What an error says about the dependency, and whether another attempt may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// The dependency failed and may not fail again: no connection, 429, 500, 503.
    Transient,
    /// The dependency failed and will again: an answer that cannot be read.
    Permanent,
    /// The dependency did its part: it refused a request that it should refuse.
    Ignored,
}

/// An error that says what it means for the dependency.
pub trait Classified {
    /// What it says.
    fn class(&self) -> FailureClass;

    /// How long the dependency asked to be left alone, if it did.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

/// How an attempt counts for the breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer.
    Success,
    /// The dependency's failure.
    Failure,
    /// Says nothing about the dependency.
    Ignored,
}

impl From<FailureClass> for Outcome {
    fn from(class: FailureClass) -> Self {
        match class {
            FailureClass::Transient | FailureClass::Permanent => Self::Failure,
            FailureClass::Ignored => Self::Ignored,
        }
    }
}
