//! A bound on the calls that are under way at once.

use std::sync::atomic::Ordering;

use crate::sync::AtomicU32;

/// How many calls may be under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkheadConfig {
    /// Calls under way at once; more are refused without waiting.
    pub max_concurrent_calls: u32,
}

/// Counts calls under way. A lowered limit lets those under way finish.
#[derive(Debug)]
pub(crate) struct Bulkhead {
    limit: AtomicU32,
    in_flight: AtomicU32,
}

/// A place in the bulkhead, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place<'a>(&'a Bulkhead);

impl Bulkhead {
    pub(crate) fn new(config: BulkheadConfig) -> Self {
        Self {
            limit: AtomicU32::new(config.max_concurrent_calls),
            in_flight: AtomicU32::new(0),
        }
    }

    /// A place, or nothing when all are taken.
    pub(crate) fn enter(&self) -> Option<Place<'_>> {
        let limit = self.limit.load(Ordering::Relaxed);
        self.in_flight
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
                (taken < limit).then_some(taken + 1)
            })
            .ok()
            .map(|_| Place(self))
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(crate) fn reconfigure(&self, config: BulkheadConfig) {
        self.limit
            .store(config.max_concurrent_calls, Ordering::Relaxed);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::in_every_order;

    #[test]
    fn a_lowered_limit_refuses_until_enough_have_left() {
        in_every_order(|| {
            let bulkhead = Bulkhead::new(BulkheadConfig {
                max_concurrent_calls: 2,
            });
            let (first, second) = (bulkhead.enter(), bulkhead.enter());
            assert!(first.is_some() && second.is_some() && bulkhead.enter().is_none());
            bulkhead.reconfigure(BulkheadConfig {
                max_concurrent_calls: 1,
            });
            drop(first);
            assert!(bulkhead.enter().is_none());
            drop(second);
            assert!(bulkhead.enter().is_some());
        });
    }
}
