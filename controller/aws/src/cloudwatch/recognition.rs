//! Recognition: from a `MetricAlarm` as `CloudWatch` describes it back to the engine's definition.
//!
//! `CloudWatch` fills defaults in, and orders things as it likes: meaning is compared, not text. What no
//! definition could have written comes back as a metric that says so, and is different from every wish.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{EvaluationWindow, MetricAlarm, MetricDataQuery, MetricStat};
use engine::ports::{AlarmDefinition, AlarmSource};
use schema::infrastructure::Surroundings;
use schema::names::{PlatformName, ServiceName};
use schema::platform::{AlarmName, Comparison, MetricSource, Statistic, TreatMissingData};
use schema::signals::{Expression, NAMESPACE, PLATFORM_DIMENSION, Signal};

use super::formula::{Formula, Stat};
use super::measure::{Measure, MetricId};
use super::{description, words};

/// Namespace of the metric that stands for what nobody's definition could have written.
const FOREIGN: &str = "edited by hand";
/// Longest text of such a metric.
const MAX_FOREIGN_CHARS: usize = 255;

/// What `alarm`, found under this name, is defined as.
pub(super) fn definition(
    platform: PlatformName,
    name: AlarmName,
    alarm: &MetricAlarm,
    surroundings: &Surroundings,
) -> AlarmDefinition {
    let mut definition = Frame::of(alarm).definition(platform, name);
    match recognised(alarm, surroundings, &definition) {
        Ok(Recognised {
            source,
            min_samples,
            notifies,
        }) => {
            definition.source = source;
            definition.min_samples = min_samples;
            definition.notifies = notifies;
        }
        Err(what) => definition.source = foreign(&what),
    }
    definition
}

/// What can be read off an alarm as it stands.
struct Frame {
    comparison: Comparison,
    threshold: f64,
    period_s: i32,
    evaluation_periods: u32,
    datapoints_to_alarm: u32,
    treat_missing_data: TreatMissingData,
}

impl Frame {
    fn of(alarm: &MetricAlarm) -> Self {
        let evaluation_periods = count(alarm.evaluation_periods).unwrap_or(0);
        let operator = alarm.comparison_operator.as_ref();
        Self {
            comparison: operator.and_then(words::to_comparison).unwrap_or_default(),
            threshold: alarm.threshold.unwrap_or_default(),
            period_s: period_s(alarm).unwrap_or(0),
            evaluation_periods,
            datapoints_to_alarm: count(alarm.datapoints_to_alarm).unwrap_or(evaluation_periods),
            treat_missing_data: words::to_missing_data(alarm.treat_missing_data())
                .unwrap_or_default(),
        }
    }

    /// Without a source yet.
    fn definition(self, platform: PlatformName, name: AlarmName) -> AlarmDefinition {
        AlarmDefinition {
            platform,
            name,
            source: foreign(""),
            comparison: self.comparison,
            threshold: self.threshold,
            period_ms: u64::try_from(self.period_s).unwrap_or(0) * 1_000,
            evaluation_periods: self.evaluation_periods,
            datapoints_to_alarm: self.datapoints_to_alarm,
            min_samples: 0,
            treat_missing_data: self.treat_missing_data,
            notifies: false,
        }
    }
}

/// The period of the metric, or the one that all metrics of an expression share.
fn period_s(alarm: &MetricAlarm) -> Option<i32> {
    let stats = alarm
        .metrics()
        .iter()
        .filter_map(MetricDataQuery::metric_stat);
    alarm
        .period
        .or_else(|| stats.filter_map(MetricStat::period).next())
}

fn count(number: Option<i32>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}

/// What takes more than reading.
struct Recognised {
    source: AlarmSource,
    min_samples: u32,
    notifies: bool,
}

/// What a definition must have been to be written as `alarm`; or what in it no definition writes.
fn recognised(
    alarm: &MetricAlarm,
    surroundings: &Surroundings,
    frame: &AlarmDefinition,
) -> Result<Recognised, String> {
    refuse_settings_of_others(alarm)?;
    let told = told(alarm, surroundings)?;
    let formula = formula(alarm)?;
    let min_samples = guard(&formula);
    let candidate = |(source, notifies): (AlarmSource, &bool)| AlarmDefinition {
        source,
        min_samples,
        notifies: *notifies,
        ..frame.clone()
    };
    let pairs = sources(&formula)
        .into_iter()
        .flat_map(|source| told.iter().map(move |told| (source.clone(), told)));
    let writes_it = |candidate: &AlarmDefinition| {
        Measure::of(candidate, surroundings)
            .is_ok_and(|measure| measure.writes(&formula, min_samples))
    };
    let candidates: Vec<_> = pairs.map(candidate).filter(writes_it).collect();
    let text = alarm.alarm_description().unwrap_or_default();
    let spoken_of = candidates
        .iter()
        .find(|candidate| description::speaks_of(text, candidate));
    let found = spoken_of.or_else(|| candidates.first());
    let found = found.ok_or_else(|| in_words(&formula))?;
    Ok(Recognised {
        source: found.source.clone(),
        min_samples,
        notifies: found.notifies,
    })
}

/// Settings that no definition makes, other than by leaving them out.
fn refuse_settings_of_others(alarm: &MetricAlarm) -> Result<(), String> {
    let operator = alarm.comparison_operator.as_ref();
    let window = alarm.evaluation_window.as_ref();
    let low = alarm.evaluate_low_sample_count_percentile();
    for (is_set, what) in [
        (
            operator.and_then(words::to_comparison).is_none(),
            "the comparison",
        ),
        (alarm.threshold.is_none(), "no threshold"),
        (alarm.threshold_metric_id.is_some(), "an anomaly band"),
        (alarm.unit.is_some(), "a unit"),
        (
            low.is_some_and(|word| word != "evaluate"),
            "percentiles of few samples ignored",
        ),
        (
            words::to_missing_data(alarm.treat_missing_data()).is_none(),
            "the treatment of missing data",
        ),
        (
            window.is_some_and(|it| !matches!(it, EvaluationWindow::SlidingWindow(_))),
            "an evaluation window",
        ),
        (alarm.warm_up_configuration.is_some(), "a warm-up"),
        (alarm.evaluation_criteria.is_some(), "other criteria"),
    ] {
        if is_set {
            return Err(what.to_owned());
        }
    }
    Ok(())
}

/// Whether people are told: yes, no, or, where there is no way to tell them, either.
fn told(alarm: &MetricAlarm, surroundings: &Surroundings) -> Result<&'static [bool], String> {
    let topic = surroundings.notification_topic.as_ref();
    let actions = [
        alarm.alarm_actions(),
        alarm.ok_actions(),
        alarm.insufficient_data_actions(),
    ];
    match (actions, topic) {
        ([[], [], []], None) => Ok(&[false, true]),
        ([[], [], []], Some(_)) => Ok(&[false]),
        ([[fires], [clears], []], Some(topic)) if fires == topic && clears == topic => Ok(&[true]),
        _ => Err(format!("other actions: {}", actions.concat().join(", "))),
    }
}

fn formula(alarm: &MetricAlarm) -> Result<Formula, String> {
    if alarm.metrics().is_empty() {
        return plain(alarm).map(Formula::Plain);
    }
    let period_s = period_s(alarm);
    let mut stats = BTreeMap::new();
    let mut expressions = Vec::new();
    for query in alarm.metrics() {
        let id = query.id().unwrap_or_default().to_owned();
        match (query.metric_stat(), query.expression()) {
            (Some(stat), None) if query.return_data != Some(true) && stat.period == period_s => {
                stats.insert(id, part(query, stat)?);
            }
            (None, Some(expression)) if query.return_data != Some(false) => {
                expressions.push(expression);
            }
            _ => return Err(format!("part {id} of the formula")),
        }
    }
    match expressions.as_slice() {
        [expression] => Ok(Formula::Math {
            stats,
            expression: (*expression).to_owned(),
        }),
        _ => Err(format!("{} formulas", expressions.len())),
    }
}

fn plain(alarm: &MetricAlarm) -> Result<Stat, String> {
    // A percentile says more than the statistic that some put beside it.
    let extended = alarm.extended_statistic();
    let word = extended.or_else(|| {
        alarm
            .statistic()
            .map(aws_sdk_cloudwatch::types::Statistic::as_str)
    });
    Ok(Stat {
        metric: MetricId {
            namespace: alarm.namespace().unwrap_or_default().to_owned(),
            name: alarm.metric_name().unwrap_or_default().to_owned(),
            dimensions: words::to_dimensions(alarm.dimensions()),
        },
        statistic: statistic(word)?,
    })
}

fn part(query: &MetricDataQuery, stat: &MetricStat) -> Result<Stat, String> {
    let metric = stat.metric().filter(|_| query.account_id.is_none());
    let metric = metric.ok_or("a metric of another account")?;
    if stat.unit.is_some() {
        return Err("a unit".to_owned());
    }
    Ok(Stat {
        metric: MetricId {
            namespace: metric.namespace().unwrap_or_default().to_owned(),
            name: metric.metric_name().unwrap_or_default().to_owned(),
            dimensions: words::to_dimensions(metric.dimensions()),
        },
        statistic: statistic(stat.stat())?,
    })
}

fn statistic(word: Option<&str>) -> Result<Statistic, String> {
    let word = word.unwrap_or_default();
    words::to_statistic(word).ok_or_else(|| format!("statistic {word}"))
}

/// Samples that the guard of a formula asks for; if it is none of ours, it makes no difference.
fn guard(formula: &Formula) -> u32 {
    let Formula::Math { expression, .. } = formula else {
        return 0;
    };
    let after = expression.split_once(">= ").map(|(_, after)| after);
    let number = after.and_then(|after| after.split(',').next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Sources that may have been written as `formula`: signals first.
fn sources(formula: &Formula) -> Vec<AlarmSource> {
    let stats: Vec<&Stat> = match formula {
        Formula::Plain(stat) => vec![stat],
        Formula::Math { stats, .. } => stats.values().collect(),
    };
    let signals = Signal::ALL.into_iter().filter(|signal| {
        let (Expression::Ratio {
            numerator: series, ..
        }
        | Expression::Single { series, .. }) = signal.expression();
        let is_its = |stat: &&Stat| {
            stat.metric.name == series.metric && stat.metric.namespace == series.namespace
        };
        stats.iter().any(is_its)
    });
    let signals = signals.flat_map(|signal| {
        let source = move |service| AlarmSource::Signal { signal, service };
        let services = ServiceName::ALL.into_iter().map(Some);
        let services: Vec<_> = if signal.needs_service() {
            services.collect()
        } else {
            vec![None]
        };
        services.into_iter().map(source)
    });
    let metrics = stats.iter().flat_map(|stat| metrics(stat));
    signals.chain(metrics).collect()
}

/// What a spec may have said to get `stat`, or to have it for a part.
fn metrics(stat: &Stat) -> Vec<AlarmSource> {
    let metric = &stat.metric;
    let source = |statistic, dimensions: &BTreeMap<String, String>| {
        AlarmSource::Metric(MetricSource {
            namespace: metric.namespace.clone(),
            name: metric.name.clone(),
            statistic,
            dimensions: dimensions.clone(),
        })
    };
    let mut sources = vec![source(stat.statistic, &metric.dimensions)];
    if metric.namespace == NAMESPACE {
        let mut unsaid = metric.dimensions.clone();
        unsaid.remove(PLATFORM_DIMENSION);
        sources.push(source(stat.statistic, &unsaid));
        // Of everything that the services emit; an average is made of sums.
        sources.push(source(stat.statistic, &BTreeMap::new()));
        sources.push(source(Statistic::Average, &BTreeMap::new()));
    }
    sources
}

fn in_words(formula: &Formula) -> String {
    match formula {
        Formula::Plain(stat) => format!(
            "{} {}",
            stat.metric.name,
            words::of_statistic(stat.statistic)
        ),
        Formula::Math { expression, .. } => format!("the formula {expression}"),
    }
}

fn foreign(what: &str) -> AlarmSource {
    AlarmSource::Metric(MetricSource {
        namespace: FOREIGN.to_owned(),
        name: what.chars().take(MAX_FOREIGN_CHARS).collect(),
        statistic: Statistic::Average,
        dimensions: BTreeMap::new(),
    })
}

#[cfg(test)]
mod tests;
