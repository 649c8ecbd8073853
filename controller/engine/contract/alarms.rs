//! What every home's `Alarms` must do. A home's tests include this file and give it alarms of their own.
#![expect(clippy::expect_used, reason = "a helper that fails fails its test")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use engine::ports::{AlarmDefinition, AlarmSource, Alarms, ObservedAlarm, Urgency};
use jiff::{SignedDuration, Timestamp};
use schema::names::{PlatformName, ServiceName};
use schema::platform::{AlarmName, Comparison, MetricSource, Statistic, TreatMissingData};
use schema::signals::{NAMESPACE, PLATFORM_DIMENSION, SERVICE_DIMENSION, Signal};
use schema::status::AlarmState;

/// Longest wait for anything: far above what a busy machine needs.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks while waiting.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
/// Samples that a guarded alarm asks for.
const GUARD: u32 = 20;

/// Runs the whole contract on `alarms`, which must be none yet. `fires` is how an alarm to which missing data
/// breaches comes to fire in this home: by itself, where it judges itself.
pub(crate) async fn holds_for(alarms: &dyn Alarms, fires: impl AsyncFn(&AlarmDefinition)) {
    of_a_platform_that_nothing_was_seen_of_there_is_no_evidence(alarms).await;
    what_was_put_is_found_exactly_so(alarms).await;
    a_new_alarm_has_not_fired(alarms).await;
    another_threshold_leaves_the_state_as_it_is(alarms, fires).await;
    platforms_do_not_see_each_other(alarms).await;
    what_was_deleted_is_gone(alarms).await;
}

fn platform(name: &str) -> PlatformName {
    name.try_into().expect("a name")
}

fn definition(platform_name: &str, name: &str) -> AlarmDefinition {
    AlarmDefinition {
        platform: platform(platform_name),
        name: AlarmName(name.to_owned()),
        source: AlarmSource::Signal {
            signal: Signal::ScoringFailureRatio,
            service: None,
        },
        comparison: Comparison::GreaterThanThreshold,
        threshold: 5.0,
        period_ms: 10_000,
        evaluation_periods: 3,
        datapoints_to_alarm: 2,
        min_samples: 0,
        treat_missing_data: TreatMissingData::Missing,
        notifies: false,
    }
}

async fn put(alarms: &dyn Alarms, definition: &AlarmDefinition) {
    let permit = alarms.permit(Urgency::Edit).await;
    let put = alarms.put(definition, permit).await;
    assert!(put.is_ok(), "{}: {put:?}", definition.name);
}

async fn delete(alarms: &dyn Alarms, definition: &AlarmDefinition) {
    let permit = alarms.permit(Urgency::Edit).await;
    let deleted = alarms.delete(&definition.platform, &definition.name, permit);
    deleted.await.expect("deleted");
}

async fn look(alarms: &dyn Alarms, platforms: &[&PlatformName]) -> Vec<ObservedAlarm> {
    let platforms: BTreeSet<PlatformName> = platforms.iter().copied().cloned().collect();
    let seen = alarms.observe(&platforms, Urgency::Edit).await;
    seen.expect("observed").found
}

/// The one alarm of the platform of `definition`.
async fn found(alarms: &dyn Alarms, definition: &AlarmDefinition) -> Option<ObservedAlarm> {
    let mut found = look(alarms, &[&definition.platform]).await;
    assert!(found.len() <= 1, "it is one alarm: {found:#?}");
    found.pop()
}

async fn of_a_platform_that_nothing_was_seen_of_there_is_no_evidence(alarms: &dyn Alarms) {
    let quiet = definition("quiet", "guarded");
    put(alarms, &quiet).await;
    let since = Timestamp::now() - SignedDuration::from_mins(10);
    for platform in [platform("nowhere"), quiet.platform.clone()] {
        let evidence = alarms.evidence(&platform, since, Urgency::Edit).await;
        let evidence = evidence.expect("read");
        assert_eq!(evidence.scoring_calls, 0);
        assert_eq!(evidence.last_report, BTreeMap::new());
        let judged = evidence.judged_datapoints.values();
        let breaching = evidence.breaching_datapoints.values();
        assert!(judged.chain(breaching).all(|it| *it == 0), "{evidence:?}");
    }
}

async fn what_was_put_is_found_exactly_so(alarms: &dyn Alarms) {
    let wanted = every_kind("kinds");
    for definition in &wanted {
        put(alarms, definition).await;
    }
    let found = look(alarms, &[&platform("kinds")]).await;
    let found = found.into_iter().map(|it| it.definition);
    let mut found: BTreeMap<AlarmName, AlarmDefinition> =
        found.map(|it| (it.name.clone(), it)).collect();
    for definition in wanted {
        assert_eq!(found.remove(&definition.name), Some(definition));
    }
    assert_eq!(found, BTreeMap::new(), "and nothing else");
}

/// Definitions that differ in each of their fields.
fn every_kind(platform: &str) -> Vec<AlarmDefinition> {
    let with = |name: String, edit: &dyn Fn(&mut AlarmDefinition)| {
        let mut definition = definition(platform, &name);
        edit(&mut definition);
        definition
    };
    let mut kinds = Vec::new();
    for source in every_source(platform) {
        for min_samples in [0, GUARD] {
            let name = format!("source-{}", kinds.len());
            kinds.push(with(name, &|it| {
                it.source = source.clone();
                it.min_samples = min_samples;
            }));
        }
    }
    for comparison in [
        Comparison::GreaterThanThreshold,
        Comparison::GreaterThanOrEqualToThreshold,
        Comparison::LessThanThreshold,
        Comparison::LessThanOrEqualToThreshold,
    ] {
        let name = format!("comparison-{comparison:?}");
        kinds.push(with(name, &|it| it.comparison = comparison));
    }
    for treatment in [
        TreatMissingData::Missing,
        TreatMissingData::NotBreaching,
        TreatMissingData::Breaching,
        TreatMissingData::Ignore,
    ] {
        let name = format!("missing-{treatment:?}");
        kinds.push(with(name, &|it| it.treat_missing_data = treatment));
    }
    for (number, threshold) in [0.0, -1.5, 0.1, 1e9].into_iter().enumerate() {
        let name = format!("threshold-{number}");
        kinds.push(with(name, &|it| it.threshold = threshold));
    }
    for (period_ms, evaluated, to_alarm) in [(10_000, 1, 1), (60_000, 5, 5), (3_600_000, 24, 3)] {
        kinds.push(with(format!("period-{period_ms}"), &|it| {
            it.period_ms = period_ms;
            it.evaluation_periods = evaluated;
            it.datapoints_to_alarm = to_alarm;
        }));
    }
    kinds.push(with("told".to_owned(), &|it| it.notifies = true));
    kinds
}

/// Every signal of the catalogue, with a service where it needs one; metrics by name with every statistic, and
/// those of the services with and without dimensions.
fn every_source(platform: &str) -> Vec<AlarmSource> {
    let of = |signal, service| AlarmSource::Signal { signal, service };
    // The load balancer leads to the loan API alone.
    let service = |signal: Signal| signal.needs_service().then_some(ServiceName::LoanApi);
    let signals = Signal::ALL.map(|signal| of(signal, service(signal)));
    let of_another = of(Signal::CpuUtilization, Some(ServiceName::Scoring));
    let metric = |namespace: &str, name: &str, statistic, dimensions: &[(&str, &str)]| {
        let dimensions = dimensions.iter();
        AlarmSource::Metric(MetricSource {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            statistic,
            dimensions: dimensions
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        })
    };
    let cluster = [("DBClusterIdentifier", "loans")];
    let statistics = [
        Statistic::Average,
        Statistic::Sum,
        Statistic::Minimum,
        Statistic::Maximum,
        Statistic::SampleCount,
        Statistic::P50,
        Statistic::P90,
        Statistic::P95,
        Statistic::P99,
        Statistic::P999,
    ];
    let statistics = statistics.map(|it| metric("AWS/RDS", "DatabaseConnections", it, &cluster));
    let scoring = (SERVICE_DIMENSION, "scoring");
    let of_services = [
        metric("AWS/NATGateway", "ErrorPortAllocation", Statistic::Sum, &[]),
        metric(NAMESPACE, "Errors", Statistic::Sum, &[]),
        metric(NAMESPACE, "Errors", Statistic::Sum, &[scoring]),
        metric(
            NAMESPACE,
            "Errors",
            Statistic::Sum,
            &[(PLATFORM_DIMENSION, platform), scoring],
        ),
    ];
    let all = signals.into_iter().chain([of_another]);
    all.chain(statistics).chain(of_services).collect()
}

async fn a_new_alarm_has_not_fired(alarms: &dyn Alarms) {
    let new = definition("new", "new");
    put(alarms, &new).await;
    let found = found(alarms, &new).await.expect("there");
    assert_eq!(found.state, AlarmState::InsufficientData);
    assert_eq!((found.last_firing, found.value), (None, None));
    assert!(!found.muted);
}

async fn another_threshold_leaves_the_state_as_it_is(
    alarms: &dyn Alarms,
    fires: impl AsyncFn(&AlarmDefinition),
) {
    let first = AlarmDefinition {
        treat_missing_data: TreatMissingData::Breaching,
        ..definition("edited", "edited")
    };
    put(alarms, &first).await;
    fires(&first).await;
    let before = becomes(alarms, &first, AlarmState::Alarm).await;
    assert!(before.last_firing.is_some(), "{before:?}");

    let second = AlarmDefinition {
        threshold: 6.0,
        ..first
    };
    put(alarms, &second).await;
    let after = found(alarms, &second).await.expect("there");
    assert!(after.configured_at > before.configured_at, "{after:?}");
    assert_eq!(after.definition, second);
    assert_eq!((after.state, after.since), (before.state, before.since));
    assert_eq!(after.last_firing, before.last_firing);
}

/// Waits until the alarm is in `state`.
async fn becomes(
    alarms: &dyn Alarms,
    definition: &AlarmDefinition,
    state: AlarmState,
) -> ObservedAlarm {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = found(alarms, definition).await.expect("there");
        if found.state == state {
            return found;
        }
        assert!(Instant::now() < deadline, "not {state:?}: {found:#?}");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

async fn platforms_do_not_see_each_other(alarms: &dyn Alarms) {
    let here = definition("east", "errors");
    let there = AlarmDefinition {
        threshold: 7.0,
        ..definition("west", "errors")
    };
    put(alarms, &here).await;
    assert_eq!(look(alarms, &[&there.platform]).await, []);
    put(alarms, &there).await;
    for wanted in [&here, &there] {
        let found = found(alarms, wanted).await.expect("there");
        assert_eq!(found.definition, *wanted);
    }
    let both = look(alarms, &[&here.platform, &there.platform]).await;
    assert_eq!(both.len(), 2, "{both:#?}");
    delete(alarms, &here).await;
    assert_eq!(found(alarms, &here).await, None);
    assert!(found(alarms, &there).await.is_some());
}

async fn what_was_deleted_is_gone(alarms: &dyn Alarms) {
    let gone = definition("deleted", "deleted");
    put(alarms, &gone).await;
    for _ in ["once", "again is no error"] {
        delete(alarms, &gone).await;
        assert_eq!(found(alarms, &gone).await, None);
    }
    put(alarms, &gone).await;
    assert!(found(alarms, &gone).await.is_some(), "made again");
}
