//! Formulas: how metrics become the datapoints that an alarm judges.

use std::ops::Range;

use engine::ports::{AlarmDefinition, AlarmSource};
use jiff::Timestamp;
use schema::names::{PlatformName, ServiceName};
use schema::platform::{MetricSource, Statistic};
use schema::signals::{Denominator, Expression, NAMESPACE, PLATFORM_DIMENSION, Series};

use crate::bucket::{Bucket, Summary};
use crate::dimensions;
use crate::period::{Period, timestamp};
use crate::series::{Dimensions, Match, Selector};
use crate::store::{MetricStore, View};

/// What one period's values came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Datapoint {
    /// Start of the period.
    pub start: Timestamp,
    /// The value; absent where nothing was measured, or a ratio has nothing to be a ratio of.
    pub value: Option<f64>,
    /// Samples behind the value: values measured, or for a ratio the sum that is divided by.
    pub samples: u64,
}

impl Datapoint {
    /// The value, unless there are too few samples to go by.
    #[must_use]
    pub fn guarded(&self, min_samples: u32) -> Option<f64> {
        self.value
            .filter(|_| self.samples >= u64::from(min_samples))
    }
}

/// The datapoints of what `definition` measures, one for each whole period that began at or after
/// `from` and ended at `until` or before, oldest first. Values older than the store keeps them are
/// gone: periods before that are left out.
#[must_use]
pub fn datapoints(
    store: &MetricStore,
    definition: &AlarmDefinition,
    from: Timestamp,
    until: Timestamp,
) -> Vec<Datapoint> {
    let view = store.view();
    let period = Period::from_millis(definition.period_ms);
    let until_ms = until.as_millisecond();
    let from_ms = from
        .as_millisecond()
        .max(until_ms.saturating_sub(view.retention_ms()));
    let periods = period.first_from(from_ms)..period.index_of(until_ms);
    Formula::of(definition).map_or_else(Vec::new, |formula| {
        formula.datapoints(&view, period, periods)
    })
}

/// What is asked of the store, for one alarm.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Formula {
    Single {
        series: Selector,
        statistic: Statistic,
    },
    /// 100 × the sum of the numerator over the sums of the denominators.
    Ratio {
        numerator: Selector,
        denominators: Vec<Selector>,
    },
}

impl Formula {
    /// What `definition` measures. Nothing when it names no service and its signal needs one, which
    /// validation refuses.
    pub(crate) fn of(definition: &AlarmDefinition) -> Option<Self> {
        let platform = &definition.platform;
        match &definition.source {
            AlarmSource::Metric(metric) => Some(Self::Single {
                series: named(metric, platform),
                statistic: metric.statistic,
            }),
            AlarmSource::Signal { signal, service } => {
                Self::of_expression(signal.expression(), platform, *service)
            }
        }
    }

    /// What `expression` measures of `platform`. Nothing when it needs a service and none is given.
    pub(crate) fn of_expression(
        expression: Expression,
        platform: &PlatformName,
        service: Option<ServiceName>,
    ) -> Option<Self> {
        let select = |series| catalogued(&series, platform, service);
        Some(match expression {
            Expression::Single { series, statistic } => Self::Single {
                series: select(series)?,
                statistic,
            },
            Expression::Ratio {
                numerator,
                denominator: Denominator::Series(series),
            } => Self::Ratio {
                numerator: select(numerator)?,
                denominators: vec![select(series)?],
            },
            Expression::Ratio {
                numerator,
                denominator: Denominator::NumeratorPlus(series),
            } => Self::Ratio {
                numerator: select(numerator)?,
                denominators: vec![select(numerator)?, select(series)?],
            },
        })
    }

    /// One datapoint for each of the periods with these numbers.
    pub(crate) fn datapoints(
        &self,
        view: &View<'_>,
        period: Period,
        periods: Range<i64>,
    ) -> Vec<Datapoint> {
        let starts = periods
            .clone()
            .map(|index| timestamp(period.start_of(index)));
        match self {
            Self::Single { series, statistic } => {
                let buckets = view.buckets(series, period, periods);
                starts
                    .zip(buckets)
                    .map(|(start, bucket)| single(start, &bucket, *statistic))
                    .collect()
            }
            Self::Ratio {
                numerator,
                denominators,
            } => {
                let numerators = view.summaries(numerator, period, periods.clone());
                let mut totals = vec![0.0; numerators.len()];
                for series in denominators {
                    let parts = view.summaries(series, period, periods.clone());
                    for (total, part) in totals.iter_mut().zip(parts) {
                        *total += part.sum;
                    }
                }
                starts
                    .zip(numerators.iter().zip(totals))
                    .map(|(start, (part, total))| ratio(start, part, total))
                    .collect()
            }
        }
    }
}

fn single(start: Timestamp, bucket: &Bucket, statistic: Statistic) -> Datapoint {
    Datapoint {
        start,
        value: bucket.statistic(statistic),
        samples: bucket.summary().count,
    }
}

/// A period without a numerator counts as none of so many: counters that were never raised may not
/// have been emitted at all.
fn ratio(start: Timestamp, part: &Summary, total: f64) -> Datapoint {
    Datapoint {
        start,
        value: (total > 0.0).then(|| 100.0 * part.sum / total),
        samples: whole(total),
    }
}

/// Sums of counts are whole; what is not a count and comes out negative is none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "such a cast saturates, which is what is wanted"
)]
pub(crate) fn whole(sum: f64) -> u64 {
    sum.round() as u64
}

pub(crate) fn catalogued(
    series: &Series,
    platform: &PlatformName,
    service: Option<ServiceName>,
) -> Option<Selector> {
    let pairs = dimensions::of_series(series, platform, service)?;
    Some(Selector {
        namespace: series.namespace.to_owned(),
        metric: series.metric.to_owned(),
        dimensions: Match::Exactly(owned(pairs)),
    })
}

/// Alarms belong to a platform, so a metric of the loan services is that platform's, said or not.
/// Without any dimension it is everything that the platform's services emit under the name.
fn named(metric: &MetricSource, platform: &PlatformName) -> Selector {
    let mut dimensions = metric.dimensions.clone();
    let any = dimensions.is_empty();
    let own = metric.namespace == NAMESPACE;
    if own {
        dimensions
            .entry(PLATFORM_DIMENSION.to_owned())
            .or_insert_with(|| platform.to_string());
    }
    Selector {
        namespace: metric.namespace.clone(),
        metric: metric.name.clone(),
        dimensions: if own && any {
            Match::AtLeast(dimensions)
        } else {
            Match::Exactly(dimensions)
        },
    }
}

fn owned(pairs: Vec<(&str, &str)>) -> Dimensions {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests;
