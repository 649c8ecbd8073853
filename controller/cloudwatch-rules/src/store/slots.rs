//! What a store holds, and the accounts of it: values by time and series, within limits.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Limits, StoreStats};
use crate::bucket::Bucket;
use crate::emf::Observation;
use crate::period::Period;
use crate::series::{Selector, SeriesId, SeriesIndex};

/// Length of a bucket: the shortest period that an alarm can have.
const BUCKET: Period = Period::from_whole_seconds(10);

/// CloudWatch takes values between -2^360 and 2^360, neither NaN nor infinite.
///
/// Source: CloudWatch API Reference, `MetricDatum`.
const LARGEST_VALUE: f64 = 2.348_542_582_773_833_2e108;

/// Values of ten seconds, by series.
type Slot = HashMap<SeriesId, Bucket>;

pub(super) struct Slots {
    limits: Limits,
    index: SeriesIndex,
    /// By number of the bucket. Time comes first so that what is old goes in one step.
    slots: BTreeMap<i64, Slot>,
    /// How many slots hold values of a series; those in none are not listed.
    slots_of: HashMap<SeriesId, usize>,
    bytes: usize,
    /// The latest time told to the store.
    now_ms: i64,
    /// What was taken and refused; what is held is told by the rest.
    pub(super) refused: StoreStats,
}

impl Slots {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            index: SeriesIndex::new(limits.series),
            slots: BTreeMap::new(),
            slots_of: HashMap::new(),
            bytes: 0,
            now_ms: i64::MIN,
            refused: StoreStats::default(),
        }
    }

    /// Lets time pass: what is too old goes.
    pub(super) fn advance(&mut self, now_ms: i64) {
        self.now_ms = self.now_ms.max(now_ms);
        let oldest = self.oldest_kept();
        while let Some(entry) = self.slots.first_entry() {
            if *entry.key() >= oldest {
                break;
            }
            let slot = entry.remove();
            self.forget(&slot);
        }
    }

    fn oldest_kept(&self) -> i64 {
        BUCKET.index_of(self.now_ms.saturating_sub(self.limits.retention_ms))
    }

    /// Takes one observation in. Whether it was kept.
    pub(super) fn observe(&mut self, observation: &Observation, at_ms: i64) -> bool {
        let number = BUCKET.index_of(at_ms);
        if number < self.oldest_kept() {
            self.refused.values_too_old += 1;
            return false;
        }
        let Some(series) = self.series_of(observation) else {
            self.refused.values_without_series += 1;
            return false;
        };
        let slot = self.slots.entry(number).or_default();
        let bucket = slot.entry(series).or_insert_with(|| {
            *self.slots_of.entry(series).or_default() += 1;
            self.bytes += Bucket::default().footprint_bytes();
            Bucket::default()
        });
        let before = bucket.footprint_bytes();
        for (value, count) in &observation.values {
            if value.is_finite() && value.abs() <= LARGEST_VALUE {
                bucket.add(*value, *count);
            } else {
                self.refused.values_unusable += 1;
            }
        }
        self.bytes = (self.bytes + bucket.footprint_bytes()).saturating_sub(before);
        self.give_up_oldest();
        true
    }

    fn series_of(&mut self, observation: &Observation) -> Option<SeriesId> {
        let Observation {
            namespace,
            metric,
            dimensions,
            ..
        } = observation;
        let known = self.index.find(namespace, metric, dimensions);
        known.or_else(|| self.index.insert(namespace, metric, dimensions.clone()))
    }

    /// Keeps the store within its bytes.
    fn give_up_oldest(&mut self) {
        while self.bytes > self.limits.bytes {
            let Some((_, slot)) = self.slots.pop_first() else {
                break;
            };
            self.refused.buckets_given_up += slot.len() as u64;
            self.forget(&slot);
        }
    }

    /// Settles the accounts of a slot that was taken out, and forgets series that it held the last
    /// values of.
    fn forget(&mut self, slot: &Slot) {
        self.bytes = self.bytes.saturating_sub(footprint_bytes(slot));
        let mut silent = HashSet::new();
        for series in slot.keys() {
            if let Some(slots) = self.slots_of.get_mut(series) {
                *slots -= 1;
                if *slots == 0 {
                    self.slots_of.remove(series);
                    silent.insert(*series);
                }
            }
        }
        if !silent.is_empty() {
            self.index.remove(&silent);
        }
    }

    /// The series that `selector` means.
    pub(super) fn select(&self, selector: &Selector) -> Vec<SeriesId> {
        self.index.select(selector)
    }

    /// Bytes of values, counted afresh.
    #[cfg(test)]
    pub(super) fn counted_bytes(&self) -> usize {
        self.slots.values().map(footprint_bytes).sum()
    }

    /// How long values are kept, in milliseconds.
    pub(super) const fn retention_ms(&self) -> i64 {
        self.limits.retention_ms
    }

    /// What is held and what was refused.
    pub(super) fn stats(&self) -> StoreStats {
        StoreStats {
            series: self.index.len(),
            bytes: self.bytes,
            ..self.refused
        }
    }

    /// The buckets of `series` that begin in a stretch of time.
    pub(super) fn between(
        &self,
        series: &[SeriesId],
        from_ms: i64,
        until_ms: i64,
    ) -> impl Iterator<Item = &Bucket> {
        self.slots
            .range(BUCKET.first_from(from_ms)..BUCKET.first_from(until_ms))
            .flat_map(move |(_, slot)| series.iter().filter_map(|id| slot.get(id)))
    }
}

fn footprint_bytes(slot: &Slot) -> usize {
    slot.values().map(Bucket::footprint_bytes).sum()
}
