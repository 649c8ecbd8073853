use engine::ports::AlarmSource;
use schema::platform::{AlarmName, Comparison, TreatMissingData};
use schema::signals::{ALB_NAMESPACE, ECS_NAMESPACE, Signal};

use super::*;

/// 2026-11-23T02:20:00Z.
const START_MS: i64 = 1_795_400_400_000;

fn at(offset_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(START_MS + offset_ms).unwrap()
}

fn platform() -> PlatformName {
    PlatformName::try_from("local").unwrap()
}

fn definition(source: AlarmSource) -> AlarmDefinition {
    AlarmDefinition {
        platform: platform(),
        name: AlarmName("alarm".to_owned()),
        source,
        comparison: Comparison::GreaterThanThreshold,
        threshold: 5.0,
        period_ms: 10_000,
        evaluation_periods: 1,
        datapoints_to_alarm: 1,
        min_samples: 0,
        treat_missing_data: TreatMissingData::Missing,
        notifies: false,
    }
}

fn signal(signal: Signal, service: Option<ServiceName>) -> AlarmDefinition {
    definition(AlarmSource::Signal { signal, service })
}

fn metric(namespace: &str, name: &str, dimensions: &[(&str, &str)]) -> AlarmDefinition {
    definition(AlarmSource::Metric(MetricSource {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        statistic: Statistic::Sum,
        dimensions: owned(dimensions.to_vec()),
    }))
}

/// Value and samples of the first period.
fn first(store: &MetricStore, definition: &AlarmDefinition) -> (Option<f64>, u64) {
    let all = datapoints(store, definition, at(0), at(10_000));
    let [datapoint] = all.as_slice() else {
        panic!("one period: {all:?}");
    };
    (datapoint.value, datapoint.samples)
}

fn emit(store: &MetricStore, dependency: Option<&str>, metric: &str, value: f64) {
    let platform = platform();
    let pairs = dimensions::loan_platform(&platform, ServiceName::LoanApi, dependency);
    store.record(NAMESPACE, metric, &pairs, value, at(0));
}

#[test]
fn a_ratio_is_a_percentage_and_its_samples_are_what_is_divided_by() {
    let store = MetricStore::default();
    emit(&store, Some("scoring"), "Calls", 40.0);
    emit(&store, Some("scoring"), "Failures", 10.0);
    emit(&store, Some("auth"), "Calls", 1_000.0);
    let definition = signal(Signal::ScoringFailureRatio, None);
    assert_eq!(first(&store, &definition), (Some(25.0), 40));
}

#[test]
fn a_ratio_without_numerator_is_zero_and_of_nothing_has_no_value() {
    let definition = signal(Signal::ScoringFailureRatio, None);
    let calls_only = MetricStore::default();
    emit(&calls_only, Some("scoring"), "Calls", 40.0);
    assert_eq!(first(&calls_only, &definition), (Some(0.0), 40));

    let no_calls = MetricStore::default();
    emit(&no_calls, Some("scoring"), "Calls", 0.0);
    emit(&no_calls, Some("scoring"), "Failures", 0.0);
    assert_eq!(first(&no_calls, &definition), (None, 0));

    assert_eq!(first(&MetricStore::default(), &definition), (None, 0));
}

#[test]
fn a_numerator_may_be_part_of_what_it_is_divided_by() {
    let store = MetricStore::default();
    emit(&store, None, "ApplicationsApproved", 30.0);
    emit(&store, None, "ApplicationsRejected", 10.0);
    let definition = signal(Signal::ApprovalRatio, None);
    assert_eq!(first(&store, &definition), (Some(75.0), 40));
}

#[test]
fn aws_metrics_are_found_by_the_dimensions_that_publishers_give_them() {
    let store = MetricStore::default();
    let (local, service) = (platform(), ServiceName::Scoring);
    let cpu = dimensions::ecs(&local, service);
    store.record(ECS_NAMESPACE, "CPUUtilization", &cpu, 80.0, at(0));
    store.record(ECS_NAMESPACE, "CPUUtilization", &cpu, 40.0, at(1));
    let hosts = dimensions::load_balancer(&local, service);
    store.record(ALB_NAMESPACE, "HealthyHostCount", &hosts, 2.0, at(0));

    let by = |it| first(&store, &signal(it, Some(service)));
    assert_eq!(by(Signal::CpuUtilization), (Some(60.0), 2));
    assert_eq!(by(Signal::HealthyHostCount), (Some(2.0), 1));
    let elsewhere = signal(Signal::CpuUtilization, Some(ServiceName::Auth));
    assert_eq!(first(&store, &elsewhere), (None, 0));
}

#[test]
fn a_signal_that_needs_a_service_and_has_none_measures_nothing() {
    let definition = signal(Signal::CpuUtilization, None);
    assert!(datapoints(&MetricStore::default(), &definition, at(0), at(60_000)).is_empty());
}

#[test]
fn every_signal_of_the_catalogue_can_be_asked_for() {
    for it in Signal::ALL {
        let definition = signal(it, Some(ServiceName::Scoring));
        assert!(Formula::of(&definition).is_some(), "{it:?}");
    }
}

#[test]
fn metrics_are_told_apart_by_all_their_dimensions() {
    let store = MetricStore::default();
    store.record("Custom", "m", &[("A", "1")], 1.0, at(0));
    store.record("Custom", "m", &[("A", "1"), ("B", "2")], 10.0, at(0));
    store.record("Custom", "m", &[], 100.0, at(0));
    let sum = |dimensions: &[_]| first(&store, &metric("Custom", "m", dimensions)).0;
    assert_eq!(sum(&[("A", "1")]), Some(1.0));
    assert_eq!(sum(&[("A", "1"), ("B", "2")]), Some(10.0));
    assert_eq!(sum(&[]), Some(100.0));
    assert_eq!(sum(&[("A", "2")]), None);
}

#[test]
fn a_metric_of_the_loan_services_is_that_of_the_alarms_own_platform() {
    let store = MetricStore::default();
    emit(&store, None, "Requests", 3.0);
    let scoring = [("Platform", "local"), ("Service", "scoring")];
    store.record(NAMESPACE, "Requests", &scoring, 4.0, at(0));
    let other = [("Platform", "other"), ("Service", "loan-api")];
    store.record(NAMESPACE, "Requests", &other, 1_000.0, at(0));

    let sum = |dimensions: &[_]| first(&store, &metric(NAMESPACE, "Requests", dimensions)).0;
    assert_eq!(sum(&[]), Some(7.0), "all services of the platform");
    assert_eq!(sum(&[("Service", "scoring")]), Some(4.0));
    assert_eq!(
        sum(&[("Platform", "other"), ("Service", "loan-api")]),
        Some(1_000.0)
    );
}

#[test]
fn only_whole_periods_are_told() {
    let definition = metric("Custom", "m", &[]);
    let starts: Vec<Timestamp> =
        datapoints(&MetricStore::default(), &definition, at(1), at(39_999))
            .iter()
            .map(|it| it.start)
            .collect();
    assert_eq!(starts, [at(10_000), at(20_000)]);
}

#[test]
fn a_datapoint_with_too_few_samples_has_no_value_to_go_by() {
    let datapoint = Datapoint {
        start: at(0),
        value: Some(90.0),
        samples: 19,
    };
    assert_eq!(datapoint.guarded(20), None);
    assert_eq!(datapoint.guarded(19), Some(90.0));
    assert_eq!(
        Datapoint {
            value: None,
            ..datapoint
        }
        .guarded(0),
        None
    );
}
