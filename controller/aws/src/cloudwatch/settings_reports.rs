//! Reports of services on the settings that they have in force, from their metrics: many platforms a call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::ports::{PortError, Urgency};
use jiff::{SignedDuration, Timestamp};
use schema::names::{PlatformName, ServiceName};
use schema::platform::Statistic;
use schema::signals::{Metric, NAMESPACE, Series};

use super::formula::Stat;
use super::measure::emitted;
use super::metric_data::{self, Answers, MAX_QUERIES, Query, Question};
use super::times::{before, end, first_from};
use crate::batcher::{Batcher, Describe, Linger};
use crate::caller::Caller;
use crate::connection::Connection;
use crate::ecs::{Lowest, SettingsReports};

/// Length of a report's period in milliseconds: several reports of every task.
const PERIOD_MS: u64 = 10_000;
/// How far back reports are looked for.
const BACK: SignedDuration = SignedDuration::from_secs(70);
/// Time that the reports of all tasks have to come in: logs are flushed within five seconds.
const INGESTION: SignedDuration = SignedDuration::from_secs(5);

/// Metrics of a platform that are asked for: two of each service.
const METRICS: usize = 2 * ServiceName::ALL.len();
/// What rests is asked once in a term, as its first look comes: of a thousand platforms that are looked at over a
/// resync, a call fills in twenty seconds.
const LINGER: Linger = Linger {
    quiet: Duration::from_secs(3),
    longest: Duration::from_secs(30),
    edit: Duration::from_millis(20),
};

/// Order of settings: the term of the controller that wrote them, and the sequence within it.
pub(crate) type Order = (u64, u64);

/// What the services of a platform report.
type Orders = BTreeMap<ServiceName, Order>;

/// Tells what services report of the settings in force. What many platforms ask for goes into one call.
#[derive(Debug)]
pub(crate) struct MetricReports(Batcher<Reading>);

/// Reads what services report, of as many platforms as go into a call.
#[derive(Debug)]
struct Reading {
    connection: Connection,
    caller: Arc<Caller>,
}

impl MetricReports {
    /// Must be called within a runtime.
    pub(crate) fn new(connection: Connection, caller: Arc<Caller>) -> Self {
        let reading = Reading { connection, caller };
        Self(Batcher::new(Arc::new(reading), LINGER))
    }
}

#[async_trait]
impl SettingsReports for MetricReports {
    /// Epoch and sequence are the lowest of their own, so while tasks differ this may be lower than any of
    /// them has, and never higher.
    async fn lowest(
        &self,
        platforms: &BTreeSet<PlatformName>,
        urgency: Urgency,
    ) -> Result<Lowest, PortError> {
        let names = platforms.iter().map(ToString::to_string).collect();
        let found = self.0.ask(names, urgency).await?;
        let of_one = |(name, orders): (String, Orders)| {
            let platform = PlatformName::try_from(name.as_str()).ok()?;
            let one = move |(service, order)| ((platform.clone(), service), order);
            Some(orders.into_iter().map(one))
        };
        Ok(found.into_iter().filter_map(of_one).flatten().collect())
    }
}

#[async_trait]
impl Describe for Reading {
    type Item = Orders;
    const MOST: usize = MAX_QUERIES / METRICS;

    async fn describe(
        &self,
        names: &[String],
        urgency: Urgency,
    ) -> Result<Vec<(String, Orders)>, PortError> {
        let named = names
            .iter()
            .filter_map(|name| name.as_str().try_into().ok());
        let platforms: BTreeSet<PlatformName> = named.collect();
        let now = self.connection.clock.now();
        let of_what = format!("{} platforms", platforms.len());
        let questions = [question(&platforms, now)];
        let client = &self.connection.cloudwatch;
        let answers = metric_data::read(client, &self.caller, &questions, &of_what, urgency);
        Ok(conclude(&platforms, &answers.await?, now))
    }
}

fn question(platforms: &BTreeSet<PlatformName>, now: Timestamp) -> Question {
    Question {
        start: first_from(before(now, BACK), PERIOD_MS),
        end: now,
        queries: (0..).zip(platforms).flat_map(queries).collect(),
    }
}

fn queries((place, platform): (usize, &PlatformName)) -> Vec<Query> {
    let query = |service, metric: Metric| {
        let series = Series {
            namespace: NAMESPACE,
            metric: metric.name(),
            service: Some(service),
            dependency: None,
        };
        Query {
            id: id(place, service, metric),
            stat: Stat {
                metric: emitted(platform, &series, service),
                statistic: Statistic::Minimum,
            },
            period_ms: PERIOD_MS,
        }
    };
    let both =
        |service| [Metric::SettingsEpoch, Metric::SettingsSequence].map(|it| query(service, it));
    ServiceName::ALL.into_iter().flat_map(both).collect()
}

fn conclude(
    platforms: &BTreeSet<PlatformName>,
    answers: &Answers,
    now: Timestamp,
) -> Vec<(String, Orders)> {
    let of_one = |(place, platform): (usize, &PlatformName)| {
        let order = |service| Some((service, newest(place, service, answers, now)?));
        let orders = ServiceName::ALL.into_iter().filter_map(order).collect();
        (platform.to_string(), orders)
    };
    platforms.iter().enumerate().map(of_one).collect()
}

/// What was reported in the newest period that all reports have come in of.
fn newest(place: usize, service: ServiceName, answers: &Answers, now: Timestamp) -> Option<Order> {
    let epochs = id(place, service, Metric::SettingsEpoch);
    let sequences = id(place, service, Metric::SettingsSequence);
    let is_in = |start| end(start, PERIOD_MS) <= before(now, INGESTION);
    let mut newest_first = answers.of(&epochs).rev();
    newest_first.find_map(|(start, epoch)| {
        let sequence = answers.at(&sequences, start).filter(|_| is_in(start))?;
        Some((whole(epoch), whole(sequence)))
    })
}

fn id(place: usize, service: ServiceName, metric: Metric) -> String {
    format!("p{place}_{}_{}", service.spec_key(), metric.name())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "such a cast saturates, which is what is wanted"
)]
const fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn platforms() -> BTreeSet<PlatformName> {
        ["east", "west"].map(|it| it.try_into().unwrap()).into()
    }

    /// Reports of scoring of `west`: when, epoch, sequence.
    fn reported(reports: &[(i64, f64, f64)]) -> Option<Order> {
        let mut answers = Answers::default();
        for (start, epoch, sequence) in reports {
            let id = |metric| id(1, ServiceName::Scoring, metric);
            answers.add(&id(Metric::SettingsEpoch), second(*start), *epoch);
            answers.add(&id(Metric::SettingsSequence), second(*start), *sequence);
        }
        let lowest = conclude(&platforms(), &answers, second(1_000));
        let [(east, silence), (west, orders)] = &lowest[..] else {
            panic!("of both");
        };
        assert_eq!((east.as_str(), west.as_str()), ("east", "west"));
        assert!(silence.is_empty() && orders.len() <= 1);
        orders.get(&ServiceName::Scoring).copied()
    }

    #[test]
    fn a_call_takes_as_many_platforms_as_there_is_room_for() {
        let name = |number| PlatformName::try_from(format!("p{number}").as_str()).unwrap();
        let platforms = (0..Reading::MOST).map(name).collect();
        let queries = question(&platforms, second(1_003)).queries.len();
        assert!(
            (MAX_QUERIES - METRICS..=MAX_QUERIES).contains(&queries),
            "{queries}"
        );
    }

    #[test]
    fn the_newest_period_that_is_complete_counts() {
        for (reports, expected) in [
            (&[][..], None),
            (&[(980, 2.0, 7.0)], Some((2, 7))),
            (&[(970, 2.0, 6.0), (980, 2.0, 7.0)], Some((2, 7))),
            // Some tasks may not have been heard of yet.
            (&[(980, 2.0, 6.0), (990, 2.0, 7.0)], Some((2, 6))),
            (&[(990, 2.0, 7.0)], None),
        ] {
            assert_eq!(reported(reports), expected, "{reports:?}");
        }
    }

    #[test]
    fn a_minute_of_every_service_is_asked_for() {
        let question = question(&platforms(), second(1_003));
        assert_eq!(question.start, second(940));
        assert_eq!(question.queries.len(), 2 * 4 * 2);
        let ids: BTreeSet<_> = question.queries.iter().map(|query| &query.id).collect();
        assert_eq!(ids.len(), question.queries.len());
        let first_is_lower = |id: &&String| id.starts_with(|c: char| c.is_ascii_lowercase());
        assert!(ids.iter().all(first_is_lower));
    }
}
