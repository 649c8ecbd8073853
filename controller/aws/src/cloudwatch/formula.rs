//! Formulas: a measure in `CloudWatch`'s metric math, and the same arithmetic here.
//!
//! Source: Amazon CloudWatch User Guide, "Using math expressions with CloudWatch metrics". Where a condition
//! does not hold, `IF` without a third argument gives no datapoint: what rests on too few samples is missing,
//! as it is on one machine.

use std::collections::BTreeMap;

use schema::platform::Statistic;

use super::measure::{Measure, MetricId, Whole};

/// Identifiers of the parts of a formula.
const VALUE: &str = "value";
const SAMPLES: &str = "samples";
const NUMERATOR: &str = "numerator";
const DENOMINATOR: &str = "denominator";
const REST: &str = "rest";

/// A statistic of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) metric: MetricId,
    pub(super) statistic: Statistic,
}

/// What an alarm is told to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Formula {
    /// A statistic as it is.
    Plain(Stat),
    /// An expression over statistics, by their identifiers.
    Math {
        stats: BTreeMap<String, Stat>,
        expression: String,
    },
}

/// What one period's values came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Datapoint {
    /// The value; absent where nothing was measured, or a ratio has nothing to be a ratio of.
    value: Option<f64>,
    /// Samples behind it.
    samples: f64,
}

impl Datapoint {
    /// The value, unless there are too few samples to go by.
    pub(super) fn guarded(self, min_samples: u32) -> Option<f64> {
        self.value
            .filter(|_| self.samples.round() >= f64::from(min_samples))
    }
}

impl Measure {
    /// The formula whose datapoints are missing below `min_samples`.
    pub(super) fn formula(&self, min_samples: u32) -> Formula {
        match self {
            Self::Single { metric, statistic } if min_samples == 0 => {
                Formula::Plain(stat(metric, *statistic))
            }
            _ => self.math(self.expression(min_samples)),
        }
    }

    /// Whether `formula` is the one. Of an alarm that is looked at many are tried: most are told by less than all of
    /// it.
    pub(super) fn writes(&self, formula: &Formula, min_samples: u32) -> bool {
        match (self, formula) {
            (Self::Single { metric, statistic }, Formula::Plain(stat)) => {
                min_samples == 0 && *metric == stat.metric && *statistic == stat.statistic
            }
            (_, Formula::Plain(_)) => false,
            (_, Formula::Math { expression, .. }) => {
                self.expression(min_samples) == *expression && self.formula(min_samples) == *formula
            }
        }
    }

    /// Every metric of an alarm is paid for: those that `expression` does not ask for are left out.
    fn math(&self, expression: String) -> Formula {
        let mut stats = self.stats();
        stats.retain(|id, _| expression.contains(id.trim_end_matches(char::is_numeric)));
        Formula::Math { stats, expression }
    }

    /// The statistics that tell its datapoints, guarded or not.
    pub(super) fn needed(&self, min_samples: u32) -> BTreeMap<String, Stat> {
        match self.formula(min_samples) {
            Formula::Plain(stat) => BTreeMap::from([(VALUE.to_owned(), stat)]),
            Formula::Math { stats, .. } => stats,
        }
    }

    /// Everything that the value and its samples are made of.
    fn stats(&self) -> BTreeMap<String, Stat> {
        let sum = |id: &str, metric| (id.to_owned(), stat(metric, Statistic::Sum));
        match self {
            Self::Single { metric, statistic } => BTreeMap::from([
                (VALUE.to_owned(), stat(metric, *statistic)),
                (SAMPLES.to_owned(), stat(metric, Statistic::SampleCount)),
            ]),
            Self::Merged { metrics, statistic } => merged_stats(metrics, *statistic),
            Self::Ratio {
                numerator,
                denominator,
            } => BTreeMap::from([
                sum(NUMERATOR, numerator),
                match denominator {
                    Whole::All(all) => sum(DENOMINATOR, all),
                    Whole::Rest(rest) => sum(REST, rest),
                },
            ]),
        }
    }

    fn expression(&self, min_samples: u32) -> String {
        match self {
            Self::Single { .. } => format!("IF({SAMPLES} >= {min_samples}, {VALUE})"),
            Self::Merged { statistic, .. } => guard(min_samples, &merging(*statistic)),
            Self::Ratio { denominator, .. } => ratio(denominator, min_samples),
        }
    }

    /// What the statistics of one period come to; `value_of` tells them by their identifiers.
    pub(super) fn datapoint(&self, value_of: impl Fn(&str) -> Option<f64>) -> Datapoint {
        match self {
            Self::Single { .. } => Datapoint {
                value: value_of(VALUE),
                samples: value_of(SAMPLES).unwrap_or(0.0),
            },
            Self::Merged { metrics, statistic } => merge(metrics.len(), *statistic, value_of),
            Self::Ratio { denominator, .. } => {
                // A counter that was never raised may not have been emitted at all.
                let counted = value_of(NUMERATOR).unwrap_or(0.0);
                let total = match denominator {
                    Whole::All(_) => value_of(DENOMINATOR).unwrap_or(0.0),
                    Whole::Rest(_) => counted + value_of(REST).unwrap_or(0.0),
                };
                Datapoint {
                    value: (total > 0.0).then(|| 100.0 * counted / total),
                    samples: total,
                }
            }
        }
    }
}

/// A ratio without anything to be a ratio of is missing, whatever the guard.
fn ratio(denominator: &Whole, min_samples: u32) -> String {
    let total = match denominator {
        Whole::All(_) => DENOMINATOR.to_owned(),
        Whole::Rest(_) => format!("(FILL({NUMERATOR}, 0) + FILL({REST}, 0))"),
    };
    let condition = match min_samples {
        0 => format!("{total} > 0"),
        _ => format!("{total} >= {min_samples}"),
    };
    format!("IF({condition}, 100 * FILL({NUMERATOR}, 0) / {total})")
}

fn guard(min_samples: u32, value: &str) -> String {
    match min_samples {
        0 => value.to_owned(),
        _ => format!("IF({} >= {min_samples}, {value})", all("SUM", SAMPLES)),
    }
}

fn merging(statistic: Statistic) -> String {
    match statistic {
        Statistic::Average => format!("{} / {}", all("SUM", VALUE), all("SUM", SAMPLES)),
        Statistic::Minimum => all("MIN", VALUE),
        Statistic::Maximum => all("MAX", VALUE),
        _ => all("SUM", VALUE),
    }
}

/// A function of all metrics whose identifiers contain `id`.
fn all(function: &str, id: &str) -> String {
    format!("{function}(METRICS(\"{id}\"))")
}

fn merged_stats(metrics: &[MetricId], statistic: Statistic) -> BTreeMap<String, Stat> {
    let value = match statistic {
        Statistic::Average => Statistic::Sum,
        other => other,
    };
    let both = |(index, metric)| {
        [
            (numbered(VALUE, index), stat(metric, value)),
            (
                numbered(SAMPLES, index),
                stat(metric, Statistic::SampleCount),
            ),
        ]
    };
    metrics.iter().enumerate().flat_map(both).collect()
}

fn merge(count: usize, statistic: Statistic, value_of: impl Fn(&str) -> Option<f64>) -> Datapoint {
    let every = |id: &str| -> Vec<f64> {
        let ids = (0..count).map(|index| numbered(id, index));
        ids.filter_map(|id| value_of(&id)).collect()
    };
    let values = every(VALUE);
    let samples: f64 = every(SAMPLES).iter().sum();
    let merged = match statistic {
        Statistic::Average => values.iter().sum::<f64>() / samples,
        Statistic::Minimum => values.iter().copied().fold(f64::INFINITY, f64::min),
        Statistic::Maximum => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        _ => values.iter().sum(),
    };
    Datapoint {
        value: (!values.is_empty() && merged.is_finite()).then_some(merged),
        samples,
    }
}

fn numbered(id: &str, index: usize) -> String {
    format!("{id}{}", index + 1)
}

fn stat(metric: &MetricId, statistic: Statistic) -> Stat {
    Stat {
        metric: metric.clone(),
        statistic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &str) -> MetricId {
        MetricId {
            namespace: "LoanPlatform".to_owned(),
            name: name.to_owned(),
            dimensions: BTreeMap::new(),
        }
    }

    fn expression(measure: &Measure, min_samples: u32) -> Option<String> {
        match measure.formula(min_samples) {
            Formula::Plain(_) => None,
            Formula::Math { expression, .. } => Some(expression),
        }
    }

    #[test]
    fn a_measure_writes_its_own_formula_and_no_other() {
        let single = |name, statistic| Measure::Single {
            metric: metric(name),
            statistic,
        };
        let ratio = |name| Measure::Ratio {
            numerator: metric(name),
            denominator: Whole::All(metric("Calls")),
        };
        let measures = [
            single("Latency", Statistic::P99),
            single("Latency", Statistic::Average),
            single("Calls", Statistic::P99),
            ratio("Failures"),
            ratio("Timeouts"),
        ];
        let written = measures.iter().flat_map(|it| [0, 5].map(|min| (it, min)));
        for (writer, min_samples) in written.clone() {
            let formula = writer.formula(min_samples);
            for (other, samples) in written.clone() {
                let is_it = other.formula(samples) == formula;
                assert_eq!(
                    other.writes(&formula, samples),
                    is_it,
                    "{other:?} {formula:?}"
                );
            }
        }
    }

    #[test]
    fn a_datapoint_of_too_few_samples_is_missing_and_not_zero() {
        let failures = Measure::Ratio {
            numerator: metric("Failures"),
            denominator: Whole::All(metric("Calls")),
        };
        let approvals = Measure::Ratio {
            numerator: metric("ApplicationsApproved"),
            denominator: Whole::Rest(metric("ApplicationsRejected")),
        };
        let latency = Measure::Single {
            metric: metric("Latency"),
            statistic: Statistic::P99,
        };
        let calls = Measure::Merged {
            metrics: vec![metric("Calls"), metric("Calls")],
            statistic: Statistic::Average,
        };
        for (measure, min_samples, expected) in [
            (
                &failures,
                0,
                Some("IF(denominator > 0, 100 * FILL(numerator, 0) / denominator)"),
            ),
            (
                &failures,
                20,
                Some("IF(denominator >= 20, 100 * FILL(numerator, 0) / denominator)"),
            ),
            (
                &approvals,
                5,
                Some(
                    "IF((FILL(numerator, 0) + FILL(rest, 0)) >= 5, \
                     100 * FILL(numerator, 0) / (FILL(numerator, 0) + FILL(rest, 0)))",
                ),
            ),
            (&latency, 0, None),
            (&latency, 100, Some("IF(samples >= 100, value)")),
            (
                &calls,
                0,
                Some("SUM(METRICS(\"value\")) / SUM(METRICS(\"samples\"))"),
            ),
            (
                &calls,
                7,
                Some(
                    "IF(SUM(METRICS(\"samples\")) >= 7, \
                     SUM(METRICS(\"value\")) / SUM(METRICS(\"samples\")))",
                ),
            ),
        ] {
            assert_eq!(expression(measure, min_samples).as_deref(), expected);
        }
    }

    #[test]
    fn cloudwatch_takes_ten_metrics_in_an_alarm_and_none_has_more() {
        let largest = Measure::Merged {
            metrics: vec![metric("Requests"); 4],
            statistic: Statistic::Average,
        };
        assert!(largest.stats().len() <= 10);
    }

    #[test]
    fn a_merged_average_weighs_by_samples() {
        let measure = Measure::Merged {
            metrics: vec![metric("Latency"), metric("Latency")],
            statistic: Statistic::Average,
        };
        let values = BTreeMap::from([
            ("value1", 10.0),
            ("samples1", 1.0),
            ("value2", 90.0),
            ("samples2", 3.0),
        ]);
        let datapoint = measure.datapoint(|id| values.get(id).copied());
        assert_eq!(datapoint.guarded(4), Some(25.0));
        assert_eq!(datapoint.guarded(5), None);
    }
}
