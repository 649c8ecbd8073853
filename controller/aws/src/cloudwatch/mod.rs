//! Alarms on `CloudWatch`, and what is read from its metrics.

mod definition;
mod description;
mod emitters;
mod formula;
mod measure;
mod names;
mod recognition;
#[cfg(test)]
mod samples;
mod times;
mod words;
