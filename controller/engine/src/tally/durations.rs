//! How long reconciles took, in the buckets of a histogram.

use std::time::Duration;

/// Upper bounds of the buckets in seconds, from a look that finds nothing new to one that waits minutes for a
/// quota. What took longer is counted beyond the last.
const BOUNDS: [f64; 12] = [
    0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

/// How long reconciles took.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Durations {
    counts: [u64; BOUNDS.len()],
    beyond: u64,
    sum: Duration,
}

impl Durations {
    pub(super) fn record(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound);
        match bucket.and_then(|bucket| self.counts.get_mut(bucket)) {
            Some(count) => *count += 1,
            None => self.beyond += 1,
        }
        self.sum += took;
    }

    /// Counts by the upper bound of their bucket in seconds, each without those of the buckets before it. The
    /// last bound is infinite.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        let bounded = BOUNDS.into_iter().zip(self.counts);
        bounded.chain([(f64::INFINITY, self.beyond)])
    }

    /// All of them together.
    #[must_use]
    pub const fn sum(&self) -> Duration {
        self.sum
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.beyond
    }

    /// Those since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut counts = self.counts;
        for (count, before) in counts.iter_mut().zip(earlier.counts) {
            *count = count.saturating_sub(before);
        }
        Self {
            counts,
            beyond: self.beyond.saturating_sub(earlier.beyond),
            sum: self.sum.saturating_sub(earlier.sum),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_falls_into_the_first_bucket_that_holds_it() {
        let mut durations = Durations::default();
        for ms in [0, 10, 11, 300_000, 300_001] {
            durations.record(Duration::from_millis(ms));
        }
        let filled: Vec<(f64, u64)> = durations.buckets().filter(|(_, it)| *it > 0).collect();
        let expected = [(0.01, 2), (0.05, 1), (300.0, 1), (f64::INFINITY, 1)];
        assert_eq!(filled, expected);
        assert_eq!(durations.count(), 5);
        assert_eq!(durations.sum(), Duration::from_millis(600_022));
    }

    #[test]
    fn those_since_an_earlier_count_are_the_rest() {
        let mut durations = Durations::default();
        durations.record(Duration::from_secs(1));
        let earlier = durations.clone();
        durations.record(Duration::from_secs(20));
        let mut expected = Durations::default();
        expected.record(Duration::from_secs(20));
        assert_eq!(durations.since(&earlier), expected);
    }
}
