//! Gating alarms: which ones judge a change.

use std::collections::BTreeSet;

use schema::LoanPlatformSpec;
use schema::platform::{Alarm, AlarmName, OnFiringAlarm};

/// The alarms that judge scoring changes under `spec`: those named, or all that roll back.
pub(super) fn gating(spec: &LoanPlatformSpec) -> Vec<&Alarm> {
    let named = spec.rollout.rollback_alarms.as_ref();
    let gates = |alarm: &&Alarm| {
        named.map_or_else(|| alarm.rolls_back(), |names| names.contains(&alarm.name))
    };
    spec.alarms.iter().filter(gates).collect()
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

/// Milliseconds of the longest window among `alarms`, and two periods more.
pub(super) fn clearing_time_ms(alarms: &[&Alarm]) -> u64 {
    alarms
        .iter()
        .map(|alarm| alarm.window_ms() + 2 * alarm.period.as_millis())
        .max()
        .unwrap_or(0)
}
