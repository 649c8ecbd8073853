//! What a store holds, and the accounts of it: values by time and series, within limits.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Limits, StoreStats};
use crate::bucket::Bucket;
use crate::emf::{MAX_AHEAD_MS, Observation};
use crate::period::Period;
use crate::series::{Selector, SeriesId, SeriesIndex};

/// Length of a bucket: the shortest period that an alarm can have.
const BUCKET: Period = Period::from_whole_seconds(10);

/// Percentiles of values this young are not given up before older values are.
const PERCENTILES_KEPT_MS: i64 = 60 * 60 * 1_000;

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
    /// Number of the first slot whose distributions were not given up.
    distributions_from: i64,
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
            distributions_from: i64::MIN,
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

    /// Lets time pass by a clock. One that is set back far goes on from there: what came while it was
    /// ahead goes, and what comes now is not too old.
    pub(super) fn set_clock(&mut self, now_ms: i64) {
        if now_ms.saturating_add(self.limits.retention_ms) < self.now_ms {
            self.now_ms = now_ms;
            self.distributions_from = i64::MIN;
            let newest = BUCKET.index_of(now_ms.saturating_add(MAX_AHEAD_MS));
            let ahead = self.slots.split_off(&newest.saturating_add(1));
            ahead.values().for_each(|slot| self.forget(slot));
        }
        self.advance(now_ms);
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

    /// Keeps the store within its bytes: old percentiles go first, then the oldest values.
    fn give_up_oldest(&mut self) {
        while self.bytes > self.limits.bytes {
            if self.give_up_oldest_distributions() {
                continue;
            }
            let Some((_, slot)) = self.slots.pop_first() else {
                break;
            };
            self.refused.buckets_given_up += slot.len() as u64;
            self.forget(&slot);
        }
    }

    /// Gives up the distributions of one slot, the oldest that has any, unless it is still young.
    fn give_up_oldest_distributions(&mut self) -> bool {
        let young = BUCKET.index_of(self.now_ms.saturating_sub(PERCENTILES_KEPT_MS));
        let oldest = self.distributions_from.min(young)..young;
        let Some((number, slot)) = self.slots.range_mut(oldest).next() else {
            return false;
        };
        let before = footprint_bytes(slot);
        slot.values_mut().for_each(Bucket::give_up_distribution);
        self.distributions_from = number.saturating_add(1);
        self.bytes = (self.bytes + footprint_bytes(slot)).saturating_sub(before);
        self.refused.distributions_given_up += slot.len() as u64;
        true
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

    /// When the newest bucket that has a value of `series` begins.
    pub(super) fn newest_ms(&self, series: &[SeriesId]) -> Option<i64> {
        let has_any = |slot: &Slot| series.iter().any(|id| slot.contains_key(id));
        let (number, _) = self.slots.iter().rev().find(|(_, slot)| has_any(slot))?;
        Some(BUCKET.start_of(*number))
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
