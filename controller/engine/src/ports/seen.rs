//! What was found, and when by the world's clock.

use jiff::Timestamp;

/// Things as they were found, with the time of the world that they live in: AWS's for ECS and
/// CloudWatch, this machine's for the home on it.
///
/// Everything that is decided on the times in `found` is decided by `at`, never by the clock of the
/// controller's machine: that one may be minutes off, and two controllers need not agree.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen<T> {
    /// The world's time when it answered: the `Date` of an AWS response.
    pub at: Timestamp,
    /// What was found.
    pub found: Vec<T>,
}
