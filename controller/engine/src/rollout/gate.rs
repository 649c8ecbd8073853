//! Gating alarms: which judge the change under way, which ones a person has acknowledged, and how long
//! they take to speak.

use std::collections::BTreeSet;

use schema::LoanPlatformSpec;
use schema::platform::{Alarm, AlarmName, OnFiringAlarm, ingestion_ms};
use schema::status::AlarmState;

use super::turn::Turn;
use crate::ports::ObservedAlarm;

/// The alarms that judge the change under way: those that did when it began, and those that the spec
/// has named since. An edit cannot take a guard away from a change that is being judged.
pub(super) fn judging(turn: &Turn<'_>) -> BTreeSet<AlarmName> {
    let from_the_start = turn.change().into_iter().flat_map(|it| it.baseline.keys());
    let by_now = turn.view.spec.gating_alarms().into_iter();
    from_the_start
        .chain(by_now.map(|alarm| &alarm.name))
        .cloned()
        .collect()
}

/// Firing alarms that a person has said do not matter.
pub(super) fn acknowledged(spec: &LoanPlatformSpec) -> BTreeSet<AlarmName> {
    match spec.rollout.on_firing_alarm {
        OnFiringAlarm::Block => BTreeSet::new(),
        OnFiringAlarm::Ignore => spec
            .rollout
            .acknowledge_firing_alarms
            .iter()
            .cloned()
            .collect(),
    }
}

/// A judging alarm that fires and counts. One that a person has acknowledged lets a change begin, but
/// while it fires it cannot vouch for the change: that takes a person again.
pub(super) fn firing(turn: &Turn<'_>) -> Option<AlarmName> {
    judging(turn).into_iter().find(|name| {
        let found = turn.view.observed.alarms.get(name);
        found.is_some_and(|found| found.state == AlarmState::Alarm && !found.muted)
    })
}

/// Whether somebody has switched off the actions of every alarm that should judge: a bake without any
/// proves nothing.
pub(super) fn nobody_judges(turn: &Turn<'_>) -> bool {
    let judging = judging(turn);
    let is_muted = |name| {
        let found = turn.view.observed.alarms.get(name);
        found.is_some_and(|found| found.muted)
    };
    !judging.is_empty() && judging.iter().all(is_muted)
}

/// A judging alarm that cannot tell how things stand for now.
pub(super) fn without_data(turn: &Turn<'_>) -> Option<AlarmName> {
    let cannot_tell = |found: &ObservedAlarm| found.state == AlarmState::InsufficientData;
    judging(turn).into_iter().find(|name| {
        let found = turn.view.observed.alarms.get(name);
        found.is_none_or(cannot_tell)
    })
}

/// Milliseconds of the longest window among `alarms`, ingestion included: what happened longer ago has
/// made them fire by now, if it ever does.
pub(crate) fn window_ms(alarms: &[&Alarm]) -> u64 {
    let speaks_after = |alarm: &&Alarm| alarm.window_ms() + alarm.ingestion_ms();
    alarms.iter().map(speaks_after).max().unwrap_or(0)
}

/// Milliseconds that `alarm` may take to clear once its cause is gone: its window, ingestion, and two
/// periods more.
pub(super) fn clearing_time_ms(alarm: &ObservedAlarm) -> u64 {
    let definition = &alarm.definition;
    let period_ms = definition.period_ms;
    period_ms * (u64::from(definition.evaluation_periods) + 2) + ingestion_ms(period_ms)
}
