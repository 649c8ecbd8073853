//! The metric store: what was measured, by time and series.

mod slots;

use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::bucket::{Bucket, Summary};
use crate::emf::{self, EmfError, Observation};
use crate::period::Period;
use crate::series::{Dimensions, Selector};
use slots::Slots;

/// How much a [`MetricStore`] may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Series; what comes for a further one is refused and counted, until an old one has had no
    /// value for as long as values are kept.
    pub series: usize,
    /// How long values are kept, in milliseconds. CloudWatch keeps high-resolution values as long.
    pub retention_ms: i64,
    /// Bytes of values, as counted by their size. Beyond it percentiles of what is older than an hour
    /// are given up first, then the oldest values. Names of series come on top, 4 KiB each at most.
    pub bytes: usize,
}

impl Default for Limits {
    /// 4096 series, three hours, 64 MiB: with names, 80 MiB at most.
    ///
    /// A platform makes about 120 series. With two busy tasks of each service they reach this bound
    /// after some two hours; all three hours of values fit, with percentiles of the last two.
    fn default() -> Self {
        Self {
            series: 4_096,
            retention_ms: 3 * 60 * 60 * 1_000,
            bytes: 64 * 1_024 * 1_024,
        }
    }
}

/// What a store holds, and what it would not take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Series known.
    pub series: usize,
    /// Bytes of values.
    pub bytes: usize,
    /// EMF lines taken.
    pub lines_taken: u64,
    /// EMF lines refused.
    pub lines_refused: u64,
    /// Values refused because there were too many series, or the series' names are too long.
    pub values_without_series: u64,
    /// Values that were older than values are kept.
    pub values_too_old: u64,
    /// Values that are no numbers by CloudWatch's rules.
    pub values_unusable: u64,
    /// Buckets whose percentiles were given up because the store was full.
    pub distributions_given_up: u64,
    /// Buckets given up before their time because the store was full.
    pub buckets_given_up: u64,
}

/// Keeps metrics in memory. Share it in an `Arc`; every call locks it briefly.
///
/// # Caveats
/// Values are kept in buckets of ten seconds, each series' count, sum, extremes and distribution.
/// Values that come late are added to the bucket of their own time: they change what is asked for
/// later, not what was judged before. As in CloudWatch, a percentile of many values is an
/// approximation, here within 2 %. Units are not told apart.
pub struct MetricStore {
    slots: Mutex<Slots>,
}

impl fmt::Debug for MetricStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MetricStore").field(&self.stats()).finish()
    }
}

impl Default for MetricStore {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl MetricStore {
    /// An empty store.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            slots: Mutex::new(Slots::new(limits)),
        }
    }

    /// Takes one EMF line in, received at `received_at`. Returns how many metrics it brought.
    ///
    /// # Errors
    /// When the line breaks EMF's rules. Nothing of it is kept then, and it is counted.
    pub fn ingest_emf(&self, line: &str, received_at: Timestamp) -> Result<usize, EmfError> {
        let parsed = emf::parse(line, received_at);
        let mut slots = self.lock();
        match parsed {
            Ok(record) => {
                slots.refused.lines_taken += 1;
                slots.set_clock(received_at.as_millisecond());
                let at_ms = record.at.as_millisecond();
                let taken = record
                    .observations
                    .into_iter()
                    .filter(|observation| slots.observe(observation, at_ms))
                    .count();
                Ok(taken)
            }
            Err(error) => {
                slots.refused.lines_refused += 1;
                Err(error)
            }
        }
    }

    /// Takes one value in, measured at `at`.
    ///
    /// What cannot be kept (too many series, too old, not a number) is counted in [`Self::stats`].
    pub fn record(
        &self,
        namespace: &str,
        metric: &str,
        dimensions: &[(&str, &str)],
        value: f64,
        at: Timestamp,
    ) {
        let dimensions: Dimensions = dimensions
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut slots = self.lock();
        slots.advance(at.as_millisecond());
        slots.observe(
            &Observation {
                namespace: namespace.to_owned(),
                metric: metric.to_owned(),
                dimensions,
                values: vec![(value, 1)],
            },
            at.as_millisecond(),
        );
    }

    /// What it holds and what it refused.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.lock().stats()
    }

    /// Looks at the store as it is now; nothing is taken in until the view is dropped.
    pub(crate) fn view(&self) -> View<'_> {
        View(self.lock())
    }

    /// A panic while the lock was held leaves at worst one value half counted, so the store stays
    /// usable.
    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The store at one moment. Questions that belong together are asked of one view.
pub(crate) struct View<'a>(MutexGuard<'a, Slots>);

impl View<'_> {
    /// The values of the selected series together, for each of the periods with these numbers.
    pub(crate) fn buckets(
        &self,
        selector: &Selector,
        period: Period,
        periods: Range<i64>,
    ) -> Vec<Bucket> {
        let series = self.0.select(selector);
        let in_period = |index| {
            let mut merged = Bucket::default();
            self.0
                .between(&series, period.start_of(index), period.end_of(index))
                .for_each(|bucket| merged.merge(bucket));
            merged
        };
        periods.map(in_period).collect()
    }

    /// Like [`Self::buckets`], without how the values are distributed.
    pub(crate) fn summaries(
        &self,
        selector: &Selector,
        period: Period,
        periods: Range<i64>,
    ) -> Vec<Summary> {
        let series = self.0.select(selector);
        let in_period = |index| {
            let mut merged = Summary::default();
            self.0
                .between(&series, period.start_of(index), period.end_of(index))
                .for_each(|bucket| merged.merge(bucket.summary()));
            merged
        };
        periods.map(in_period).collect()
    }

    /// The values of the selected series in all buckets that begin at or after `since_ms`.
    pub(crate) fn since(&self, selector: &Selector, since_ms: i64) -> Summary {
        let series = self.0.select(selector);
        let mut merged = Summary::default();
        self.0
            .between(&series, since_ms, i64::MAX)
            .for_each(|bucket| merged.merge(bucket.summary()));
        merged
    }

    /// When the newest value of the selected series came in, to ten seconds.
    pub(crate) fn newest_ms(&self, selector: &Selector) -> Option<i64> {
        self.0.newest_ms(&self.0.select(selector))
    }

    /// How long values are kept, in milliseconds.
    pub(crate) fn retention_ms(&self) -> i64 {
        self.0.retention_ms()
    }
}

#[cfg(test)]
mod tests;
