//! Reckoning with times and milliseconds, without a way to overflow.

use jiff::{SignedDuration, Timestamp};

/// `since` plus `ms` milliseconds; the far future where that is beyond it.
pub(crate) fn later(since: Timestamp, ms: u64) -> Timestamp {
    let length = SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
    since.checked_add(length).unwrap_or(Timestamp::MAX)
}

/// Milliseconds from `since` to `until`; 0 when it is not later.
pub(crate) fn millis_between(since: Timestamp, until: Timestamp) -> u64 {
    u64::try_from(until.duration_since(since).as_millis()).unwrap_or(0)
}
