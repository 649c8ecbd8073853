//! What is written is read back as it was, and nothing else is.

use aws_sdk_cloudwatch::operation::put_metric_alarm::PutMetricAlarmInput;
use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, StandardUnit, Statistic as PlainStatistic, WarmUpConfiguration,
};
use proptest::prelude::*;
use proptest::sample::select;

use super::super::definition::body;
use super::super::measure::Unmeasurable;
use super::super::{names, samples};
use super::*;

/// What `CloudWatch` describes after it was told `input`: lists filled in, dimensions in an order of its own.
fn described(input: &PutMetricAlarmInput) -> MetricAlarm {
    let mut dimensions = input.dimensions().to_vec();
    dimensions.reverse();
    let mut metrics = input.metrics().to_vec();
    metrics.reverse();
    MetricAlarm::builder()
        .set_alarm_name(input.alarm_name.clone())
        .set_alarm_description(input.alarm_description.clone())
        .set_actions_enabled(input.actions_enabled)
        .set_alarm_actions(Some(input.alarm_actions().to_vec()))
        .set_ok_actions(Some(input.ok_actions().to_vec()))
        .set_insufficient_data_actions(Some(Vec::new()))
        .set_namespace(input.namespace.clone())
        .set_metric_name(input.metric_name.clone())
        .set_statistic(input.statistic.clone())
        .set_extended_statistic(input.extended_statistic.clone())
        .set_dimensions(Some(dimensions))
        .set_period(input.period)
        .set_metrics(Some(metrics).filter(|metrics| !metrics.is_empty()))
        .set_comparison_operator(input.comparison_operator.clone())
        .set_threshold(input.threshold)
        .set_evaluation_periods(input.evaluation_periods)
        .set_datapoints_to_alarm(input.datapoints_to_alarm)
        .set_treat_missing_data(input.treat_missing_data.clone())
        .build()
}

fn written(
    definition: &AlarmDefinition,
    surroundings: &Surroundings,
) -> Result<MetricAlarm, Unmeasurable> {
    let input = body(definition, surroundings)?.build().unwrap();
    Ok(described(&input))
}

fn read(alarm: &MetricAlarm, surroundings: &Surroundings) -> AlarmDefinition {
    let (platform, name) = names::of_cloudwatch(alarm.alarm_name().unwrap()).unwrap();
    super::definition(platform, name, alarm, surroundings)
}

fn signals() -> impl Strategy<Value = AlarmSource> {
    (select(&Signal::ALL[..]), select(&ServiceName::ALL[..])).prop_map(|(signal, service)| {
        AlarmSource::Signal {
            signal,
            service: Some(service).filter(|_| signal.needs_service()),
        }
    })
}

fn metrics() -> impl Strategy<Value = AlarmSource> {
    let names = [
        ("LoanPlatform", "Latency"),
        ("LoanPlatform", "Calls"),
        ("LoanPlatform", "DatabaseLatency"),
        ("LoanPlatform", "Unheard"),
        ("AWS/ECS", "CPUUtilization"),
        ("AWS/RDS", "DatabaseConnections"),
    ];
    let statistics = [
        Statistic::Average,
        Statistic::Sum,
        Statistic::Minimum,
        Statistic::Maximum,
        Statistic::SampleCount,
        Statistic::P50,
        Statistic::P999,
    ];
    let dimensions = [
        ("Platform", "local"),
        ("Service", "loan-api"),
        ("Dependency", "auth"),
        ("ClusterName", "loans"),
    ];
    let dimensions = proptest::sample::subsequence(dimensions.to_vec(), 0..=4);
    (
        select(names.to_vec()),
        select(statistics.to_vec()),
        dimensions,
    )
        .prop_map(|((namespace, name), statistic, dimensions)| {
            let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            AlarmSource::Metric(MetricSource {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                statistic,
                dimensions: dimensions.into_iter().map(owned).collect(),
            })
        })
}

prop_compose! {
    fn definitions()(
        source in prop_oneof![signals(), metrics()],
        comparison in select(vec![
            Comparison::GreaterThanThreshold,
            Comparison::GreaterThanOrEqualToThreshold,
            Comparison::LessThanThreshold,
            Comparison::LessThanOrEqualToThreshold,
        ]),
        threshold in -1e9_f64..1e9,
        period_ms in select(vec![10_000_u64, 20_000, 30_000, 60_000, 300_000, 86_400_000]),
        (evaluation_periods, datapoints_to_alarm) in (1_u32..=1_440)
            .prop_flat_map(|n| (Just(n), 1..=n)),
        min_samples in prop_oneof![Just(0_u32), Just(1), 2_u32..=1_000_000],
        treat_missing_data in select(vec![
            TreatMissingData::Missing,
            TreatMissingData::NotBreaching,
            TreatMissingData::Breaching,
            TreatMissingData::Ignore,
        ]),
        notifies in any::<bool>(),
    ) -> AlarmDefinition {
        AlarmDefinition {
            platform: samples::platform(),
            name: AlarmName("a-guard".to_owned()),
            source, comparison, threshold, period_ms, evaluation_periods, datapoints_to_alarm,
            min_samples, treat_missing_data, notifies,
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(definition in definitions(), has_topic in any::<bool>()) {
        let mut surroundings = samples::surroundings();
        surroundings.notification_topic = surroundings.notification_topic.filter(|_| has_topic);
        if let Ok(alarm) = written(&definition, &surroundings) {
            prop_assert_eq!(read(&alarm, &surroundings), definition);
        }
    }
}

#[test]
fn every_signal_that_has_data_here_can_be_written() {
    let surroundings = samples::surroundings();
    for signal in Signal::ALL {
        let service = signal.needs_service().then_some(ServiceName::LoanApi);
        let definition = samples::definition(AlarmSource::Signal { signal, service });
        let alarm = written(&definition, &surroundings).unwrap();
        assert_eq!(read(&alarm, &surroundings), definition, "{signal:?}");
    }
}

#[test]
fn what_has_no_data_in_cloudwatch_is_refused_with_what_to_do() {
    let mut surroundings = samples::surroundings();
    let behind = |service| AlarmSource::Signal {
        signal: Signal::TargetErrorRatio,
        service: Some(service),
    };
    let refused = |service, surroundings: &Surroundings| {
        let definition = samples::definition(behind(service));
        written(&definition, surroundings).unwrap_err().to_string()
    };
    let told = refused(ServiceName::Auth, &surroundings);
    assert!(told.contains("no load balancer leads to auth"), "{told}");
    surroundings.load_balancer = None;
    let told = refused(ServiceName::LoanApi, &surroundings);
    assert!(told.contains("infrastructure.json"), "{told}");
}

type Edit = (&'static str, fn(&mut MetricAlarm));

const EDITS: [Edit; 22] = [
    ("threshold", |it| it.threshold = Some(99.0)),
    ("no threshold", |it| it.threshold = None),
    ("evaluation periods", |it| it.evaluation_periods = Some(9)),
    ("datapoints", |it| it.datapoints_to_alarm = Some(1)),
    ("all datapoints", |it| it.datapoints_to_alarm = None),
    ("comparison", |it| {
        it.comparison_operator = Some(ComparisonOperator::LessThanThreshold);
    }),
    ("anomaly", |it| {
        it.comparison_operator = Some(ComparisonOperator::GreaterThanUpperThreshold);
    }),
    ("band", |it| {
        it.threshold_metric_id = Some("band".to_owned());
    }),
    ("missing data", |it| {
        it.treat_missing_data = Some("breaching".to_owned());
    }),
    ("missing data left out", |it| it.treat_missing_data = None),
    ("unit", |it| it.unit = Some(StandardUnit::Percent)),
    ("low samples", |it| {
        it.evaluate_low_sample_count_percentile = Some("ignore".to_owned());
    }),
    ("warm-up", |it| {
        it.warm_up_configuration = Some(WarmUpConfiguration::builder().build());
    }),
    ("no actions", |it| it.alarm_actions = None),
    ("no ok actions", |it| it.ok_actions = Some(Vec::new())),
    ("another topic", |it| {
        it.alarm_actions = Some(vec!["arn:aws:sns:eu-west-1:1:other".to_owned()]);
    }),
    ("one more action", |it| {
        it.insufficient_data_actions = Some(vec!["arn:aws:sns:eu-west-1:1:loans".to_owned()]);
    }),
    ("period", |it| match &mut it.metrics {
        Some(metrics) => metrics.iter_mut().for_each(|query| {
            if let Some(stat) = &mut query.metric_stat {
                stat.period = Some(300);
            }
        }),
        None => it.period = Some(300),
    }),
    ("period of one part", |it| match &mut it.metrics {
        Some(metrics) => {
            let stat = metrics.iter_mut().find_map(|it| it.metric_stat.as_mut());
            stat.unwrap().period = Some(300);
        }
        None => it.period = Some(300),
    }),
    ("statistic", |it| match &mut it.metrics {
        Some(metrics) => {
            let stat = metrics.iter_mut().find_map(|it| it.metric_stat.as_mut());
            stat.unwrap().stat = Some("p95".to_owned());
        }
        None => {
            it.extended_statistic = None;
            it.statistic = Some(PlainStatistic::SampleCount);
        }
    }),
    ("dimension", |it| {
        let other = Dimension::builder().name("Service").value("other").build();
        match &mut it.metrics {
            Some(metrics) => {
                let stat = metrics.iter_mut().find_map(|it| it.metric_stat.as_mut());
                stat.unwrap().metric.as_mut().unwrap().dimensions = Some(vec![other]);
            }
            None => it.dimensions = Some(vec![other]),
        }
    }),
    ("formula", |it| match &mut it.metrics {
        Some(metrics) => {
            let result = metrics.iter_mut().find(|it| it.expression.is_some());
            result.unwrap().expression = Some("IF(samples >= 20, 0)".to_owned());
        }
        None => it.metric_name = Some("Other".to_owned()),
    }),
];

#[test]
fn every_edit_by_hand_makes_a_difference() {
    let surroundings = samples::surroundings();
    for min_samples in [0, 20] {
        for signal in Signal::ALL {
            let service = signal.needs_service().then_some(ServiceName::LoanApi);
            let definition = AlarmDefinition {
                min_samples,
                notifies: true,
                ..samples::definition(AlarmSource::Signal { signal, service })
            };
            for (what, edit) in EDITS {
                let mut alarm = written(&definition, &surroundings).unwrap();
                edit(&mut alarm);
                let read = read(&alarm, &surroundings);
                assert_ne!(read, definition, "{what} of {signal:?}");
            }
        }
    }
}

#[test]
fn a_formula_of_somebody_else_says_so() {
    let surroundings = samples::surroundings();
    let definition = AlarmDefinition {
        min_samples: 20,
        ..samples::definition(AlarmSource::Signal {
            signal: Signal::ScoringFailureRatio,
            service: None,
        })
    };
    let mut alarm = written(&definition, &surroundings).unwrap();
    let metrics = alarm.metrics.as_mut().unwrap();
    let result = metrics.iter_mut().find(|it| it.expression.is_some());
    result.unwrap().expression = Some("100 * numerator / denominator".to_owned());
    let AlarmSource::Metric(source) = read(&alarm, &surroundings).source else {
        panic!("still a signal");
    };
    assert_eq!(source.namespace, "edited by hand");
    assert_eq!(source.name, "the formula 100 * numerator / denominator");
}

#[test]
fn a_topic_that_came_to_the_account_since_makes_a_difference() {
    let with_topic = samples::surroundings();
    let without = Surroundings {
        notification_topic: None,
        trace_collector: None,
        ..with_topic.clone()
    };
    let definition = AlarmDefinition {
        notifies: true,
        ..samples::definition(AlarmSource::Signal {
            signal: Signal::OldestReceivedAge,
            service: None,
        })
    };
    let alarm = written(&definition, &without).unwrap();
    assert_eq!(read(&alarm, &without), definition);
    assert_ne!(read(&alarm, &with_topic), definition);
}
