//! Evidence: what was seen of a platform while a change baked.
//!
//! Values and samples are read as they are, and judged here by the same rules as on one machine: nothing from
//! before the bake counts, and neither does a datapoint that is not complete or rests on too few samples.

use std::collections::{BTreeMap, BTreeSet};

use engine::ports::{AlarmDefinition, BakeEvidence};
use jiff::{SignedDuration, Timestamp};
use schema::infrastructure::Surroundings;
use schema::names::{PlatformName, ServiceName};
use schema::platform::Statistic;
use schema::signals::{Metric, NAMESPACE, SCORING_DEPENDENCY, Series};

use super::formula::Stat;
use super::measure::{Measure, emitted};
use super::metric_data::{Answers, Query, Question};
use super::times::{before, end, first_from};

/// How long `CloudWatch` keeps datapoints of less than a minute: three hours, less some time to ask for them.
/// Source: Amazon CloudWatch API Reference, `GetMetricData`.
const FINE_RETENTION: SignedDuration = SignedDuration::from_mins(170);
/// The period of the services' metrics, in milliseconds.
const FINE_MS: u64 = 10_000;
/// The period in which older values of them are kept, in milliseconds.
const COARSE_MS: u64 = 60_000;
/// Datapoints looked at of an alarm, the newest. As many as an alarm can look at.
const MAX_DATAPOINTS: u64 = 1_440;
/// How far back a service's last report is looked for. One that is older is as good as none.
const REPORTS_BACK: SignedDuration = SignedDuration::from_mins(10);

/// Identifier of the scoring calls.
const CALLS: &str = "calls";

/// What is asked, and what the answers will be to.
#[derive(Debug)]
pub(super) struct Inquiry {
    now: Timestamp,
    alarms: Vec<Subject>,
    questions: BTreeMap<Timestamp, Vec<Query>>,
}

/// An alarm, and what it measures.
#[derive(Debug)]
struct Subject {
    definition: AlarmDefinition,
    measure: Measure,
    /// Identifiers of what was asked of it, less this, are those of its formula.
    prefix: String,
    /// Start of the first datapoint that counts.
    from: Timestamp,
}

impl Inquiry {
    /// What to ask about `platform`, whose alarms are these, since `since`. It is `now`.
    pub(super) fn of(
        platform: &PlatformName,
        definitions: &[AlarmDefinition],
        surroundings: &Surroundings,
        since: Timestamp,
        now: Timestamp,
    ) -> Self {
        let mut inquiry = Self {
            now,
            alarms: Vec::new(),
            questions: BTreeMap::new(),
        };
        inquiry.ask_calls(platform, since);
        inquiry.ask_reports(platform);
        for definition in definitions {
            if let Ok(measure) = Measure::of(definition, surroundings) {
                inquiry.ask_alarm(definition, measure, since);
            }
        }
        inquiry
    }

    /// The questions that answer it.
    pub(super) fn questions(&self) -> Vec<Question> {
        Question::all(&self.questions, self.now)
    }

    /// What `answers` say.
    pub(super) fn conclude(&self, answers: &Answers) -> BakeEvidence {
        let calls: f64 = answers.of(CALLS).map(|(_, value)| value).sum();
        let mut evidence = BakeEvidence {
            scoring_calls: whole(calls),
            last_report: self.last_reports(answers),
            ..BakeEvidence::default()
        };
        for subject in &self.alarms {
            let name = &subject.definition.name;
            let (judged, breaching) = subject.judged(answers, self.now);
            evidence.judged_datapoints.insert(name.clone(), judged);
            evidence
                .breaching_datapoints
                .insert(name.clone(), breaching);
        }
        evidence
    }

    fn ask_calls(&mut self, platform: &PlatformName, since: Timestamp) {
        let is_recent = since >= before(self.now, FINE_RETENTION);
        let series = Series {
            namespace: NAMESPACE,
            metric: Metric::Calls.name(),
            service: Some(ServiceName::LoanApi),
            dependency: Some(SCORING_DEPENDENCY),
        };
        let query = Query {
            id: CALLS.to_owned(),
            stat: Stat {
                metric: emitted(platform, &series, ServiceName::LoanApi),
                statistic: Statistic::Sum,
            },
            period_ms: if is_recent { FINE_MS } else { COARSE_MS },
        };
        self.ask(query, since);
    }

    /// Services report which settings they have, whether there is traffic or not.
    fn ask_reports(&mut self, platform: &PlatformName) {
        for service in ServiceName::ALL {
            let query = Query {
                id: report_id(service),
                stat: Stat {
                    metric: emitted(platform, &REPORTS, service),
                    statistic: Statistic::SampleCount,
                },
                period_ms: FINE_MS,
            };
            self.ask(query, before(self.now, REPORTS_BACK));
        }
    }

    fn ask_alarm(&mut self, definition: &AlarmDefinition, measure: Measure, since: Timestamp) {
        let period_ms = definition.period_ms.max(1);
        let since = since.max(earliest(period_ms, self.now));
        let prefix = format!("a{}_", self.alarms.len());
        for (id, stat) in measure.needed(definition.min_samples) {
            let query = Query {
                id: format!("{prefix}{id}"),
                stat,
                period_ms,
            };
            self.ask(query, since);
        }
        self.alarms.push(Subject {
            definition: definition.clone(),
            measure,
            prefix,
            from: first_from(since, period_ms),
        });
    }

    /// Asks from the first period on that begins at `since` or after, unless there is none yet.
    fn ask(&mut self, query: Query, since: Timestamp) {
        let start = first_from(since, query.period_ms);
        if start < self.now {
            self.questions.entry(start).or_default().push(query);
        }
    }

    fn last_reports(&self, answers: &Answers) -> BTreeMap<ServiceName, Timestamp> {
        let last = |service: ServiceName| {
            let (start, _) = answers.of(&report_id(service)).next_back()?;
            Some((service, end(start, FINE_MS).min(self.now)))
        };
        ServiceName::ALL.into_iter().filter_map(last).collect()
    }
}

impl Subject {
    /// Datapoints that met the sample guard, and how many of them breach.
    fn judged(&self, answers: &Answers, now: Timestamp) -> (u32, u32) {
        let AlarmDefinition {
            comparison,
            threshold,
            min_samples,
            period_ms,
            ..
        } = self.definition;
        let counts = |start: &Timestamp| *start >= self.from && end(*start, period_ms) <= now;
        let starts = self.starts(answers).into_iter().filter(counts);
        let value_at = |start| {
            let value_of = |id: &str| answers.at(&format!("{}{id}", self.prefix), start);
            self.measure.datapoint(value_of).guarded(min_samples)
        };
        starts
            .filter_map(value_at)
            .fold((0, 0), |(judged, breaching), value| {
                let breaches = comparison.breaches(value, threshold);
                (judged + 1, breaching + u32::from(breaches))
            })
    }

    fn starts(&self, answers: &Answers) -> BTreeSet<Timestamp> {
        let needed = self.measure.needed(self.definition.min_samples);
        let ids = needed.into_keys().map(|id| format!("{}{id}", self.prefix));
        let starts = |id: String| answers.of(&id).map(|(start, _)| start).collect::<Vec<_>>();
        ids.flat_map(starts).collect()
    }
}

const REPORTS: Series = Series {
    namespace: NAMESPACE,
    metric: Metric::SettingsSequence.name(),
    service: None,
    dependency: None,
};

fn report_id(service: ServiceName) -> String {
    format!("report_{}", service.spec_key())
}

/// From when on datapoints of this period are there, and are worth asking for.
fn earliest(period_ms: u64, now: Timestamp) -> Timestamp {
    let window_ms = i64::try_from(period_ms.saturating_mul(MAX_DATAPOINTS)).unwrap_or(i64::MAX);
    let by_count = before(now, SignedDuration::from_millis(window_ms));
    if period_ms < COARSE_MS {
        by_count.max(before(now, FINE_RETENTION))
    } else {
        by_count
    }
}

/// Sums of counts are whole.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "such a cast saturates, which is what is wanted"
)]
fn whole(sum: f64) -> u64 {
    sum.round() as u64
}

#[cfg(test)]
mod tests;
