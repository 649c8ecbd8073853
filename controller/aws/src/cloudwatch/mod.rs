//! Alarms on `CloudWatch`, and what is read from its metrics.
//!
//! An alarm of a spec is one metric alarm, called `LoanPlatform/PLATFORM/ALARM`: [`definition`] writes it,
//! [`recognition`] reads it back, and [`measure`] and [`formula`] say what it looks at, by the same rules as
//! those of the home on one machine. [`alarms`] makes the calls. [`dashboard`] shows the same metrics to people.

mod alarms;
mod change;
mod dashboard;
mod definition;
mod describe;
mod description;
mod emitters;
mod evidence;
mod formula;
mod gathering;
mod history;
mod listed;
mod measure;
mod metric_data;
mod names;
mod observation;
mod past;
mod pasts;
mod reason;
mod recognition;
mod registry;
#[cfg(test)]
mod samples;
mod settings_reports;
mod times;
mod trends;
mod words;

pub(crate) use alarms::CloudWatchAlarms;
pub(crate) use names::{PREFIX, of_cloudwatch};
pub(crate) use settings_reports::MetricReports;
