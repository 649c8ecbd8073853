//! Descriptions: an alarm in words, for whoever opens it in the console.
//!
//! They also tell apart what is the same to `CloudWatch` and not to a spec: a signal, and the metric behind it;
//! a platform's own dimension, written out or not; an alarm that tells people, where nobody can be told.

use engine::ports::{AlarmDefinition, AlarmSource};
use schema::units::format_millis;

/// Longest description that `CloudWatch` takes.
const MAX_CHARS: usize = 1_024;

/// The whole description.
pub(super) fn of(definition: &AlarmDefinition) -> String {
    let AlarmDefinition {
        platform,
        threshold,
        evaluation_periods,
        datapoints_to_alarm,
        ..
    } = definition;
    let sign = definition.comparison.sign();
    let period = format_millis(definition.period_ms);
    let samples = match definition.min_samples {
        0 => String::new(),
        count => format!(" with {count} samples or more"),
    };
    let description = format!(
        "{}Fires when {datapoints_to_alarm} of {evaluation_periods} datapoints of {period}{samples} are \
         {sign} {threshold}. Kept by the LoanPlatform controller: change the spec of {platform}, not this \
         alarm.",
        opening(definition),
    );
    description.chars().take(MAX_CHARS).collect()
}

/// Whether `description` was written for an alarm with the source of `definition`, that tells people or does
/// not, as that one does.
pub(super) fn speaks_of(description: &str, definition: &AlarmDefinition) -> bool {
    let opening: String = opening(definition).chars().take(MAX_CHARS).collect();
    description.starts_with(&opening)
}

/// What is measured, and whether people are told.
fn opening(definition: &AlarmDefinition) -> String {
    let told = if definition.notifies {
        "People are told."
    } else {
        "Nobody is told."
    };
    format!("{}. {told} ", source(&definition.source))
}

fn source(source: &AlarmSource) -> String {
    match source {
        AlarmSource::Signal {
            signal,
            service: Some(service),
        } => format!("Signal {signal:?} of {service}"),
        AlarmSource::Signal {
            signal,
            service: None,
        } => format!("Signal {signal:?}"),
        AlarmSource::Metric(metric) => {
            let names: Vec<&str> = metric.dimensions.keys().map(String::as_str).collect();
            let by = match names.as_slice() {
                [] => "no dimensions".to_owned(),
                names => names.join(", "),
            };
            let (namespace, name) = (&metric.namespace, &metric.name);
            format!("Metric {namespace} {name}, {:?}, by {by}", metric.statistic)
        }
    }
}
