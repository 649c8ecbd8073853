//! Periods: stretches of time aligned to multiples of their own length, as CloudWatch aligns them.

use jiff::Timestamp;

/// Length of a datapoint in milliseconds, one at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(i64);

impl Period {
    /// A period of so many milliseconds; zero counts as one.
    #[must_use]
    pub fn from_millis(period_ms: u64) -> Self {
        Self(i64::try_from(period_ms).unwrap_or(i64::MAX).max(1))
    }

    /// A period of so many seconds, one at least.
    pub(crate) const fn from_whole_seconds(seconds: u32) -> Self {
        Self(if seconds == 0 {
            1_000
        } else {
            seconds as i64 * 1_000
        })
    }

    /// Its length in milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Number of the period that `at_ms` lies in, counted from the epoch.
    pub(crate) const fn index_of(self, at_ms: i64) -> i64 {
        at_ms.div_euclid(self.0)
    }

    /// Start, in milliseconds since the epoch, of the period with that number.
    pub(crate) const fn start_of(self, index: i64) -> i64 {
        index.saturating_mul(self.0)
    }

    /// End, in milliseconds since the epoch, of the period with that number.
    pub(crate) const fn end_of(self, index: i64) -> i64 {
        self.start_of(index.saturating_add(1))
    }

    /// The number of the first period that begins at or after `at_ms`.
    pub(crate) const fn first_from(self, at_ms: i64) -> i64 {
        let index = self.index_of(at_ms);
        if self.start_of(index) == at_ms {
            index
        } else {
            index.saturating_add(1)
        }
    }
}

/// The time that many milliseconds after the epoch, or the last one that can be told.
pub(crate) fn timestamp(at_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(at_ms).unwrap_or(if at_ms < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_aligned_to_multiples_of_their_length() {
        let period = Period::from_millis(10_000);
        assert_eq!(period.index_of(19_999), 1);
        assert_eq!(period.start_of(1), 10_000);
        assert_eq!(period.index_of(-1), -1, "before the epoch too");
    }

    #[test]
    fn the_first_period_from_a_time_never_began_before_it() {
        let period = Period::from_millis(10_000);
        assert_eq!(period.first_from(20_000), 2);
        assert_eq!(period.first_from(20_001), 3);
    }
}
