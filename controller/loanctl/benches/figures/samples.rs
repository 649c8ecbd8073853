//! Durations that were measured.

use std::time::Duration;

/// Durations in ascending order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<Duration>);

impl FromIterator<Duration> for Samples {
    fn from_iter<I: IntoIterator<Item = Duration>>(durations: I) -> Self {
        let mut durations: Vec<Duration> = durations.into_iter().collect();
        durations.sort_unstable();
        Self(durations)
    }
}

impl Samples {
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The smallest sample that `permille` of them do not exceed; zero without any.
    pub(crate) fn quantile(&self, permille: usize) -> Duration {
        let rank = (self.0.len() * permille).div_ceil(1_000).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }

    /// Percent of the samples that are below `limit`.
    pub(crate) fn percent_below(&self, limit: Duration) -> f64 {
        let below = self.0.partition_point(|it| *it < limit);
        100.0 * below as f64 / self.0.len().max(1) as f64
    }

    /// Minimum, median and maximum in seconds, as cells.
    pub(crate) fn spread(&self) -> [String; 3] {
        [0, 500, 1_000].map(|permille| seconds(self.quantile(permille)))
    }
}

pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

pub(crate) fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1_000.0)
}
