//! A bucket: what is kept of the values of one series in ten seconds.

use schema::platform::Statistic;
use sketches_ddsketch::{Config, DDSketch};

/// Different values kept exactly before a sketch takes over.
const EXACT_VALUES: usize = 32;
/// Relative error of percentiles from a sketch.
const SKETCH_ERROR: f64 = 0.02;
/// Bins of a sketch, for values above zero and again for those below. With the error above, 512 bins
/// tell values apart over eight orders of magnitude; beyond that the smallest become one.
const SKETCH_BINS: u32 = 512;
/// Values nearer to zero are zero.
const SKETCH_SMALLEST: f64 = 1e-9;

/// Number, sum and extremes of some values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Summary {
    pub(crate) count: u64,
    pub(crate) sum: f64,
    extremes: Option<(f64, f64)>,
}

impl Summary {
    fn add(&mut self, value: f64, count: u64) {
        self.merge(&Self {
            count,
            sum: value * as_f64(count),
            extremes: Some((value, value)),
        });
    }

    /// Takes everything in that `other` holds.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum += other.sum;
        self.extremes = match (self.extremes, other.extremes) {
            (Some(ours), Some(theirs)) => Some((ours.0.min(theirs.0), ours.1.max(theirs.1))),
            (ours, theirs) => ours.or(theirs),
        };
    }
}

/// What is kept of a series' values: a summary, and how they are distributed.
///
/// # Bounds
/// 9 KiB at most, however many values come in.
#[derive(Clone, Default)]
pub(crate) struct Bucket {
    summary: Summary,
    distribution: Distribution,
}

impl Bucket {
    /// Takes `count` times `value` in.
    pub(crate) fn add(&mut self, value: f64, count: u64) {
        if count > 0 {
            self.summary.add(value, count);
            self.distribution.add(value, count);
        }
    }

    /// Takes everything in that `other` holds.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.summary.merge(&other.summary);
        self.distribution.merge(&other.distribution);
    }

    /// Forgets how the values are distributed: percentiles of them cannot be told any more.
    pub(crate) fn give_up_distribution(&mut self) {
        self.distribution = Distribution::GivenUp;
    }

    /// Number, sum and extremes.
    pub(crate) const fn summary(&self) -> &Summary {
        &self.summary
    }

    /// A statistic of the values; nothing of none, and no percentile of a distribution given up.
    pub(crate) fn statistic(&self, statistic: Statistic) -> Option<f64> {
        let Summary {
            count,
            sum,
            extremes,
        } = self.summary;
        let (minimum, maximum) = extremes?;
        let percentile = |share| {
            let value = self.distribution.quantile(share)?;
            Some(value.clamp(minimum, maximum))
        };
        match statistic {
            Statistic::Average => Some(sum / as_f64(count)),
            Statistic::Sum => Some(sum),
            Statistic::Minimum => Some(minimum),
            Statistic::Maximum => Some(maximum),
            Statistic::SampleCount => Some(as_f64(count)),
            Statistic::P50 => percentile(0.5),
            Statistic::P90 => percentile(0.9),
            Statistic::P95 => percentile(0.95),
            Statistic::P99 => percentile(0.99),
            Statistic::P999 => percentile(0.999),
        }
    }

    /// Bytes it takes up, its place in a map included.
    pub(crate) fn footprint_bytes(&self) -> usize {
        /// What a hash map spends on an entry beyond its value: the key, and room to grow.
        const MAP_ENTRY: usize = 96;
        size_of::<Self>() + MAP_ENTRY + self.distribution.heap_bytes()
    }
}

/// How values are distributed: exactly while they are few, in a sketch when they are many.
#[derive(Clone)]
enum Distribution {
    /// Values, ascending, with how often each came.
    Few(Vec<(f64, u64)>),
    Many(Box<DDSketch>),
    /// It was forgotten to save memory.
    GivenUp,
}

impl Default for Distribution {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Distribution {
    fn add(&mut self, value: f64, count: u64) {
        match self {
            Self::GivenUp => (),
            Self::Many(sketch) => sketch.add_with_count(value, count),
            Self::Few(values) => {
                match values.binary_search_by(|(known, _)| known.total_cmp(&value)) {
                    Ok(place) => values[place].1 = values[place].1.saturating_add(count),
                    Err(place) if values.len() < EXACT_VALUES => {
                        values.insert(place, (value, count));
                    }
                    Err(_) => {
                        let mut sketch = sketch_of(values);
                        sketch.add_with_count(value, count);
                        *self = Self::Many(Box::new(sketch));
                    }
                }
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (_, Self::GivenUp) => *self = Self::GivenUp,
            (Self::GivenUp, _) => (),
            (_, Self::Few(values)) => {
                for (value, count) in values {
                    self.add(*value, *count);
                }
            }
            // All sketches here are made alike, which is all that merging asks for.
            (Self::Many(ours), Self::Many(theirs)) => {
                let _same_configuration = ours.merge(theirs);
            }
            (Self::Few(values), Self::Many(theirs)) => {
                let mut sketch = sketch_of(values);
                let _same_configuration = sketch.merge(theirs);
                *self = Self::Many(Box::new(sketch));
            }
        }
    }

    fn quantile(&self, share: f64) -> Option<f64> {
        match self {
            Self::GivenUp => None,
            Self::Many(sketch) => sketch.quantile(share).ok().flatten(),
            Self::Few(values) => nearest_rank(values, share),
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Self::GivenUp => 0,
            Self::Few(values) => values.capacity() * size_of::<(f64, u64)>(),
            Self::Many(sketch) => size_of::<DDSketch>() + sketch.length() * size_of::<u64>(),
        }
    }
}

fn sketch_of(values: &[(f64, u64)]) -> DDSketch {
    let mut sketch = DDSketch::new(Config::new(SKETCH_ERROR, SKETCH_BINS, SKETCH_SMALLEST));
    for (value, count) in values {
        sketch.add_with_count(*value, *count);
    }
    sketch
}

/// The smallest of the ascending `values` that has at least `share` of them at or below it.
fn nearest_rank(values: &[(f64, u64)], share: f64) -> Option<f64> {
    let total = values
        .iter()
        .fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    let wanted = (as_f64(total) * share).max(1.0);
    let mut below = 0_u64;
    for (value, count) in values {
        below = below.saturating_add(*count);
        if as_f64(below) >= wanted {
            return Some(*value);
        }
    }
    values.last().map(|(value, _)| *value)
}

/// Counts stay far below 2^53, where a float stops being exact.
#[expect(
    clippy::cast_precision_loss,
    reason = "a count of samples, only used in arithmetic with measured values"
)]
const fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bucket(values: &[f64]) -> Bucket {
        let mut bucket = Bucket::default();
        for value in values {
            bucket.add(*value, 1);
        }
        bucket
    }

    #[test]
    fn few_values_have_exact_statistics() {
        let bucket = bucket(&[4.0, 1.0, 3.0, 2.0]);
        let expected = [
            (Statistic::Average, 2.5),
            (Statistic::Sum, 10.0),
            (Statistic::Minimum, 1.0),
            (Statistic::Maximum, 4.0),
            (Statistic::SampleCount, 4.0),
            (Statistic::P50, 2.0),
            (Statistic::P99, 4.0),
        ];
        for (statistic, value) in expected {
            assert_eq!(bucket.statistic(statistic), Some(value), "{statistic:?}");
        }
    }

    #[test]
    fn an_empty_bucket_has_no_statistic_not_even_zero() {
        assert_eq!(Bucket::default().statistic(Statistic::Sum), None);
        assert_eq!(Bucket::default().statistic(Statistic::SampleCount), None);
    }

    #[test]
    fn percentiles_of_many_values_are_right_within_two_percent() {
        let values: Vec<f64> = (1..=10_000).map(f64::from).collect();
        let bucket = bucket(&values);
        for (statistic, exact) in [
            (Statistic::P50, 5_000.0),
            (Statistic::P90, 9_000.0),
            (Statistic::P99, 9_900.0),
            (Statistic::P999, 9_990.0),
        ] {
            let found = bucket.statistic(statistic).unwrap();
            assert!(
                (found - exact).abs() <= exact * 0.021,
                "{statistic:?}: {found}"
            );
        }
    }

    #[test]
    fn a_distribution_given_up_leaves_everything_but_percentiles() {
        let mut bucket = bucket(&[1.0, 2.0]);
        bucket.give_up_distribution();
        bucket.add(3.0, 1);
        let mut merged = super::tests::bucket(&[4.0]);
        merged.merge(&bucket);
        assert_eq!(merged.statistic(Statistic::Sum), Some(10.0));
        assert_eq!(
            merged.statistic(Statistic::P50),
            None,
            "rather none than a wrong one"
        );
    }

    #[test]
    fn counts_beyond_all_measure_do_not_overflow() {
        let mut bucket = bucket(&[]);
        for value in 0..60 {
            bucket.add(f64::from(value), u64::from(u32::MAX));
        }
        assert!(bucket.statistic(Statistic::P99).is_some());
    }

    proptest! {
        #[test]
        fn a_bucket_stays_small_whatever_comes(values in prop::collection::vec(any::<f64>(), 0..500)) {
            let finite: Vec<f64> = values.into_iter().filter(|it| it.abs() < 1e100).collect();
            prop_assert!(bucket(&finite).footprint_bytes() <= 9 * 1_024);
        }

        #[test]
        fn merging_is_like_having_taken_everything_in_at_once(
            ours in prop::collection::vec(-1e6..1e6, 0..60),
            theirs in prop::collection::vec(-1e6..1e6, 0..60),
        ) {
            let mut merged = bucket(&ours);
            merged.merge(&bucket(&theirs));
            let whole = bucket(&[ours, theirs].concat());
            for statistic in [Statistic::SampleCount, Statistic::Minimum, Statistic::Maximum, Statistic::P90] {
                prop_assert_eq!(merged.statistic(statistic), whole.statistic(statistic));
            }
        }
    }
}
