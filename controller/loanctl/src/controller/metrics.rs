//! What is counted on AWS alone: calls by their quota, messages of the queue, and those that never came.

use std::sync::Arc;

use aws_adapter::{Calls, QueueTally, Tally, Unclaimed};
use engine::board::Board;
use engine::tally::Counts;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use crate::http::HomeMetrics;
use crate::http::metrics::{Labels, add_counter, add_gauge};

/// What is shown and counted where.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    /// The platforms.
    pub(super) board: Arc<Board>,
    /// By the engine.
    pub(super) engine: Arc<engine::tally::Tally>,
    /// The calls to AWS.
    pub(super) calls: Tally,
    /// The queue, where there is one.
    pub(super) queue: Option<Arc<QueueTally>>,
    /// Services that nobody keeps; nothing before they were first looked for.
    pub(super) unclaimed: watch::Receiver<Option<Unclaimed>>,
}

impl Sources {
    /// Services that are orphaned, and that were retained.
    pub(super) fn unclaimed(&self) -> Option<(usize, usize)> {
        let unclaimed = self.unclaimed.borrow();
        let unclaimed = unclaimed.as_ref();
        unclaimed.map(|it| (it.orphaned.len(), it.retained.len()))
    }
}

/// What was counted of the queue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct QueueCounts {
    /// Messages received.
    pub(super) received: u64,
    /// Messages that could not be understood.
    pub(super) unknown: u64,
    /// Polls that failed.
    pub(super) failed: u64,
}

impl QueueCounts {
    /// What `tally` says by now.
    pub(super) fn of(tally: &QueueTally) -> Self {
        Self {
            received: tally.received(),
            unknown: tally.unknown(),
            failed: tally.failed(),
        }
    }
}

/// Metrics of the calls, and of the queue where there is one.
pub(super) fn of(sources: Sources) -> HomeMetrics {
    Arc::new(move |registry| {
        add_calls(registry, &sources.calls);
        if let Some((orphaned, retained)) = sources.unclaimed() {
            add_unclaimed(registry, orphaned, retained);
        }
        if let Some(queue) = &sources.queue {
            add_queue(registry, QueueCounts::of(queue), &sources.engine.counts());
        }
    })
}

fn add_calls(registry: &mut Registry, tally: &Tally) {
    let calls = Family::<Labels, Counter>::default();
    for (family, made) in tally.calls() {
        for (result, count) in by_result(made) {
            let labels = vec![
                ("family", family.to_string()),
                ("result", result.to_owned()),
            ];
            calls.get_or_create(&labels).inc_by(count);
        }
    }
    let help = "Calls to AWS, by the quota that they are on and by result";
    registry.register("aws_calls", help, calls);
}

fn by_result(calls: Calls) -> [(&'static str, u64); 3] {
    let answered = calls.made - calls.throttled - calls.failed;
    [
        ("answered", answered),
        ("throttled", calls.throttled),
        ("failed", calls.failed),
    ]
}

fn add_unclaimed(registry: &mut Registry, orphaned: usize, retained: usize) {
    let about_orphaned = "Services with the controller's tag and of no platform";
    let about_retained = "Services of platforms that were removed with Retain";
    for (name, help, count) in [
        ("orphaned_services", about_orphaned, orphaned),
        ("retained_services", about_retained, retained),
    ] {
        add_gauge(registry, name, help, count as u64);
    }
}

fn add_queue(registry: &mut Registry, queue: QueueCounts, counts: &Counts) {
    for (name, help, count) in [
        (
            "queue_messages",
            "Messages received from the queue",
            queue.received,
        ),
        (
            "queue_unknown_messages",
            "Messages that could not be understood and were dropped",
            queue.unknown,
        ),
        (
            "queue_failed_polls",
            "Polls of the queue that failed",
            queue.failed,
        ),
    ] {
        add_counter(registry, name, help, count);
    }
    let missed = Family::<Labels, Counter>::default();
    for (of, count) in [
        ("specs", counts.missed_specs),
        ("platforms", counts.missed_platforms),
    ] {
        let labels = vec![("of", of.to_owned())];
        missed.get_or_create(&labels).inc_by(count);
    }
    let help = "Changes that were found by looking and that no message told of within a minute";
    registry.register("missed_events", help, missed);
}
