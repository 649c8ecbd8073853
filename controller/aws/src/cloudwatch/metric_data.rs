//! Metric data: statistics of many metrics over some time, in as few calls as `CloudWatch` allows.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{MetricDataQuery, MetricDataResult, ScanBy, StatusCode};
use engine::ports::{PortError, Urgency};
use jiff::Timestamp;

use super::definition::{metric_stat, seconds};
use super::formula::Stat;
use super::times::{date_time, timestamp};
use crate::caller::{Call, Caller};
use crate::quota::Family;

/// Queries in a call. Source: Amazon CloudWatch API Reference, `GetMetricData`.
pub(super) const MAX_QUERIES: usize = 500;
/// Datapoints in an answer; more come on further pages. Source: the same.
const MAX_DATAPOINTS: i32 = 100_800;
/// Pages of one call, two million datapoints: a week in minutes of 200 metrics.
const MAX_PAGES: usize = 20;

/// One statistic asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    /// Unique among those asked together: a lower-case letter, then letters, digits and underscores.
    pub(super) id: String,
    /// What is asked for.
    pub(super) stat: Stat,
    /// Length of a datapoint in milliseconds.
    pub(super) period_ms: u64,
}

/// What is asked of one stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Question {
    /// Its start: a multiple of every period asked for, or `CloudWatch` aligns them otherwise.
    pub(super) start: Timestamp,
    /// Its end.
    pub(super) end: Timestamp,
    /// What is asked for.
    pub(super) queries: Vec<Query>,
}

impl Question {
    /// The questions for what is asked for from each start on, all until `end`.
    pub(super) fn all(queries: &BTreeMap<Timestamp, Vec<Query>>, end: Timestamp) -> Vec<Self> {
        let one = |(start, queries): (&Timestamp, &Vec<Query>)| Self {
            start: *start,
            end,
            queries: queries.clone(),
        };
        queries.iter().map(one).collect()
    }
}

/// Values by query, and by the start of their period.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answers(BTreeMap<String, BTreeMap<Timestamp, f64>>);

impl Answers {
    /// The values of one query.
    pub(super) fn of(&self, id: &str) -> impl DoubleEndedIterator<Item = (Timestamp, f64)> {
        let values = self.0.get(id).into_iter().flatten();
        values.map(|(start, value)| (*start, *value))
    }

    /// The value of one query in the period that begins at `start`.
    pub(super) fn at(&self, id: &str, start: Timestamp) -> Option<f64> {
        self.0.get(id)?.get(&start).copied()
    }

    pub(super) fn add(&mut self, id: &str, start: Timestamp, value: f64) {
        let values = self.0.entry(id.to_owned()).or_default();
        values.insert(start, value);
    }

    fn take_in(&mut self, result: &MetricDataResult) {
        let id = result.id().unwrap_or_default();
        for (start, value) in result.timestamps().iter().zip(result.values()) {
            if let Some(start) = timestamp(start) {
                self.add(id, start, *value);
            }
        }
    }
}

/// A result that lacks data although there may be some.
#[derive(Debug, thiserror::Error)]
#[error("CloudWatch could not tell {id}: {status}")]
struct Untold {
    id: String,
    status: String,
}

/// Reads the answers to `questions`. `of_what` says what they are about: `platform local`.
///
/// # Errors
/// When they cannot be read, or `CloudWatch` leaves some out.
pub(super) async fn read(
    client: &aws_sdk_cloudwatch::Client,
    caller: &Caller,
    questions: &[Question],
    of_what: &str,
    urgency: Urgency,
) -> Result<Answers, PortError> {
    let call = Call {
        family: Family::GetMetricData,
        permission: "cloudwatch:GetMetricData",
        action: format!("read metrics of {of_what}"),
    };
    let mut answers = Answers::default();
    for question in questions {
        for queries in question.queries.chunks(MAX_QUERIES) {
            let (start, end) = (question.start, question.end);
            let part = Question {
                start,
                end,
                queries: queries.to_vec(),
            };
            read_pages(client, caller, &part, &call, urgency, &mut answers).await?;
        }
    }
    Ok(answers)
}

async fn read_pages(
    client: &aws_sdk_cloudwatch::Client,
    caller: &Caller,
    question: &Question,
    call: &Call,
    urgency: Urgency,
    answers: &mut Answers,
) -> Result<(), PortError> {
    let mut next = None;
    for _ in 0..MAX_PAGES {
        let page = caller.read(call, urgency, || {
            client
                .get_metric_data()
                .set_metric_data_queries(Some(asked(&question.queries)))
                .start_time(date_time(question.start))
                .end_time(date_time(question.end))
                .scan_by(ScanBy::TimestampDescending)
                .max_datapoints(MAX_DATAPOINTS)
                .set_next_token(next.clone())
                .send()
        });
        let page = page.await?;
        for result in page.metric_data_results() {
            told(result).map_err(|error| PortError::unavailable(&call.action, error))?;
            answers.take_in(result);
        }
        next = page.next_token;
        if next.is_none() {
            return Ok(());
        }
    }
    tracing::warn!(call.action, "too many metrics: the oldest are left out");
    Ok(())
}

/// What is partial goes on with the next page; anything else that is not complete lacks data.
fn told(result: &MetricDataResult) -> Result<(), Untold> {
    match result.status_code() {
        None | Some(StatusCode::Complete | StatusCode::PartialData) => Ok(()),
        Some(other) => Err(Untold {
            id: result.id().unwrap_or_default().to_owned(),
            status: other.to_string(),
        }),
    }
}

fn asked(queries: &[Query]) -> Vec<MetricDataQuery> {
    let one = |query: &Query| {
        MetricDataQuery::builder()
            .id(&query.id)
            .metric_stat(metric_stat(&query.stat, seconds(query.period_ms)))
            .return_data(true)
            .build()
    };
    queries.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::primitives::DateTime;

    use super::*;

    fn result(status: StatusCode) -> MetricDataResult {
        MetricDataResult::builder()
            .id("calls")
            .status_code(status)
            .timestamps(DateTime::from_secs(20))
            .timestamps(DateTime::from_secs(10))
            .values(2.0)
            .values(1.0)
            .build()
    }

    #[test]
    fn values_are_kept_by_the_start_of_their_period() {
        let mut answers = Answers::default();
        answers.take_in(&result(StatusCode::Complete));
        let starts: Vec<_> = answers.of("calls").collect();
        let second = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(starts, [(second(10), 1.0), (second(20), 2.0)]);
        assert_eq!(answers.at("calls", second(20)), Some(2.0));
        assert_eq!(answers.at("calls", second(30)), None);
    }

    #[test]
    fn what_is_left_out_is_an_error_and_not_silence() {
        assert!(told(&result(StatusCode::PartialData)).is_ok());
        for status in [StatusCode::InternalError, StatusCode::Forbidden] {
            assert!(told(&result(status)).is_err());
        }
    }
}
