//! The controller's own figures as CloudWatch embedded metric format, once a minute on standard output.
//!
//! They are those of `/metrics`, for whoever has CloudWatch alone. What stands is emitted as it stands, what is
//! counted as the difference to the minute before.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use aws_adapter::Calls;
use aws_adapter::quota::Family;
use engine::tally::Counts;
use schema::status::Phase;
use service_kit::telemetry::metrics::{Emission, EmitError, Record, Records, Series};

use super::metrics::{QueueCounts, Sources};

/// How often figures are emitted: as fine as CloudWatch keeps them without a surcharge.
const INTERVAL: Duration = Duration::from_secs(60);
const NAMESPACE: &str = "LoanPlatform/Controller";
/// Dimension with the bucket. The controllers of one bucket share it: what is held or stood by for tells them
/// apart, and the maximum is that of the one that works.
const STORE: &str = "Store";
/// Dimension with the quota that calls are on.
const FAMILY: &str = "Family";
/// Stands for durations beyond the last bucket, in seconds: CloudWatch takes no infinity.
const BEYOND: f64 = 600.0;

/// Emits the figures of the controller of one bucket.
pub(super) struct Emitter {
    sources: Sources,
    store: String,
    own: Records,
    of_families: Records,
    before: Figures,
}

/// What is emitted, as it was counted at one time.
#[derive(Clone, Debug, Default)]
struct Figures {
    counts: Counts,
    platforms: usize,
    ready: usize,
    failed_rollbacks: usize,
    calls: BTreeMap<Family, Calls>,
    queue: Option<QueueCounts>,
    unclaimed: Option<(usize, usize)>,
}

impl Emitter {
    /// An emitter of what `sources` count, for the bucket `store`.
    pub(super) fn new(sources: Sources, store: &str) -> Self {
        Self {
            sources,
            store: store.to_owned(),
            own: Records::new(NAMESPACE, &[STORE]),
            of_families: Records::new(NAMESPACE, &[STORE, FAMILY]),
            before: Figures::default(),
        }
    }

    /// Emits on standard output from now on, once a minute.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(super) fn start(mut self) -> io::Result<Emission> {
        let emit = move || self.emit(SystemTime::now(), &mut io::stdout().lock());
        Emission::start(emit, INTERVAL)
    }

    /// One line, and one for each family that was ever called.
    fn emit(&mut self, now: SystemTime, output: &mut impl Write) -> Result<(), EmitError> {
        let figures = Figures::of(&self.sources);
        let before = std::mem::replace(&mut self.before, figures);
        let record = Record {
            now,
            dimensions: vec![(STORE, &self.store)],
            series: own(&self.before, &before),
        };
        self.own.write(&record, output)?;
        for (family, calls) in &self.before.calls {
            let before = before.calls.get(family).copied().unwrap_or_default();
            let record = Record {
                now,
                dimensions: vec![(STORE, &self.store), (FAMILY, family.name())],
                series: of_calls(*calls, before),
            };
            self.of_families.write(&record, output)?;
        }
        Ok(())
    }
}

impl Figures {
    fn of(sources: &Sources) -> Self {
        let platforms = sources.board.platforms();
        Self {
            counts: sources.engine.counts(),
            platforms: platforms.len(),
            ready: platforms.iter().filter(|it| it.is_ready()).count(),
            failed_rollbacks: platforms
                .iter()
                .filter(|it| it.status.scoring.phase == Phase::RollbackFailed)
                .count(),
            calls: sources.calls.calls(),
            queue: sources.queue.as_deref().map(QueueCounts::of),
            unclaimed: sources.unclaimed(),
        }
    }

    fn all_calls(&self) -> Calls {
        let mut all = Calls::default();
        for calls in self.calls.values() {
            all.made += calls.made;
            all.throttled += calls.throttled;
            all.failed += calls.failed;
        }
        all
    }
}

fn own(now: &Figures, before: &Figures) -> Vec<Series> {
    let (counts, earlier) = (&now.counts, &before.counts);
    let mut series = vec![
        Series::count("Reconciles", counts.succeeded - earlier.succeeded),
        Series::count("ReconcileFailures", counts.failed - earlier.failed),
        level("WorkQueueDepth", counts.waiting),
        level("ActiveReconciles", counts.reconciling),
        level("Platforms", now.platforms),
        level("ReadyPlatforms", now.ready),
        level("FailedRollbacks", now.failed_rollbacks),
        level("DriftedPlatforms", counts.drifted_platforms),
        level("DriftedFields", counts.drifted_fields),
        level("LeaseHeld", usize::from(counts.holds_lease)),
    ];
    let durations = counts.durations.since(&earlier.durations);
    let took = durations.buckets().filter(|(_, count)| *count > 0);
    let took: Vec<(f64, u64)> = took.map(|(to, count)| (to.min(BEYOND), count)).collect();
    if !took.is_empty() {
        series.push(Series::seconds("ReconcileDuration", &took));
    }
    for (name, age) in [
        ("SpecsAge", counts.specs_age),
        ("PlatformsAge", counts.platforms_age),
    ] {
        series.extend(age.map(|age| Series::seconds(name, &[(age.as_secs_f64(), 1)])));
    }
    if let Some((orphaned, retained)) = now.unclaimed {
        series.push(level("OrphanedServices", orphaned));
        series.push(level("RetainedServices", retained));
    }
    series.extend(of_calls(now.all_calls(), before.all_calls()));
    if let Some(queue) = &now.queue {
        series.extend(of_queue(queue, &before.queue.unwrap_or_default()));
        let missed = |counts: &Counts| counts.missed_specs + counts.missed_platforms;
        series.push(Series::count(
            "MissedEvents",
            missed(counts) - missed(earlier),
        ));
    }
    series
}

fn of_calls(now: Calls, before: Calls) -> Vec<Series> {
    vec![
        Series::count("Calls", now.made - before.made),
        Series::count("ThrottledCalls", now.throttled - before.throttled),
        Series::count("FailedCalls", now.failed - before.failed),
    ]
}

fn of_queue(now: &QueueCounts, before: &QueueCounts) -> [Series; 3] {
    [
        Series::count("QueueMessages", now.received - before.received),
        Series::count("UnknownQueueMessages", now.unknown - before.unknown),
        Series::count("FailedQueuePolls", now.failed - before.failed),
    ]
}

#[expect(
    clippy::cast_precision_loss,
    reason = "there are not that many of anything"
)]
fn level(name: &'static str, count: usize) -> Series {
    Series::level(name, count as f64)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aws_adapter::{QueueTally, Tally};
    use engine::board::{Board, PlatformObject};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use schema::status::LoanPlatformStatus;
    use serde_json::{Value, json};

    use super::*;

    fn emitter() -> Emitter {
        let sources = Sources {
            board: Arc::new(Board::default()),
            engine: Arc::default(),
            calls: Tally::default(),
            queue: Some(Arc::new(QueueTally::default())),
            unclaimed: tokio::sync::watch::channel(None).1,
        };
        Emitter::new(sources, "loans")
    }

    fn emitted(emitter: &mut Emitter) -> Vec<Value> {
        let mut output = Vec::new();
        emitter.emit(SystemTime::UNIX_EPOCH, &mut output).unwrap();
        let lines = std::str::from_utf8(&output).unwrap().lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_line_is_a_record_of_the_buckets_controller() {
        let lines = emitted(&mut emitter());
        let [line] = lines.as_slice() else {
            panic!("nothing was called: {lines:?}");
        };
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "LoanPlatform/Controller");
        assert_eq!(directive["Dimensions"], json!([["Store"]]));
        assert_eq!(line["Store"], "loans");
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!(metrics.len() < 30, "each one costs: {}", metrics.len());
        for name in [
            "Reconciles",
            "LeaseHeld",
            "FailedRollbacks",
            "DriftedPlatforms",
            "ThrottledCalls",
            "MissedEvents",
        ] {
            let declared = metrics.iter().any(|metric| metric["Name"] == name);
            assert!(declared && line[name] == json!(0), "{name}: {line}");
        }
        assert!(line.get("SpecsAge").is_none(), "it stands by: {line}");
    }

    #[test]
    fn a_rollback_that_failed_is_told_of_as_long_as_it_stands() {
        let mut emitter = emitter();
        for (phase, told) in [(Phase::RollbackFailed, 1), (Phase::RolledBack, 0)] {
            let mut status = LoanPlatformStatus::default();
            status.scoring.phase = phase;
            let platform = PlatformObject {
                api_version: String::new(),
                kind: String::new(),
                metadata: ObjectMeta::default(),
                spec: None,
                status,
            };
            let name = "dev".try_into().unwrap();
            emitter.sources.board.show(&name, platform);
            assert_eq!(emitted(&mut emitter)[0]["FailedRollbacks"], told);
        }
    }

    #[test]
    fn what_is_counted_is_emitted_as_the_difference() {
        let calls = |made, throttled| Calls {
            made,
            throttled,
            failed: 0,
        };
        let figures = |made, throttled, succeeded| Figures {
            counts: Counts {
                succeeded,
                ..Counts::default()
            },
            calls: BTreeMap::from([(Family::ServiceRead, calls(made, throttled))]),
            ..Figures::default()
        };
        let (before, now) = (figures(10, 1, 5), figures(17, 3, 6));
        let mut output = Vec::new();
        let record = Record {
            now: SystemTime::UNIX_EPOCH,
            dimensions: vec![(STORE, "loans")],
            series: own(&now, &before),
        };
        Records::new(NAMESPACE, &[STORE])
            .write(&record, &mut output)
            .unwrap();
        let line: Value = serde_json::from_slice(&output).unwrap();
        assert_eq!(line["Calls"], 7);
        assert_eq!(line["ThrottledCalls"], 2);
        assert_eq!(line["Reconciles"], 1);
    }
}
