//! Evidence is judged here as it is on one machine.

use cloudwatch_rules::{Limits, MetricStore, datapoints};
use engine::ports::AlarmSource;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use schema::platform::{AlarmName, Comparison};
use schema::signals::Signal;

use super::super::samples;
use super::*;

const START: i64 = 1_800_000_000;

fn second(after: i64) -> Timestamp {
    Timestamp::from_second(START + after).unwrap()
}

fn guard(signal: Signal, min_samples: u32) -> AlarmDefinition {
    AlarmDefinition {
        min_samples,
        ..samples::definition(AlarmSource::Signal {
            signal,
            service: None,
        })
    }
}

fn inquiry(definition: &AlarmDefinition, since: i64, now: i64) -> Inquiry {
    Inquiry::of(
        &samples::platform(),
        std::slice::from_ref(definition),
        &samples::surroundings(),
        second(since),
        second(now),
    )
}

/// What `CloudWatch` answers, if `values` were recorded: after how many seconds, which metric, and how much.
fn answered(inquiry: &Inquiry, values: &[(i64, &str, f64)]) -> Answers {
    let mut answers = Answers::default();
    for query in inquiry.questions.values().flatten() {
        let period_s = i64::try_from(query.period_ms / 1_000).unwrap();
        let its = values
            .iter()
            .filter(|(_, metric, _)| *metric == query.stat.metric.name);
        let mut periods: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for (after, _, value) in its {
            periods
                .entry(after - after % period_s)
                .or_default()
                .push(*value);
        }
        for (start, values) in periods {
            let value = match query.stat.statistic {
                Statistic::Maximum => values.iter().copied().fold(0.0, f64::max),
                #[expect(clippy::cast_precision_loss, reason = "a few values")]
                Statistic::SampleCount => values.len() as f64,
                _ => values.iter().sum(),
            };
            answers.add(&query.id, second(start), value);
        }
    }
    answers
}

/// What the rules on one machine say of the same values.
fn by_the_rules(
    definition: &AlarmDefinition,
    values: &[(i64, &str, f64)],
    since: i64,
    now: i64,
) -> (u32, u32) {
    let store = MetricStore::new(Limits::default());
    let place = emitted_dimensions(definition);
    let pairs: Vec<(&str, &str)> = place
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    for (after, metric, value) in values {
        store.record(NAMESPACE, metric, &pairs, *value, second(*after));
    }
    let points = datapoints(&store, definition, second(since), second(now));
    let judged: Vec<f64> = points
        .iter()
        .filter_map(|it| it.guarded(definition.min_samples))
        .collect();
    let breaches = |value: &&f64| {
        definition
            .comparison
            .breaches(**value, definition.threshold)
    };
    let count = |number: usize| u32::try_from(number).unwrap();
    (
        count(judged.len()),
        count(judged.iter().filter(breaches).count()),
    )
}

fn emitted_dimensions(definition: &AlarmDefinition) -> BTreeMap<String, String> {
    let measure = Measure::of(definition, &samples::surroundings()).unwrap();
    let stats = measure.needed(1);
    stats.into_values().next().unwrap().metric.dimensions
}

proptest! {
    #[test]
    fn datapoints_are_judged_as_on_one_machine(
        signal in select(vec![
            Signal::ScoringFailureRatio, Signal::ApprovalRatio, Signal::OldestReceivedAge,
        ]),
        min_samples in select(vec![0_u32, 1, 3, 10]),
        period_ms in select(vec![10_000_u64, 30_000, 60_000]),
        comparison in select(vec![Comparison::GreaterThanThreshold, Comparison::LessThanThreshold]),
        values in vec(
            (0_i64..600, select(vec![
                "Calls", "Failures", "ApplicationsApproved", "ApplicationsRejected",
                "OldestReceivedAge",
            ]), (0_u8..9).prop_map(f64::from)),
            0..80,
        ),
        since in 0_i64..300,
        now in 300_i64..600,
    ) {
        let definition = AlarmDefinition {
            period_ms, comparison, threshold: 30.0, ..guard(signal, min_samples)
        };
        let values: Vec<_> = values.into_iter().filter(|(after, ..)| *after < now).collect();
        let inquiry = inquiry(&definition, since, now);
        let evidence = inquiry.conclude(&answered(&inquiry, &values));
        let found = (
            evidence.judged_datapoints[&definition.name],
            evidence.breaching_datapoints[&definition.name],
        );
        prop_assert_eq!(found, by_the_rules(&definition, &values, since, now));
    }
}

#[test]
fn scoring_calls_are_those_since_the_bake_began() {
    let inquiry = inquiry(&guard(Signal::ScoringFailureRatio, 0), 15, 600);
    let values = [(25, "Calls", 3.0), (100, "Calls", 4.0)];
    let asks_calls = |question: &&Question| question.queries.iter().any(|it| it.id == CALLS);
    let questions = inquiry.questions();
    assert_eq!(questions.iter().find(asks_calls).unwrap().start, second(20));
    let evidence = inquiry.conclude(&answered(&inquiry, &values));
    assert_eq!(evidence.scoring_calls, 7);
}

#[test]
fn the_last_report_of_a_service_is_its_newest_period() {
    let inquiry = inquiry(&guard(Signal::ScoringFailureRatio, 0), 0, 595);
    let mut answers = Answers::default();
    let id = report_id(ServiceName::Scoring);
    answers.add(&id, second(400), 10.0);
    answers.add(&id, second(410), 10.0);
    answers.add(&report_id(ServiceName::Auth), second(590), 5.0);
    let evidence = inquiry.conclude(&answers);
    assert_eq!(
        evidence.last_report,
        BTreeMap::from([
            (ServiceName::Scoring, second(420)),
            (ServiceName::Auth, second(595)),
        ])
    );
}

#[test]
fn a_long_bake_is_asked_about_in_the_periods_that_are_kept() {
    let day = 86_400;
    let inquiry = inquiry(&guard(Signal::ScoringFailureRatio, 20), 0, 7 * day);
    for (start, queries) in &inquiry.questions {
        for query in queries {
            let age = second(7 * day).duration_since(*start);
            assert!(query.period_ms >= COARSE_MS || age < SignedDuration::from_hours(3));
            let period_ms = i64::try_from(query.period_ms).unwrap();
            assert_eq!(start.as_millisecond() % period_ms, 0, "{}", query.id);
        }
    }
}

#[test]
fn what_cannot_be_measured_has_judged_nothing() {
    let definition = AlarmDefinition {
        name: AlarmName("unmeasured".to_owned()),
        ..samples::definition(AlarmSource::Signal {
            signal: Signal::TargetErrorRatio,
            service: Some(ServiceName::Auth),
        })
    };
    let inquiry = inquiry(&definition, 0, 600);
    let evidence = inquiry.conclude(&Answers::default());
    assert_eq!(evidence.judged_datapoints.get(&definition.name), None);
}
