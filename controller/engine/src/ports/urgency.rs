//! How urgent a call is.

/// How urgent a call is. Where a quota is short, what is more urgent goes first, and what is less urgent
/// waits: taking a change back before everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// Nothing is known to have changed: a look all the same.
    Resync,
    /// Somebody changed something, or something moves.
    Edit,
    /// A change is being taken back.
    Rollback,
}
