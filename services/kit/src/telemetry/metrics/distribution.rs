//! A distribution of values in buckets whose width grows with the value.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Each bucket is this much wider than the one below: a value is known to 2.5 %.
const GROWTH: f64 = 1.05;
/// Values up to this one share the lowest bucket.
const LOWEST: f64 = 0.05;
/// Reaches 0.05 × 1.05^330, about 500 000: eight minutes in milliseconds, half a megabyte in bytes.
const BUCKETS: usize = 330;

/// Values seen, by size. Recording is two atomic additions.
#[derive(Clone, Debug)]
pub struct Distribution(Arc<Buckets>);

#[derive(Debug)]
struct Buckets {
    counts: Vec<AtomicU64>,
    /// Sum in thousandths, so that it can be an integer.
    sum_milli: AtomicU64,
}

impl Default for Distribution {
    fn default() -> Self {
        Self(Arc::new(Buckets {
            counts: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            sum_milli: AtomicU64::new(0),
        }))
    }
}

impl Distribution {
    /// Records `value`; negative values and NaN count as zero.
    pub fn record(&self, value: f64) {
        if let Some(count) = self.0.counts.get(bucket_of(value)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let milli = whole(value * 1_000.0);
        self.0.sum_milli.fetch_add(milli, Ordering::Relaxed);
    }

    /// Records a duration in milliseconds.
    pub fn record_ms(&self, duration: std::time::Duration) {
        self.record(duration.as_secs_f64() * 1_000.0);
    }

    /// Everything recorded so far.
    pub(super) fn snapshot(&self) -> Snapshot {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Snapshot {
            counts: self.0.counts.iter().map(read).collect(),
            sum_milli: read(&self.0.sum_milli),
        }
    }
}

/// The state of a distribution at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot {
    counts: Vec<u64>,
    sum_milli: u64,
}

impl Snapshot {
    /// What was recorded since `earlier`, as at most `limit` pairs of a value and how often it was
    /// seen. Where there are more, neighbours are merged.
    pub(super) fn since(&self, earlier: &Self, limit: usize) -> Vec<(f64, u64)> {
        let before = earlier.counts.iter().copied().chain(std::iter::repeat(0));
        let seen: Vec<(usize, u64)> = (self.counts.iter().zip(before).enumerate())
            .map(|(bucket, (now, before))| (bucket, now.saturating_sub(before)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let merged = seen.len().div_ceil(limit.max(1)).max(1);
        seen.chunks(merged).map(merge).collect()
    }

    /// How many values fell into each interval that `bounds`, in rising order, make, with their
    /// upper bounds; the last interval has no bound.
    pub(super) fn histogram(&self, bounds: &[f64]) -> Vec<(f64, u64)> {
        let mut buckets = self.counts.iter().enumerate().peekable();
        let mut up_to = |bound: f64| {
            let mut count = 0;
            while let Some((_, n)) = buckets.next_if(|(bucket, _)| middle(*bucket) <= bound) {
                count += n;
            }
            (bound, count)
        };
        let endless = std::iter::once(f64::INFINITY);
        bounds
            .iter()
            .copied()
            .chain(endless)
            .map(&mut up_to)
            .collect()
    }

    /// How many values there are.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The sum of all values.
    #[expect(clippy::cast_precision_loss, reason = "a sum shown to people")]
    pub(super) fn sum(&self) -> f64 {
        self.sum_milli as f64 / 1_000.0
    }
}

fn merge(neighbours: &[(usize, u64)]) -> (f64, u64) {
    let count: u64 = neighbours.iter().map(|(_, count)| count).sum();
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of one interval are small"
    )]
    let weighted = neighbours
        .iter()
        .map(|(bucket, n)| middle(*bucket) * *n as f64)
        .sum::<f64>()
        / count.max(1) as f64;
    (weighted, count)
}

fn bucket_of(value: f64) -> usize {
    if value.is_nan() || value <= LOWEST {
        return 0;
    }
    let bucket = ((value / LOWEST).ln() / GROWTH.ln()).ceil();
    usize::try_from(whole(bucket))
        .unwrap_or(BUCKETS)
        .min(BUCKETS - 1)
}

/// The value that stands for a bucket: its geometric middle.
#[expect(clippy::cast_precision_loss, reason = "there are few buckets")]
fn middle(bucket: usize) -> f64 {
    LOWEST * GROWTH.powf(bucket as f64 - 0.5)
}

/// `value` as an unsigned integer; what does not fit becomes the nearest that does.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturating, which is what is wanted here"
)]
fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_within_the_resolution() {
        for value in [0.1, 1.0, 12.5, 800.0, 65_536.0] {
            let distribution = Distribution::default();
            distribution.record(value);
            let seen = distribution.snapshot().since(&Snapshot::default(), 100);
            assert_eq!(seen.len(), 1);
            assert!((seen[0].0 / value - 1.0).abs() < 0.026, "{value}: {seen:?}");
        }
    }

    #[test]
    fn an_interval_holds_only_what_was_recorded_in_it() {
        let distribution = Distribution::default();
        distribution.record(5.0);
        let earlier = distribution.snapshot();
        distribution.record(5.0);
        distribution.record(500.0);
        let seen = distribution.snapshot().since(&earlier, 100);
        assert_eq!(seen.iter().map(|(_, count)| count).sum::<u64>(), 2);
        assert!((distribution.snapshot().sum() - 510.0).abs() < 0.01);
    }

    #[test]
    fn more_values_than_the_limit_are_merged_and_none_is_lost() {
        let distribution = Distribution::default();
        for value in 1..5_000 {
            distribution.record(f64::from(value));
        }
        let seen = distribution.snapshot().since(&Snapshot::default(), 100);
        assert!(seen.len() <= 100);
        assert_eq!(seen.iter().map(|(_, count)| count).sum::<u64>(), 4_999);
    }

    #[test]
    fn impossible_values_do_no_harm() {
        let distribution = Distribution::default();
        for value in [f64::NAN, -1.0, f64::INFINITY] {
            distribution.record(value);
        }
        assert_eq!(distribution.snapshot().count(), 3);
    }
}
