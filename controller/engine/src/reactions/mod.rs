//! What is done when an alarm fires, beside taking a scoring change back: someone is told, tasks are
//! added, a breaker is held open, and changes that may be behind it are named.
//!
//! Each firing is reacted to once. What is done lasts for a while and is remembered as a [`Remedy`];
//! [`amend`] lays the remedies over what the spec asks for, so when one is over the spec's value holds
//! again by itself.

mod amending;
mod ending;
mod firings;
mod remedy;
mod starting;
mod suspects;
mod values;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use schema::LoanPlatformSpec;
use schema::names::ServiceName;
use schema::platform::{Alarm, AlarmAction, ForceBreakerOpen, ScaleOut};
use schema::status::{Actor, Evidence, HistoryEntry, HistoryKind};

pub use amending::amend;
pub use remedy::{Effect, LastBoost, Remedy, holds_a_breaker_open, next_end, shown};

use crate::observed::Observed;
use crate::state::PlatformState;
use firings::Fired;

/// Shortest time between two notes that say the same of the same alarm: one that fires and clears all
/// the time must not push everything else out of the history.
const NOTE_SPACING: SignedDuration = SignedDuration::from_hours(1);

/// What a round reacts to.
#[derive(Clone, Copy)]
struct Round<'a> {
    /// The spec in force, under the mode in force.
    spec: &'a LoanPlatformSpec,
    observed: &'a Observed,
}

/// Reacts to the alarms that have fired since the last look, and ends what is over.
///
/// The rollout must have had its turn: a remedy that begins now weakens verdicts from now on.
pub fn react(state: &mut PlatformState, observed: &Observed, spec: &LoanPlatformSpec) {
    let round = Round { spec, observed };
    for fired in firings::take_new(state, round) {
        respond(state, round, &fired);
    }
    ending::review(state, round);
}

fn respond(state: &mut PlatformState, round: Round<'_>, fired: &Fired<'_>) {
    let mut alarms = round.spec.alarms.iter();
    let Some(alarm) = alarms.find(|alarm| alarm.name == *fired.name()) else {
        return;
    };
    if alarm.on_alarm.contains(&AlarmAction::Notify) {
        let entry = round.entry(
            HistoryKind::Notified,
            Actor::Alarm,
            "AlarmFired",
            fired.in_words(),
            fired.evidence(),
        );
        state.record(entry);
    }
    suspects::name(state, round, fired);
    if let Some(parameters) = asked_scale_out(alarm) {
        starting::scale_out(state, round, fired, parameters);
    }
    if let Some(parameters) = asked_hold_open(alarm) {
        starting::hold_open(state, round, fired, parameters);
    }
}

fn asked_scale_out(alarm: &Alarm) -> Option<ScaleOut> {
    let acts = alarm.on_alarm.contains(&AlarmAction::ScaleOut);
    alarm.scale_out.filter(|_| acts)
}

fn asked_hold_open(alarm: &Alarm) -> Option<ForceBreakerOpen> {
    let acts = alarm.on_alarm.contains(&AlarmAction::ForceBreakerOpen);
    alarm.force_breaker_open.filter(|_| acts)
}

impl Round<'_> {
    const fn now(&self) -> Timestamp {
        self.observed.at
    }

    /// Whether the spec leaves the count of `service` open.
    fn is_unmanaged(&self, service: ServiceName) -> bool {
        let workload = self.spec.services.workload(service);
        workload.is_some_and(|it| it.desired_count.is_none() && it.scaling.is_none())
    }

    fn entry(
        &self,
        kind: HistoryKind,
        by: Actor,
        reason: &str,
        message: String,
        evidence: Evidence,
    ) -> HistoryEntry {
        HistoryEntry {
            at: self.observed.at,
            kind,
            by,
            from: None,
            to: None,
            reason: reason.to_owned(),
            message,
            evidence: Some(evidence),
        }
    }
}

/// Adds to the history what was not said of the same alarm within [`NOTE_SPACING`].
fn note(state: &mut PlatformState, entry: HistoryEntry) {
    let subject = |entry: &HistoryEntry| {
        let evidence = entry.evidence.clone().unwrap_or_default();
        (
            entry.kind,
            entry.reason.clone(),
            evidence.alarm,
            evidence.fields,
        )
    };
    let says_the_same = |known: &Arc<HistoryEntry>| {
        entry.at.duration_since(known.at) < NOTE_SPACING && subject(known) == subject(&entry)
    };
    if !state.history.iter().any(says_the_same) {
        state.record(entry);
    }
}
