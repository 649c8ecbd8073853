//! Gating alarms: which ones a person has acknowledged, and how long they take to clear.

use std::collections::BTreeSet;

use schema::LoanPlatformSpec;
use schema::platform::{Alarm, AlarmName, OnFiringAlarm};

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
