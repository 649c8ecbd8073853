//! Firings: which of them nothing was done about yet.

use schema::platform::AlarmName;
use schema::status::Evidence;

use super::Round;
use crate::ports::{Firing, ObservedAlarm};
use crate::state::PlatformState;

/// A firing to react to.
pub(super) struct Fired<'a> {
    pub(super) alarm: &'a ObservedAlarm,
    pub(super) firing: &'a Firing,
}

/// The firings that are newer than what was reacted to, which from now on they are not.
///
/// At the first sight of an alarm only a firing since it was last written counts, and only one since
/// the platform is known: an older one is not this platform's business. What fires while its actions
/// are switched off is never made up for. While blind nothing is taken.
pub(super) fn take_new<'a>(state: &mut PlatformState, round: Round<'a>) -> Vec<Fired<'a>> {
    let observed = round.observed;
    if observed.blind.is_some() {
        return Vec::new();
    }
    forget_gone(state, round);
    let mut new = Vec::new();
    for (name, alarm) in &observed.alarms {
        let newest = alarm.last_firing.as_ref();
        let newest_at = newest.map(|firing| firing.at);
        let first_that_counts = state.created_at.max(alarm.configured_at);
        let is_new = match state.firings_seen.get(name) {
            Some(seen) => newest_at > *seen,
            None => newest_at.is_some_and(|at| at >= first_that_counts),
        };
        // A firing that is not to be seen for once stays one that was reacted to.
        let seen = state.firings_seen.entry(name.clone()).or_default();
        *seen = newest_at.max(*seen);
        if let Some(firing) = newest.filter(|_| is_new && !alarm.muted) {
            new.push(Fired { alarm, firing });
        }
    }
    new
}

/// Forgets alarms that are neither there nor wanted; one that is merely missing will be back.
fn forget_gone(state: &mut PlatformState, round: Round<'_>) {
    let is_there = |name: &AlarmName| {
        round.observed.alarms.contains_key(name)
            || round.spec.alarms.iter().any(|alarm| alarm.name == *name)
    };
    state.firings_seen.retain(|name, _| is_there(name));
    state.last_boosts.retain(|name, _| is_there(name));
}

impl Fired<'_> {
    pub(super) const fn name(&self) -> &AlarmName {
        &self.alarm.definition.name
    }

    pub(super) fn in_words(&self) -> String {
        self.alarm.firing_in_words(self.firing)
    }

    pub(super) fn evidence(&self) -> Evidence {
        Evidence {
            alarm: Some(self.name().clone()),
            value: self.firing.value,
            threshold: Some(self.alarm.definition.threshold),
            fired_at: Some(self.firing.at),
            ..Evidence::default()
        }
    }
}
