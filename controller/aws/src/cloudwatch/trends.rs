//! Trends: what people look at of a platform, in one call for all who look within a minute.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::ports::{AlarmDefinition, AlarmSource, PortError, TREND_MINUTES, Trend, TrendOf};
use jiff::{SignedDuration, Timestamp};
use schema::golden::GoldenSignal;
use schema::infrastructure::Surroundings;
use schema::names::{PlatformName, ServiceName};
use tokio::time::Instant;

use super::measure::{Measure, Place};
use super::metric_data::{Answers, Query, Question};
use super::times::{before, first_from};

/// Length of a golden signal's periods in milliseconds: the shortest in which ECS tells its own.
const GOLDEN_MS: u64 = 60_000;
/// How long what was read is shown. A metric is paid for whenever it is asked for.
const FRESH: Duration = Duration::from_secs(60);

/// What was read of late. Whoever asks while somebody else does waits for that answer; who asks of another platform
/// does not.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<BTreeMap<PlatformName, Arc<Read>>>);

/// What was read of one platform.
#[derive(Debug, Default)]
struct Read(tokio::sync::Mutex<Option<(Instant, Vec<Trend>)>>);

impl Read {
    /// Whether it is worth showing.
    fn is_of_use(&self) -> bool {
        self.0
            .try_lock()
            .map_or(true, |read| fresh(&read).is_some())
    }
}

fn fresh(read: &Option<(Instant, Vec<Trend>)>) -> Option<&Vec<Trend>> {
    let (at, trends) = read.as_ref()?;
    (at.elapsed() < FRESH).then_some(trends)
}

impl Recent {
    /// The trends of `platform`: those of the last minute, or else what `reading` finds. What is older is forgotten,
    /// so that it holds no more than people have looked at within a minute.
    pub(super) async fn or(
        &self,
        platform: &PlatformName,
        reading: impl Future<Output = Result<Vec<Trend>, PortError>>,
    ) -> Result<Vec<Trend>, PortError> {
        let of_platform = self.of(platform);
        let mut read = of_platform.0.lock().await;
        if let Some(trends) = fresh(&read) {
            return Ok(trends.clone());
        }
        let trends = reading.await?;
        *read = Some((Instant::now(), trends.clone()));
        Ok(trends)
    }

    fn of(&self, platform: &PlatformName) -> Arc<Read> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody who has it is about to read it.
        known.retain(|_, read| Arc::strong_count(read) > 1 || read.is_of_use());
        Arc::clone(known.entry(platform.clone()).or_default())
    }
}

/// What is asked for one look, and what the answers will be to.
#[derive(Debug)]
pub(super) struct Look {
    now: Timestamp,
    subjects: Vec<Subject>,
    questions: BTreeMap<Timestamp, Vec<Query>>,
}

#[derive(Debug)]
struct Subject {
    of: TrendOf,
    unit: &'static str,
    measure: Measure,
    /// Identifiers of what was asked of it, less this, are those of its formula.
    prefix: String,
    start: Timestamp,
    period_ms: u64,
    /// What a value is divided by to be shown.
    divisor: f64,
}

impl Look {
    /// What to ask about `platform`, whose alarms are these. It is `now`.
    pub(super) fn at(
        platform: &PlatformName,
        alarms: &[AlarmDefinition],
        surroundings: &Surroundings,
        now: Timestamp,
    ) -> Self {
        let mut look = Self {
            now,
            subjects: Vec::new(),
            questions: BTreeMap::new(),
        };
        for definition in alarms {
            if let Ok(measure) = Measure::of(definition, surroundings) {
                look.ask_alarm(definition, measure);
            }
        }
        let place = Place {
            platform,
            surroundings,
        };
        for service in ServiceName::ALL {
            for signal in GoldenSignal::ALL {
                if let Some(measure) = place.measure(signal.expression(service), service) {
                    look.ask_golden(service, signal, measure);
                }
            }
        }
        look
    }

    /// The questions that answer it.
    pub(super) fn questions(&self) -> Vec<Question> {
        Question::all(&self.questions, self.now)
    }

    /// What `answers` say. What was never measured is left out, unless it is an alarm's.
    pub(super) fn conclude(&self, answers: &Answers) -> Vec<Trend> {
        let trend = |subject: &Subject| subject.trend(answers, self.now);
        let is_told = |trend: &Trend| {
            matches!(trend.of, TrendOf::Alarm { .. }) || trend.values.iter().any(Option::is_some)
        };
        self.subjects.iter().map(trend).filter(is_told).collect()
    }

    fn ask_alarm(&mut self, definition: &AlarmDefinition, measure: Measure) {
        let of = TrendOf::Alarm {
            name: definition.name.clone(),
            comparison: definition.comparison,
            threshold: definition.threshold,
            min_samples: definition.min_samples,
        };
        let unit = match &definition.source {
            AlarmSource::Signal { signal, .. } => signal.unit(),
            AlarmSource::Metric(_) => "",
        };
        self.ask(of, unit, measure, definition.period_ms.max(1), 1.0);
    }

    fn ask_golden(&mut self, service: ServiceName, signal: GoldenSignal, measure: Measure) {
        let divisor = if signal.is_rate() {
            Duration::from_millis(GOLDEN_MS).as_secs_f64()
        } else {
            1.0
        };
        let of = TrendOf::Golden { service, signal };
        self.ask(of, signal.unit(), measure, GOLDEN_MS, divisor);
    }

    fn ask(
        &mut self,
        of: TrendOf,
        unit: &'static str,
        measure: Measure,
        period_ms: u64,
        divisor: f64,
    ) {
        let length = SignedDuration::from_mins(i64::from(TREND_MINUTES));
        let start = first_from(before(self.now, length), period_ms);
        let prefix = format!("t{}_", self.subjects.len());
        if start < self.now {
            let queries = self.questions.entry(start).or_default();
            queries.extend(measure.needed(0).into_iter().map(|(id, stat)| Query {
                id: format!("{prefix}{id}"),
                stat,
                period_ms,
            }));
        }
        self.subjects.push(Subject {
            of,
            unit,
            measure,
            prefix,
            start,
            period_ms,
            divisor,
        });
    }
}

impl Subject {
    fn trend(&self, answers: &Answers, now: Timestamp) -> Trend {
        let value_at = |start| {
            let value_of = |id: &str| answers.at(&format!("{}{id}", self.prefix), start);
            let value = self.measure.datapoint(value_of).guarded(0)?;
            Some(value / self.divisor)
        };
        let period = Duration::from_millis(self.period_ms);
        let starts =
            std::iter::successors(Some(self.start), |start| start.checked_add(period).ok());
        let whole = starts.take_while(|start| {
            let end = start.checked_add(period);
            end.is_ok_and(|end| end <= now)
        });
        Trend {
            of: self.of.clone(),
            unit: self.unit.to_owned(),
            start: self.start,
            period_ms: self.period_ms,
            values: whole.map(value_at).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use schema::signals::Signal;

    use super::super::samples::{definition, platform, surroundings};
    use super::*;

    /// Half past a minute: 2026-11-23T02:20:30Z.
    fn now() -> Timestamp {
        Timestamp::from_second(1_795_400_430).unwrap()
    }

    fn look() -> Look {
        let source = AlarmSource::Signal {
            signal: Signal::ScoringFailureRatio,
            service: None,
        };
        Look::at(&platform(), &[definition(source)], &surroundings(), now())
    }

    #[test]
    fn one_look_is_one_call_of_each_start_and_names_each_query_once() {
        let look = look();
        let questions = look.questions();
        assert_eq!(questions.len(), 2, "minutes, and the alarm's ten seconds");
        let mut ids: Vec<_> = questions
            .iter()
            .flat_map(|question| question.queries.iter().map(|query| query.id.clone()))
            .collect();
        let asked = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), asked);
        assert!(asked < 60, "each is paid for: {asked}");
    }

    #[test]
    fn what_is_answered_is_shown_by_its_period_and_what_is_not_over_yet_is_not() {
        let look = look();
        let requests = TrendOf::Golden {
            service: ServiceName::LoanApi,
            signal: GoldenSignal::Requests,
        };
        let subject = look.subjects.iter().find(|it| it.of == requests).unwrap();
        let mut answers = Answers::default();
        let id = format!("{}value", subject.prefix);
        answers.add(&id, subject.start, 120.0);

        let trends = look.conclude(&answers);
        let [alarm, shown] = &trends[..] else {
            panic!("{trends:#?}")
        };
        assert_eq!((alarm.values.len(), alarm.period_ms), (360, 10_000));
        assert_eq!((shown.values.len(), shown.period_ms), (59, GOLDEN_MS));
        assert_eq!(shown.values[0], Some(2.0), "120 a minute");
        assert!(shown.values[1..].iter().all(Option::is_none));
    }

    #[tokio::test(start_paused = true)]
    async fn a_platform_whose_answer_does_not_come_holds_no_other_up() {
        let recent = Recent::default();
        let (hangs, answers) = (platform(), PlatformName::try_from("other").unwrap());
        let hanging = recent.or(&hangs, std::future::pending());
        let answered = async {
            tokio::task::yield_now().await;
            recent.or(&answers, async { Ok(Vec::new()) }).await
        };
        tokio::select! {
            biased;
            trends = hanging => panic!("{trends:?}"),
            trends = answered => assert!(trends.unwrap().is_empty()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_looks_at_any_more_is_forgotten() {
        let recent = Recent::default();
        for number in 0..10 {
            let name = PlatformName::try_from(format!("p{number}").as_str()).unwrap();
            recent.or(&name, async { Ok(Vec::new()) }).await.unwrap();
        }
        tokio::time::sleep(FRESH).await;
        let platform = platform();
        let read = recent.or(&platform, async { Ok(Vec::new()) });
        read.await.unwrap();
        assert_eq!(recent.0.lock().unwrap().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_look_within_a_minute_cost_one_call() {
        let (recent, platform) = (Recent::default(), platform());
        let calls = std::cell::Cell::new(0);
        let ask = || {
            recent.or(&platform, async {
                calls.set(calls.get() + 1);
                Ok(Vec::new())
            })
        };
        for _ in 0..5 {
            ask().await.unwrap();
        }
        assert_eq!(calls.get(), 1);
        tokio::time::sleep(FRESH).await;
        ask().await.unwrap();
        assert_eq!(calls.get(), 2);
    }
}
