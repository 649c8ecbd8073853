//! Definitions: from the engine's to `PutMetricAlarm`.

use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmInputBuilder;
use aws_sdk_cloudwatch::types::{
    Metric, MetricDataQuery, MetricStat, Statistic as PlainStatistic, Tag,
};
use engine::ports::AlarmDefinition;
use schema::infrastructure::Surroundings;

use super::formula::{Formula, Stat};
use super::measure::{Measure, MetricId, Unmeasurable};
use super::{description, names, words};

/// Identifier of the expression that an alarm judges.
const RESULT: &str = "result";
/// Tag that says who keeps an alarm.
const OWNER_TAG: (&str, &str) = ("owner", "loanplatform-controller");
/// Tag that says for which platform.
const PLATFORM_TAG: &str = "platform";

/// Everything that `PutMetricAlarm` is told. It replaces whatever was there.
///
/// # Errors
/// When `CloudWatch` has no such thing to measure.
pub(super) fn body(
    definition: &AlarmDefinition,
    surroundings: &Surroundings,
) -> Result<PutMetricAlarmInputBuilder, Unmeasurable> {
    let measure = Measure::of(definition, surroundings)?;
    let topic = topic(definition, surroundings);
    let body = PutMetricAlarmInputBuilder::default()
        .alarm_name(names::in_cloudwatch(&definition.platform, &definition.name))
        .alarm_description(description::of(definition))
        .actions_enabled(true)
        .set_alarm_actions(topic.clone())
        .set_ok_actions(topic)
        .comparison_operator(words::of_comparison(definition.comparison))
        .threshold(definition.threshold)
        .evaluation_periods(count(definition.evaluation_periods))
        .datapoints_to_alarm(count(definition.datapoints_to_alarm))
        .treat_missing_data(words::of_missing_data(definition.treat_missing_data))
        .tags(tag(OWNER_TAG.0, OWNER_TAG.1))
        .tags(tag(PLATFORM_TAG, definition.platform.as_str()));
    let period = seconds(definition.period_ms);
    Ok(with_formula(
        body,
        measure.formula(definition.min_samples),
        period,
    ))
}

fn topic(definition: &AlarmDefinition, surroundings: &Surroundings) -> Option<Vec<String>> {
    let topic = surroundings.notification_topic.clone();
    let told = topic.filter(|_| definition.notifies);
    told.map(|topic| vec![topic])
}

fn with_formula(
    body: PutMetricAlarmInputBuilder,
    formula: Formula,
    period: i32,
) -> PutMetricAlarmInputBuilder {
    match formula {
        Formula::Plain(Stat { metric, statistic }) => {
            let word = words::of_statistic(statistic);
            let body = body
                .namespace(metric.namespace)
                .metric_name(metric.name)
                .set_dimensions(Some(words::of_dimensions(&metric.dimensions)))
                .period(period);
            if words::is_percentile(statistic) {
                body.extended_statistic(word)
            } else {
                body.statistic(PlainStatistic::from(word))
            }
        }
        Formula::Math { stats, expression } => {
            let parts = stats.iter().map(|(id, stat)| part(id, stat, period));
            let result = MetricDataQuery::builder()
                .id(RESULT)
                .expression(expression)
                .return_data(true)
                .build();
            let queries = parts.chain(std::iter::once(result));
            body.set_metrics(Some(queries.collect()))
        }
    }
}

fn part(id: &str, stat: &Stat, period: i32) -> MetricDataQuery {
    MetricDataQuery::builder()
        .id(id)
        .metric_stat(metric_stat(stat, period))
        .return_data(false)
        .build()
}

/// A statistic of a metric, as `CloudWatch` is asked for it. `period` is in seconds.
pub(super) fn metric_stat(stat: &Stat, period: i32) -> MetricStat {
    MetricStat::builder()
        .metric(metric(&stat.metric))
        .period(period)
        .stat(words::of_statistic(stat.statistic))
        .build()
}

fn metric(id: &MetricId) -> Metric {
    Metric::builder()
        .namespace(&id.namespace)
        .metric_name(&id.name)
        .set_dimensions(Some(words::of_dimensions(&id.dimensions)))
        .build()
}

/// Whole seconds of a period. Validation admits no other.
pub(super) fn seconds(period_ms: u64) -> i32 {
    i32::try_from(period_ms / 1_000).unwrap_or(i32::MAX)
}

fn count(periods: u32) -> i32 {
    i32::try_from(periods).unwrap_or(i32::MAX)
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::operation::put_metric_alarm::PutMetricAlarmInput;
    use engine::ports::AlarmSource;
    use schema::names::ServiceName;
    use schema::signals::Signal;

    use super::super::samples;
    use super::*;

    fn written(definition: &AlarmDefinition) -> PutMetricAlarmInput {
        let body = body(definition, &samples::surroundings());
        body.unwrap().build().unwrap()
    }

    fn of(signal: Signal, service: Option<ServiceName>) -> AlarmDefinition {
        samples::definition(AlarmSource::Signal { signal, service })
    }

    fn dimensions(input: &PutMetricAlarmInput) -> Vec<(&str, &str)> {
        let pairs = input.dimensions().iter();
        pairs
            .filter_map(|it| Some((it.name()?, it.value()?)))
            .collect()
    }

    #[test]
    fn a_statistic_without_a_guard_is_a_plain_alarm() {
        let input = written(&of(Signal::CpuUtilization, Some(ServiceName::Scoring)));
        assert_eq!(input.namespace(), Some("AWS/ECS"));
        assert_eq!(input.metric_name(), Some("CPUUtilization"));
        assert_eq!(input.statistic(), Some(&PlainStatistic::Average));
        assert_eq!(input.period, Some(10));
        assert!(input.metrics().is_empty());
        assert_eq!(
            dimensions(&input),
            [("ClusterName", "loans"), ("ServiceName", "local-scoring")]
        );
    }

    #[test]
    fn a_percentile_is_an_extended_statistic() {
        let input = written(&of(
            Signal::TargetResponseTimeP99,
            Some(ServiceName::LoanApi),
        ));
        assert_eq!(
            (input.statistic(), input.extended_statistic()),
            (None, Some("p99"))
        );
        assert_eq!(
            dimensions(&input),
            [
                ("LoadBalancer", "app/loans/2"),
                ("TargetGroup", "targetgroup/loans/1")
            ]
        );
    }

    #[test]
    fn a_ratio_is_one_formula_and_nothing_else_is_returned() {
        let definition = AlarmDefinition {
            min_samples: 20,
            ..of(Signal::ScoringFailureRatio, None)
        };
        let input = written(&definition);
        assert_eq!((input.metric_name(), input.period), (None, None));
        let told = |query: &MetricDataQuery| {
            let stat = query.metric_stat();
            let period = stat.and_then(MetricStat::period);
            (query.id.clone().unwrap(), query.return_data, period)
        };
        let told: Vec<_> = input.metrics().iter().map(told).collect();
        assert_eq!(
            told,
            [
                ("denominator".to_owned(), Some(false), Some(10)),
                ("numerator".to_owned(), Some(false), Some(10)),
                ("result".to_owned(), Some(true), None),
            ]
        );
    }

    #[test]
    fn people_are_told_of_firing_and_clearing() {
        let told = AlarmDefinition {
            notifies: true,
            ..of(Signal::OldestReceivedAge, None)
        };
        let input = written(&told);
        assert_eq!(input.alarm_actions(), input.ok_actions());
        assert_eq!(input.alarm_actions().len(), 1);
        assert_eq!(input.actions_enabled, Some(true));
        let silent = written(&of(Signal::OldestReceivedAge, None));
        assert!(silent.alarm_actions().is_empty() && silent.ok_actions().is_empty());
    }

    #[test]
    fn an_alarm_says_in_words_what_it_is() {
        let definition = AlarmDefinition {
            min_samples: 20,
            ..of(Signal::ScoringFailureRatio, None)
        };
        assert_eq!(
            written(&definition).alarm_description(),
            Some(
                "Signal ScoringFailureRatio. Nobody is told. Fires when 3 of 5 datapoints of 10s with 20 \
                 samples or more are > 5. Kept by the LoanPlatform controller: change the spec of local, not \
                 this alarm."
            )
        );
    }
}
