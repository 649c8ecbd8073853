use proptest::prelude::*;
use schema::platform::Statistic;
use serde_json::json;

use super::*;
use crate::series::Match;

/// 2026-11-23T02:20:00Z.
const START_MS: i64 = 1_795_400_400_000;
const TEN_SECONDS: Period = Period::from_whole_seconds(10);

fn at(offset_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(START_MS + offset_ms).unwrap()
}

fn selector(metric: &str, dimensions: &[(&str, &str)]) -> Selector {
    Selector {
        namespace: "LoanPlatform".to_owned(),
        metric: metric.to_owned(),
        dimensions: Match::Exactly(
            dimensions
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        ),
    }
}

/// Statistic of the period of ten seconds that begins `offset_ms` after the start.
fn statistic(
    store: &MetricStore,
    selector: &Selector,
    offset_ms: i64,
    statistic: Statistic,
) -> Option<f64> {
    let first = TEN_SECONDS.index_of(START_MS + offset_ms);
    let buckets = store
        .view()
        .buckets(selector, TEN_SECONDS, first..first + 1);
    buckets[0].statistic(statistic)
}

/// As a service prints it: see the process contract.
fn scoring_calls_line(at: Timestamp, calls: u32, failures: u32) -> String {
    json!({
        "_aws": {
            "Timestamp": at.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": "LoanPlatform",
                "Dimensions": [["Platform", "Service", "Dependency"]],
                "Metrics": [
                    {"Name": "Calls", "Unit": "Count", "StorageResolution": 1},
                    {"Name": "Failures", "Unit": "Count", "StorageResolution": 1},
                    {"Name": "CallLatency", "Unit": "Milliseconds", "StorageResolution": 1},
                ],
            }],
        },
        "Platform": "local", "Service": "loan-api", "Dependency": "scoring",
        "Calls": calls, "Failures": failures,
        "CallLatency": {"Values": [20.0, 40.0, 600.0], "Counts": [6, 3, 1]},
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    })
    .to_string()
}

const SCORING: [(&str, &str); 3] = [
    ("Platform", "local"),
    ("Service", "loan-api"),
    ("Dependency", "scoring"),
];

#[test]
fn lines_of_a_service_become_statistics() {
    let store = MetricStore::default();
    for second in 0..10 {
        let time = at(second * 1_000);
        assert_eq!(
            store
                .ingest_emf(&scoring_calls_line(time, 10, 1), time)
                .unwrap(),
            3
        );
    }

    let latency = selector("CallLatency", &SCORING);
    assert_eq!(
        statistic(&store, &selector("Calls", &SCORING), 0, Statistic::Sum),
        Some(100.0)
    );
    assert_eq!(
        statistic(&store, &selector("Failures", &SCORING), 0, Statistic::Sum),
        Some(10.0)
    );
    assert_eq!(
        statistic(&store, &latency, 0, Statistic::SampleCount),
        Some(100.0)
    );
    assert_eq!(statistic(&store, &latency, 0, Statistic::P50), Some(20.0));
    assert_eq!(statistic(&store, &latency, 0, Statistic::P99), Some(600.0));
    assert_eq!(
        statistic(&store, &latency, 10_000, Statistic::Sum),
        None,
        "not yet"
    );
}

#[test]
fn a_refused_line_is_counted_and_leaves_nothing() {
    let store = MetricStore::default();
    assert!(store.ingest_emf("{\"_aws\":{}}", at(0)).is_err());
    let stats = store.stats();
    assert_eq!(
        (stats.lines_refused, stats.lines_taken, stats.series),
        (1, 0, 0)
    );
}

#[test]
fn values_that_come_late_go_to_their_own_time() {
    let store = MetricStore::default();
    let requests = [("Platform", "local")];
    store.record("LoanPlatform", "Requests", &requests, 1.0, at(0));
    store.record("LoanPlatform", "Requests", &requests, 1.0, at(60_000));
    store.record("LoanPlatform", "Requests", &requests, 5.0, at(9_999));
    let selector = selector("Requests", &requests);
    assert_eq!(statistic(&store, &selector, 0, Statistic::Sum), Some(6.0));
}

#[test]
fn values_older_than_they_are_kept_are_gone_and_late_ones_refused() {
    let store = MetricStore::default();
    let old = [("Platform", "old")];
    store.record("LoanPlatform", "Requests", &old, 1.0, at(0));
    let later = at(Limits::default().retention_ms + 10_000);
    store.record(
        "LoanPlatform",
        "Requests",
        &[("Platform", "new")],
        1.0,
        later,
    );
    store.record("LoanPlatform", "Requests", &old, 1.0, at(0));

    assert_eq!(
        statistic(&store, &selector("Requests", &old), 0, Statistic::Sum),
        None
    );
    let stats = store.stats();
    assert_eq!(stats.series, 1, "a series without values is forgotten");
    assert_eq!(stats.values_too_old, 1);
}

#[test]
fn a_clock_that_ran_ahead_and_is_set_back_does_not_stop_the_store() {
    let store = MetricStore::default();
    let ahead = at(1_000 * 60 * 60 * 24);
    store
        .ingest_emf(&scoring_calls_line(ahead, 5, 0), ahead)
        .unwrap();
    assert_eq!(
        store
            .ingest_emf(&scoring_calls_line(at(0), 7, 0), at(0))
            .unwrap(),
        3
    );

    let calls = selector("Calls", &SCORING);
    assert_eq!(statistic(&store, &calls, 0, Statistic::Sum), Some(7.0));
    assert_eq!(
        statistic(&store, &calls, 1_000 * 60 * 60 * 24, Statistic::Sum),
        None
    );
}

#[test]
fn a_full_store_gives_up_old_percentiles_before_values() {
    let store = MetricStore::new(Limits {
        bytes: 230_000,
        ..Limits::default()
    });
    for second in 0..7_200 {
        store.record(
            "LoanPlatform",
            "Latency",
            &[],
            f64::from(second),
            at(i64::from(second) * 1_000),
        );
    }
    let latency = selector("Latency", &[]);
    assert_eq!(store.stats().buckets_given_up, 0);
    assert!(store.stats().distributions_given_up > 0);
    assert_eq!(
        statistic(&store, &latency, 0, Statistic::Maximum),
        Some(9.0)
    );
    assert_eq!(statistic(&store, &latency, 0, Statistic::P99), None);
    assert_eq!(
        statistic(&store, &latency, 7_190_000, Statistic::P99),
        Some(7_199.0)
    );
}

#[test]
fn series_beyond_the_limit_are_refused_until_old_ones_fall_silent() {
    let store = MetricStore::new(Limits {
        series: 2,
        ..Limits::default()
    });
    for platform in ["a", "b", "c"] {
        store.record(
            "LoanPlatform",
            "Requests",
            &[("Platform", platform)],
            1.0,
            at(0),
        );
    }
    assert_eq!(store.stats().series, 2);
    assert_eq!(store.stats().values_without_series, 1);

    let later = at(Limits::default().retention_ms + 10_000);
    store.record("LoanPlatform", "Requests", &[("Platform", "c")], 1.0, later);
    assert_eq!(store.stats().series, 1);
    assert_eq!(
        store.stats().values_without_series,
        1,
        "there was room again"
    );
}

#[test]
fn a_series_with_endless_names_is_refused() {
    let store = MetricStore::default();
    store.record("N", "m", &[("D", &"x".repeat(4_096))], 1.0, at(0));
    assert_eq!(
        (store.stats().series, store.stats().values_without_series),
        (0, 1)
    );
}

#[test]
fn numbers_that_cloudwatch_does_not_take_are_left_out() {
    let store = MetricStore::default();
    for value in [f64::NAN, f64::INFINITY, 1e200, 3.0] {
        store.record("LoanPlatform", "Requests", &[], value, at(0));
    }
    let requests = selector("Requests", &[]);
    assert_eq!(statistic(&store, &requests, 0, Statistic::Sum), Some(3.0));
    assert_eq!(store.stats().values_unusable, 3);
}

#[test]
fn a_period_is_the_sum_of_its_buckets() {
    let store = MetricStore::default();
    for second in 0..60 {
        store.record("LoanPlatform", "Requests", &[], 2.0, at(second * 1_000));
    }
    let minute = Period::from_whole_seconds(60);
    let first = minute.index_of(START_MS);
    let buckets = store
        .view()
        .buckets(&selector("Requests", &[]), minute, first..first + 1);
    assert_eq!(buckets[0].statistic(Statistic::Sum), Some(120.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_never_holds_more_than_its_limits(
        values in prop::collection::vec((0_i64..4_000_000, 0_u8..20, 1e-6..1e6), 1..600)
    ) {
        let limits = Limits { series: 8, retention_ms: 600_000, bytes: 40_000 };
        let store = MetricStore::new(limits);
        for (offset_ms, series, value) in values {
            let name = series.to_string();
            store.record("N", "m", &[("Series", &name)], value, at(offset_ms));
            let stats = store.stats();
            prop_assert!(stats.series <= limits.series);
            prop_assert!(stats.bytes <= limits.bytes);
        }
        prop_assert_eq!(store.lock().counted_bytes(), store.stats().bytes);
    }

    #[test]
    fn no_line_makes_it_panic(line in "\\PC{0,200}", offset in any::<i32>()) {
        let store = MetricStore::default();
        let _refused = store.ingest_emf(&line, at(i64::from(offset)));
    }
}
