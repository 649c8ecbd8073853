//! The lease: one controller changes things at a time, in terms whose epoch grows and never falls.
//!
//! Settings carry the epoch, and services refuse a lower one: a controller that was replaced cannot
//! bring old settings back. Calls that nothing else fences, to ECS and CloudWatch, are fenced by time:
//! none starts later than the lease's end minus the longest time that a call may take, and a taker
//! waits until the holder cannot have a call under way any more.
//!
//! Nobody's wall clock is compared with anybody else's. A standby takes a lease that has not changed
//! for [`Shared::ttl`] by its own monotonic clock, and [`Shared::call_timeout`] more.

mod fenced;
mod holding;
mod record;
mod standby;

use std::time::Duration;

pub(crate) use fenced::Fenced;
pub(crate) use holding::Lease;
pub use record::LEASE_PATH;
pub(crate) use standby::Standby;

/// On what terms a controller holds the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseTerms {
    /// Something else keeps every other controller out, a file lock on this machine: the lease is
    /// taken at once and does not run out.
    Exclusive,
    /// Other controllers may stand by.
    Shared(Shared),
}

/// Terms under which other controllers may stand by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Who holds it, in words for people: a host name or a task's id, and something unique.
    pub holder: String,
    /// How long the lease lasts without being renewed. It is renewed three times as often.
    pub ttl: Duration,
    /// Longest time a call may take, with every retry of its client; it is cut off then. Must be
    /// well below `ttl`.
    pub call_timeout: Duration,
}

impl LeaseTerms {
    /// Who holds a lease on these terms.
    fn holder(&self) -> &str {
        match self {
            Self::Exclusive => "this machine",
            Self::Shared(shared) => &shared.holder,
        }
    }
}

#[cfg(test)]
mod tests;
