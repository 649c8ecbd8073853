//! What the home on AWS counts: calls by their quota, and messages of the queue.

use std::sync::Arc;

use aws_adapter::{Calls, QueueTally, Tally};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::http::HomeMetrics;
use crate::http::metrics::Labels;

/// Metrics of the calls in `tally`, and of the queue where there is one.
pub(super) fn of(tally: Tally, queue: Option<Arc<QueueTally>>) -> HomeMetrics {
    Arc::new(move |registry| {
        add_calls(registry, &tally);
        if let Some(queue) = &queue {
            add_queue(registry, queue);
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

fn add_queue(registry: &mut Registry, queue: &QueueTally) {
    for (name, help, count) in [
        (
            "queue_messages",
            "Messages received from the queue",
            queue.received(),
        ),
        (
            "queue_unknown_messages",
            "Messages that could not be understood and were dropped",
            queue.unknown(),
        ),
        (
            "queue_failed_polls",
            "Polls of the queue that failed",
            queue.failed(),
        ),
    ] {
        let counter: Counter = Counter::default();
        counter.inc_by(count);
        registry.register(name, help, counter);
    }
}
