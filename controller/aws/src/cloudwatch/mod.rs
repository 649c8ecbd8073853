//! Alarms on `CloudWatch`, and what is read from its metrics.

mod definition;
mod description;
mod emitters;
mod evidence;
mod formula;
mod history;
mod measure;
mod metric_data;
mod names;
mod observation;
mod past;
mod reason;
mod recognition;
#[cfg(test)]
mod samples;
mod settings_reports;
mod times;
mod words;
