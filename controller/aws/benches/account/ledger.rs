//! The calls made: by operation, and those that changed something by platform.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// What APIs are called that change something.
const CHANGING: [&str; 9] = [
    "CreateService",
    "UpdateService",
    "DeleteService",
    "RegisterTaskDefinition",
    "TagResource",
    "PutMetricAlarm",
    "DeleteAlarms",
    "PUT",
    "DELETE",
];
/// Documents of the controller's own, whose writing changes nothing of any platform.
const OWN: [&str; 2] = ["PUT lease", "PUT state"];

/// Calls of one operation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Calls {
    pub(crate) made: u64,
    pub(crate) throttled: u64,
}

/// A call that changed something.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) at: Instant,
    pub(crate) operation: String,
    pub(crate) platform: String,
}

/// Everything that was called.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    calls: BTreeMap<String, Calls>,
    changes: Vec<Change>,
    latencies: u64,
}

impl Ledger {
    pub(super) fn call(&mut self, operation: &str, is_let_through: bool) {
        let calls = match self.calls.get_mut(operation) {
            Some(calls) => calls,
            None => self.calls.entry(operation.to_owned()).or_default(),
        };
        calls.made += 1;
        calls.throttled += u64::from(!is_let_through);
    }

    pub(super) fn changed(&mut self, operation: &str, platform: &str) {
        self.changes.push(Change {
            at: Instant::now(),
            operation: operation.to_owned(),
            platform: platform.to_owned(),
        });
    }

    /// The next latency: the same in every run.
    pub(super) fn latency(&mut self, (shortest, spread_ms): (Duration, u64)) -> Duration {
        self.latencies += 1;
        shortest + Duration::from_millis(self.latencies.wrapping_mul(7_919) % (spread_ms + 1))
    }

    /// What was called since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let less = |(operation, calls): (&String, &Calls)| {
            let before = before.calls.get(operation).copied().unwrap_or_default();
            let calls = Calls {
                made: calls.made - before.made,
                throttled: calls.throttled - before.throttled,
            };
            (operation.clone(), calls)
        };
        let calls = self.calls.iter().map(less);
        Self {
            calls: calls.filter(|(_, calls)| calls.made > 0).collect(),
            changes: self
                .changes
                .get(before.changes.len()..)
                .unwrap_or_default()
                .to_vec(),
            latencies: 0,
        }
    }

    /// Calls by operation.
    pub(crate) fn calls(&self) -> &BTreeMap<String, Calls> {
        &self.calls
    }

    /// Calls that changed something of a platform.
    pub(crate) fn mutating(&self) -> u64 {
        let is_changing = |operation: &str| {
            !OWN.contains(&operation) && CHANGING.iter().any(|it| operation.starts_with(it))
        };
        let changing = self.calls.iter().filter(|(it, _)| is_changing(it));
        changing
            .map(|(_, calls)| calls.made - calls.throttled)
            .sum()
    }

    /// Calls of APIs with quotas; objects are read and written by names in capitals.
    pub(crate) fn api_calls(&self) -> u64 {
        let is_api = |operation: &str| operation.chars().nth(1).is_some_and(char::is_lowercase);
        let api = self.calls.iter().filter(|(it, _)| is_api(it));
        api.map(|(_, calls)| calls.made).sum()
    }

    /// Reads, listings and writes of objects.
    pub(crate) fn object_calls(&self) -> u64 {
        let all: u64 = self.calls.values().map(|calls| calls.made).sum();
        all - self.api_calls()
    }

    /// Calls that were refused because there were too many.
    pub(crate) fn throttled(&self) -> u64 {
        self.calls.values().map(|calls| calls.throttled).sum()
    }

    /// When the first call was made, of those since `since`, that changed something of `platform`.
    pub(super) fn first_change(&self, platform: &str, since: Instant) -> Option<Instant> {
        let newest_first = self.changes.iter().rev().take_while(|it| it.at >= since);
        let its = newest_first.filter(|it| it.platform == platform);
        its.last().map(|it| it.at)
    }

    /// The calls that changed something, in their order.
    pub(crate) fn changes(&self) -> &[Change] {
        &self.changes
    }
}
