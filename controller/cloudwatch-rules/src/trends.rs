//! Trends: what people look at, from the same values that alarms are judged by.

use std::ops::Range;

use engine::ports::{AlarmDefinition, AlarmSource, Trend, TrendOf};
use jiff::Timestamp;
use schema::golden::GoldenSignal;
use schema::names::{PlatformName, ServiceName};

use crate::formula::{Formula, datapoints};
use crate::period::{Period, timestamp};
use crate::store::{MetricStore, View};

/// Length of a golden signal's periods in seconds: 180 make an hour.
const GOLDEN_PERIOD_S: u32 = 20;
const GOLDEN_PERIOD: Period = Period::from_whole_seconds(GOLDEN_PERIOD_S);

/// What `definition` measures, in its own periods.
#[must_use]
pub fn of_alarm(
    store: &MetricStore,
    definition: &AlarmDefinition,
    from: Timestamp,
    until: Timestamp,
) -> Trend {
    let points = datapoints(store, definition, from, until);
    let unit = match &definition.source {
        AlarmSource::Signal { signal, .. } => signal.unit(),
        AlarmSource::Metric(_) => "",
    };
    Trend {
        of: TrendOf::Alarm {
            name: definition.name.clone(),
            comparison: definition.comparison,
            threshold: definition.threshold,
            min_samples: definition.min_samples,
        },
        unit: unit.to_owned(),
        start: points.first().map_or(from, |point| point.start),
        period_ms: definition.period_ms,
        values: points.into_iter().map(|point| point.value).collect(),
    }
}

/// The golden signals of `platform`'s services. What was never measured is left out.
#[must_use]
pub fn golden(
    store: &MetricStore,
    platform: &PlatformName,
    from: Timestamp,
    until: Timestamp,
) -> Vec<Trend> {
    let view = store.view();
    let first = GOLDEN_PERIOD.first_from(from.as_millisecond());
    let periods = first..GOLDEN_PERIOD.index_of(until.as_millisecond());
    let each = ServiceName::ALL
        .into_iter()
        .flat_map(|service| GoldenSignal::ALL.map(|signal| (service, signal)));
    each.filter_map(|(service, signal)| of_service(&view, platform, service, signal, &periods))
        .collect()
}

fn of_service(
    view: &View<'_>,
    platform: &PlatformName,
    service: ServiceName,
    signal: GoldenSignal,
    periods: &Range<i64>,
) -> Option<Trend> {
    let formula = Formula::of_expression(signal.expression(service), platform, Some(service))?;
    let points = formula.datapoints(view, GOLDEN_PERIOD, periods.clone());
    let values: Vec<Option<f64>> = points
        .into_iter()
        .map(|point| point.value.map(|value| shown(value, signal)))
        .collect();
    values.iter().any(Option::is_some).then(|| Trend {
        of: TrendOf::Golden { service, signal },
        unit: signal.unit().to_owned(),
        start: timestamp(GOLDEN_PERIOD.start_of(periods.start)),
        period_ms: GOLDEN_PERIOD.as_millis().unsigned_abs(),
        values,
    })
}

fn shown(value: f64, signal: GoldenSignal) -> f64 {
    if signal.is_rate() {
        value / f64::from(GOLDEN_PERIOD_S)
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use schema::platform::{AlarmName, Comparison, TreatMissingData};
    use schema::signals::{Metric, NAMESPACE, SCORING_DEPENDENCY, Signal};

    use super::*;
    use crate::dimensions;

    /// 2026-11-23T02:20:00Z.
    const START_MS: i64 = 1_795_400_400_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millisecond(START_MS + second * 1_000).unwrap()
    }

    fn platform() -> PlatformName {
        "local".try_into().unwrap()
    }

    fn emit(
        store: &MetricStore,
        dependency: Option<&str>,
        metric: Metric,
        value: f64,
        second: i64,
    ) {
        let platform = platform();
        let pairs = dimensions::loan_platform(&platform, ServiceName::LoanApi, dependency);
        store.record(NAMESPACE, metric.name(), &pairs, value, at(second));
    }

    #[test]
    fn requests_are_told_by_the_second_and_what_was_never_measured_not_at_all() {
        let store = MetricStore::default();
        emit(&store, None, Metric::Requests, 100.0, 25);

        let trends = golden(&store, &platform(), at(0), at(60));
        let requests = |trend: &&Trend| {
            let of = TrendOf::Golden {
                service: ServiceName::LoanApi,
                signal: GoldenSignal::Requests,
            };
            trend.of == of
        };
        let found = trends.iter().find(requests).unwrap();
        assert_eq!((found.start, found.period_ms), (at(0), 20_000));
        assert_eq!(found.values, [None, Some(5.0), None]);
        let of_others = |trend: &Trend| {
            !matches!(
                trend.of,
                TrendOf::Golden {
                    service: ServiceName::LoanApi,
                    ..
                }
            )
        };
        assert!(!trends.iter().any(of_others), "{trends:#?}");
    }

    #[test]
    fn an_alarm_is_shown_by_what_it_judges_beside_its_threshold() {
        let store = MetricStore::default();
        emit(&store, Some(SCORING_DEPENDENCY), Metric::Calls, 4.0, 15);
        emit(&store, Some(SCORING_DEPENDENCY), Metric::Failures, 1.0, 15);
        let definition = AlarmDefinition {
            platform: platform(),
            name: AlarmName("scoring-failures".to_owned()),
            source: AlarmSource::Signal {
                signal: Signal::ScoringFailureRatio,
                service: None,
            },
            comparison: Comparison::GreaterThanThreshold,
            threshold: 20.0,
            period_ms: 10_000,
            evaluation_periods: 1,
            datapoints_to_alarm: 1,
            min_samples: 0,
            treat_missing_data: TreatMissingData::Missing,
            notifies: false,
        };

        let trend = of_alarm(&store, &definition, at(0), at(30));
        assert_eq!(trend.values, [None, Some(25.0), None]);
        assert_eq!((trend.unit.as_str(), trend.start), ("%", at(0)));
        assert!(
            matches!(
                trend.of,
                TrendOf::Alarm {
                    threshold: 20.0,
                    ..
                }
            ),
            "{trend:?}"
        );
    }
}
