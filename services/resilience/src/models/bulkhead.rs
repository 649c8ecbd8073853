use std::sync::atomic::Ordering::Relaxed;

use shuttle::sync::atomic::AtomicU32;
use shuttle::thread::scope;

use super::{in_every_order, in_many_orders};
use crate::BulkheadConfig;
use crate::bulkhead::Bulkhead;

const fn limit(max_concurrent_calls: u32) -> BulkheadConfig {
    BulkheadConfig {
        max_concurrent_calls,
    }
}

/// Enters if it can, counts those within, and leaves.
fn visit(bulkhead: &Bulkhead, within: &AtomicU32, most: u32) {
    if let Some(_place) = bulkhead.enter() {
        assert!(within.fetch_add(1, Relaxed) < most, "more than {most}");
        within.fetch_sub(1, Relaxed);
    }
}

#[test]
fn it_never_holds_more_than_its_limit_and_is_empty_when_all_have_left() {
    in_every_order(|| {
        let (bulkhead, within) = (Bulkhead::new(limit(1)), AtomicU32::new(0));
        scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| visit(&bulkhead, &within, 1));
            }
        });
        assert_eq!(bulkhead.in_flight(), 0);
    });
}

#[test]
fn a_limit_that_changes_meanwhile_is_kept_too() {
    for (before, after) in [(2, 1), (1, 2)] {
        in_many_orders(move || {
            let (bulkhead, within) = (Bulkhead::new(limit(before)), AtomicU32::new(0));
            let resident = bulkhead.enter().unwrap();
            scope(|threads| {
                threads.spawn(|| visit(&bulkhead, &within, before.max(after) - 1));
                threads.spawn(|| visit(&bulkhead, &within, before.max(after) - 1));
                threads.spawn(|| bulkhead.reconfigure(limit(after)));
            });
            let free: Vec<_> = std::iter::from_fn(|| bulkhead.enter()).collect();
            assert_eq!(
                free.len() + 1,
                after as usize,
                "places, the resident's included"
            );
            drop((resident, free));
            assert_eq!(bulkhead.in_flight(), 0);
        });
    }
}
