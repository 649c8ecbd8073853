//! The moment after which nobody waits for the answer any more.

use std::time::{Duration, Instant};

/// The moment after which nobody waits for the answer any more, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Someone waits for ever.
    pub const NONE: Self = Self(None);

    /// The deadline at `instant`.
    #[must_use]
    pub const fn at(instant: Instant) -> Self {
        Self(Some(instant))
    }

    /// The deadline `left` after `now`; none where that is beyond what the clock can say.
    #[must_use]
    pub fn after(now: Instant, left: Duration) -> Self {
        Self(now.checked_add(left))
    }

    /// The earlier of two.
    #[must_use]
    pub fn earlier(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(a), Some(b)) => Self(Some(a.min(b))),
            (a, b) => Self(a.or(b)),
        }
    }

    /// Time left at `now`; nothing left once it has passed.
    #[must_use]
    pub fn remaining(self, now: Instant) -> Duration {
        self.0
            .map_or(Duration::MAX, |at| at.saturating_duration_since(now))
    }

    /// Whether it has passed at `now`.
    #[must_use]
    pub fn has_passed(self, now: Instant) -> bool {
        self.remaining(now).is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_deadline_counts_and_none_never_does() {
        let now = Instant::now();
        let [soon, late] = [1, 2].map(|s| Deadline::after(now, Duration::from_secs(s)));
        assert_eq!(late.earlier(soon), soon);
        assert_eq!(Deadline::NONE.earlier(late), late);
        assert_eq!(late.earlier(Deadline::NONE), late);
        assert!(!Deadline::NONE.has_passed(now));
        assert!(soon.has_passed(now + Duration::from_secs(1)));
        assert_eq!(Deadline::after(now, Duration::MAX), Deadline::NONE);
    }
}
