//! One alarm: when it is judged, and what a judgement makes of it.

use std::collections::VecDeque;

use engine::ports::{AlarmDefinition, Firing, ObservedAlarm};
use jiff::Timestamp;
use schema::platform::TreatMissingData;
use schema::status::AlarmState;

use super::record::{AlarmRecord, Transition};
use super::{MAX_TRANSITIONS, reason};
use crate::evaluation::{Category, Rule, Verdict};
use crate::formula::{Datapoint, Formula};
use crate::period::{Period, timestamp};
use crate::store::View;

/// Periods made up for when nothing was judged for long: four hours of the shortest, which is more
/// than the store remembers. Older ones are skipped.
const MAX_CATCH_UP: i64 = 1_440;
/// Periods with samples that are remembered of an alarm.
const MAX_WITH_SAMPLES: usize = 1_440;

/// An alarm, and what is known of it only while the program runs.
#[derive(Debug)]
pub(super) struct Alarm {
    record: AlarmRecord,
    /// What its definition asks of the store.
    formula: Option<Formula>,
    /// When judging by this definition began: when it was written, or restored.
    began_at: Timestamp,
    /// The restart before which nothing is known, if there was one.
    unknown_before: Option<Timestamp>,
    /// Number of the last period judged; none yet under this definition.
    judged: Option<i64>,
    /// The periods judged whose datapoint met the sample guard, oldest first.
    with_samples: VecDeque<Judged>,
    /// Newest value seen.
    value: Option<f64>,
}

/// A period that was judged by enough samples.
#[derive(Clone, Copy, Debug)]
struct Judged {
    /// Its number.
    period: i64,
    /// Whether it breaches.
    breaches: bool,
}

impl Alarm {
    /// A new alarm, in `INSUFFICIENT_DATA`.
    pub(super) fn new(definition: AlarmDefinition, now: Timestamp) -> Self {
        Self {
            formula: Formula::of(&definition),
            record: AlarmRecord {
                definition,
                configured_at: now,
                state: AlarmState::InsufficientData,
                since: now,
                last_firing: None,
                history: VecDeque::new(),
            },
            began_at: now,
            unknown_before: None,
            judged: None,
            with_samples: VecDeque::new(),
            value: None,
        }
    }

    /// An alarm as it was saved, taken up again at `now`.
    pub(super) fn restored(mut record: AlarmRecord, now: Timestamp) -> Self {
        let surplus = record.history.len().saturating_sub(MAX_TRANSITIONS);
        record.history.drain(..surplus);
        Self {
            formula: Formula::of(&record.definition),
            value: None,
            record,
            began_at: now,
            unknown_before: Some(now),
            judged: None,
            with_samples: VecDeque::new(),
        }
    }

    /// Takes a definition in; what has changed is judged afresh.
    pub(super) fn redefine(&mut self, definition: AlarmDefinition, now: Timestamp) {
        self.record.configured_at = now;
        if self.record.definition != definition {
            self.formula = Formula::of(&definition);
            self.record.definition = definition;
            self.judged = None;
            self.with_samples.clear();
            self.began_at = now;
        }
    }

    pub(super) const fn record(&self) -> &AlarmRecord {
        &self.record
    }

    pub(super) fn observed(&self) -> ObservedAlarm {
        let record = &self.record;
        ObservedAlarm {
            definition: record.definition.clone(),
            state: record.state,
            since: record.since,
            configured_at: record.configured_at,
            value: self.value,
            last_firing: record.last_firing.clone(),
            judged_since: self.began_at,
            muted: false,
        }
    }

    /// Judges every period that is complete and was not judged yet, oldest first.
    pub(super) fn catch_up(
        &mut self,
        view: &View<'_>,
        now: Timestamp,
        allowance_ms: i64,
    ) -> Vec<Transition> {
        let period = self.period();
        let last_complete =
            |at: Timestamp| period.index_of(at.as_millisecond().saturating_sub(allowance_ms)) - 1;
        let due = last_complete(now);
        let mut transitions = Vec::new();
        let judged = self.judged.unwrap_or_else(|| {
            let first = last_complete(self.began_at);
            transitions.extend(self.judge(view, first, self.began_at));
            first
        });
        for index in due.saturating_sub(MAX_CATCH_UP).max(judged + 1)..=due {
            let at = timestamp(period.end_of(index).saturating_add(allowance_ms));
            transitions.extend(self.judge(view, index, at));
        }
        // A clock that was set back must not leave the alarm blind until it has caught up.
        self.judged = Some(judged.clamp(due, due.saturating_add(1)));
        transitions
    }

    /// Judges the evaluation range that ends with period `last`.
    fn judge(&mut self, view: &View<'_>, last: i64, at: Timestamp) -> Option<Transition> {
        let period = self.period();
        let mut rule = self.rule();
        let length = i64::try_from(rule.range()).unwrap_or(i64::MAX);
        let periods = last.saturating_add(1).saturating_sub(length)..last.saturating_add(1);
        if self.is_unknown(period.start_of(periods.start)) {
            rule.treat_missing_data = TreatMissingData::Ignore;
        }
        let datapoints = self.formula.as_ref()?.datapoints(view, period, periods);
        self.value = datapoints.iter().rev().find_map(|it| it.value);
        self.note_samples(last, datapoints.last());
        let verdict = rule.judge(&self.categories(&datapoints));
        let state = verdict.state.filter(|state| *state != self.record.state)?;
        Some(self.change(state, at, &rule, &verdict, &datapoints))
    }

    fn note_samples(&mut self, period: i64, datapoint: Option<&Datapoint>) {
        let newest = self.with_samples.back();
        let is_new = newest.is_none_or(|newest| newest.period < period);
        let category = datapoint.map_or(Category::Missing, |it| self.category(it));
        if is_new && category != Category::Missing {
            let breaches = category == Category::Breaching;
            self.with_samples.push_back(Judged { period, breaches });
        }
        if self.with_samples.len() > MAX_WITH_SAMPLES {
            self.with_samples.pop_front();
        }
    }

    /// Datapoints judged that met the sample guard, of the periods that began at `since_ms` or after; and
    /// how many of them breach.
    pub(super) fn judged_since(&self, since_ms: i64) -> (u32, u32) {
        let first = self.period().first_from(since_ms);
        let newest_first = self.with_samples.iter().rev();
        let recent = newest_first.take_while(|judged| judged.period >= first);
        recent.fold((0, 0), |(all, breaching), judged| {
            (all + 1, breaching + u32::from(judged.breaches))
        })
    }

    fn change(
        &mut self,
        to: AlarmState,
        at: Timestamp,
        rule: &Rule,
        verdict: &Verdict,
        datapoints: &[Datapoint],
    ) -> Transition {
        let definition = &self.record.definition;
        let start = |place: Option<&usize>| {
            place
                .filter(|_| to == AlarmState::Alarm)
                .map(|place| datapoints[*place].start)
        };
        let first_breach_at = start(verdict.breaching.first());
        let last_breach_at = start(verdict.breaching.last());
        let transition = Transition {
            platform: definition.platform.clone(),
            name: definition.name.clone(),
            from: self.record.state,
            to,
            at,
            value: deciding_value(to, verdict, datapoints, definition.min_samples),
            first_breach_at,
            reason: reason::of(to, definition, rule, verdict, datapoints),
        };
        self.record.state = to;
        self.record.since = at;
        if to == AlarmState::Alarm {
            self.record.last_firing = Some(Firing {
                at,
                value: transition.value,
                first_breach_at,
                last_breach_at,
            });
        }
        self.record.history.push_back(transition.clone());
        if self.record.history.len() > MAX_TRANSITIONS {
            self.record.history.pop_front();
        }
        transition
    }

    fn categories(&self, datapoints: &[Datapoint]) -> Vec<Category> {
        datapoints.iter().map(|it| self.category(it)).collect()
    }

    fn category(&self, datapoint: &Datapoint) -> Category {
        let definition = &self.record.definition;
        match datapoint.guarded(definition.min_samples) {
            None => Category::Missing,
            Some(value) if definition.comparison.breaches(value, definition.threshold) => {
                Category::Breaching
            }
            Some(_) => Category::Within,
        }
    }

    fn is_unknown(&self, from_ms: i64) -> bool {
        self.unknown_before
            .is_some_and(|restart| from_ms < restart.as_millisecond())
    }

    fn period(&self) -> Period {
        Period::from_millis(self.record.definition.period_ms)
    }

    fn rule(&self) -> Rule {
        let definition = &self.record.definition;
        Rule::new(
            definition.evaluation_periods,
            definition.datapoints_to_alarm,
            definition.treat_missing_data,
        )
    }
}

/// The newest value that breaches, for `ALARM`; the newest that was judged, for `OK`.
fn deciding_value(
    to: AlarmState,
    verdict: &Verdict,
    datapoints: &[Datapoint],
    min_samples: u32,
) -> Option<f64> {
    match to {
        AlarmState::InsufficientData => None,
        AlarmState::Ok => newest(datapoints.iter(), min_samples),
        AlarmState::Alarm => newest(
            verdict.breaching.iter().map(|place| &datapoints[*place]),
            min_samples,
        ),
    }
}

fn newest<'a>(
    datapoints: impl DoubleEndedIterator<Item = &'a Datapoint>,
    min_samples: u32,
) -> Option<f64> {
    datapoints.rev().find_map(|it| it.guarded(min_samples))
}
