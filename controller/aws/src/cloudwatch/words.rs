//! Words: what the engine's values are called in `CloudWatch`.
//!
//! Source: Amazon CloudWatch API Reference, `PutMetricAlarm` and `MetricStat`.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, StateValue};
use schema::platform::{Comparison, Statistic, TreatMissingData};
use schema::status::AlarmState;

/// Every statistic that a spec can name.
const STATISTICS: [Statistic; 10] = [
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

/// A statistic as `MetricStat` names it.
pub(super) const fn of_statistic(statistic: Statistic) -> &'static str {
    match statistic {
        Statistic::Average => "Average",
        Statistic::Sum => "Sum",
        Statistic::Minimum => "Minimum",
        Statistic::Maximum => "Maximum",
        Statistic::SampleCount => "SampleCount",
        Statistic::P50 => "p50",
        Statistic::P90 => "p90",
        Statistic::P95 => "p95",
        Statistic::P99 => "p99",
        Statistic::P999 => "p99.9",
    }
}

/// The statistic of that name.
pub(super) fn to_statistic(word: &str) -> Option<Statistic> {
    let is_named = |statistic: &Statistic| of_statistic(*statistic) == word;
    STATISTICS.into_iter().find(is_named)
}

/// Whether it is an `ExtendedStatistic`.
pub(super) fn is_percentile(statistic: Statistic) -> bool {
    of_statistic(statistic).starts_with('p')
}

pub(super) const fn of_comparison(comparison: Comparison) -> ComparisonOperator {
    match comparison {
        Comparison::GreaterThanThreshold => ComparisonOperator::GreaterThanThreshold,
        Comparison::GreaterThanOrEqualToThreshold => {
            ComparisonOperator::GreaterThanOrEqualToThreshold
        }
        Comparison::LessThanThreshold => ComparisonOperator::LessThanThreshold,
        Comparison::LessThanOrEqualToThreshold => ComparisonOperator::LessThanOrEqualToThreshold,
    }
}

/// Nothing for those of anomaly detection.
pub(super) const fn to_comparison(operator: &ComparisonOperator) -> Option<Comparison> {
    Some(match operator {
        ComparisonOperator::GreaterThanThreshold => Comparison::GreaterThanThreshold,
        ComparisonOperator::GreaterThanOrEqualToThreshold => {
            Comparison::GreaterThanOrEqualToThreshold
        }
        ComparisonOperator::LessThanThreshold => Comparison::LessThanThreshold,
        ComparisonOperator::LessThanOrEqualToThreshold => Comparison::LessThanOrEqualToThreshold,
        _ => return None,
    })
}

pub(super) const fn of_missing_data(treat: TreatMissingData) -> &'static str {
    match treat {
        TreatMissingData::Missing => "missing",
        TreatMissingData::NotBreaching => "notBreaching",
        TreatMissingData::Breaching => "breaching",
        TreatMissingData::Ignore => "ignore",
    }
}

/// Absent, it is `missing`.
pub(super) fn to_missing_data(word: Option<&str>) -> Option<TreatMissingData> {
    Some(match word {
        None | Some("missing") => TreatMissingData::Missing,
        Some("notBreaching") => TreatMissingData::NotBreaching,
        Some("breaching") => TreatMissingData::Breaching,
        Some("ignore") => TreatMissingData::Ignore,
        Some(_) => return None,
    })
}

/// A state that is not known says nothing about the world.
pub(super) const fn to_state(state: Option<&StateValue>) -> AlarmState {
    match state {
        Some(StateValue::Ok) => AlarmState::Ok,
        Some(StateValue::Alarm) => AlarmState::Alarm,
        _ => AlarmState::InsufficientData,
    }
}

pub(super) fn of_dimensions(dimensions: &BTreeMap<String, String>) -> Vec<Dimension> {
    let one =
        |(name, value): (&String, &String)| Dimension::builder().name(name).value(value).build();
    dimensions.iter().map(one).collect()
}

pub(super) fn to_dimensions(dimensions: &[Dimension]) -> BTreeMap<String, String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let one = |dimension: &Dimension| (text(&dimension.name), text(&dimension.value));
    dimensions.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_written_and_read() {
        for statistic in STATISTICS {
            assert_eq!(to_statistic(of_statistic(statistic)), Some(statistic));
        }
        for treat in [
            TreatMissingData::Missing,
            TreatMissingData::NotBreaching,
            TreatMissingData::Breaching,
            TreatMissingData::Ignore,
        ] {
            assert_eq!(to_missing_data(Some(of_missing_data(treat))), Some(treat));
        }
        for comparison in [
            Comparison::GreaterThanThreshold,
            Comparison::GreaterThanOrEqualToThreshold,
            Comparison::LessThanThreshold,
            Comparison::LessThanOrEqualToThreshold,
        ] {
            assert_eq!(to_comparison(&of_comparison(comparison)), Some(comparison));
        }
    }

    #[test]
    fn statistics_that_no_spec_can_name_are_none() {
        for word in ["p99.5", "tm99", "IQM", "PR(:800)", "average", ""] {
            assert_eq!(to_statistic(word), None, "{word}");
        }
    }
}
