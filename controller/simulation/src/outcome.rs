//! What came of a run.

use std::fmt;
use std::time::Duration;

use crate::invariants::Violation;
use crate::trace::Trace;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// How long the world existed.
    pub simulated: Duration,
    /// The invariant that did not hold; the run ended there.
    pub violation: Option<Violation>,
    /// What happened.
    pub trace: Trace,
    /// What was seen of the engine, to know that a scenario reaches what it should.
    pub tally: Tally,
}

/// How often something happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Revisions promoted.
    pub promoted: usize,
    /// Changes taken back.
    pub rolled_back: usize,
    /// Calls that changed the platform.
    pub mutations: u64,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.trace)?;
        match &self.violation {
            None => writeln!(f, "seed {}: every invariant held", self.seed),
            Some(Violation { invariant, how }) => writeln!(
                f,
                "seed {}: {invariant} does not hold: {how}\nto see it again: make simulate SEED={}",
                self.seed, self.seed
            ),
        }
    }
}
