//! Ending remedies: when their time is over, and when the spec no longer asks for them.

use schema::platform::{Alarm, Mode};
use schema::status::{Actor, Evidence, HistoryKind, Phase};

use super::remedy::{Effect, Remedy};
use super::{Round, asked_hold_open, asked_scale_out, values};
use crate::accept::mark_disturbed;
use crate::state::PlatformState;

/// Ends the remedies that are over; from now on the spec's value holds again.
pub(super) fn review(state: &mut PlatformState, round: Round<'_>) {
    // One after another: each end may change what the others go back to.
    let mut index = 0;
    while let Some(remedy) = state.remedies.get(index) {
        match fate(remedy, state.scoring.phase, round) {
            Fate::Stays => index += 1,
            Fate::Forgotten => drop(state.remedies.remove(index)),
            Fate::Ends(reason) => {
                let remedy = state.remedies.remove(index);
                end(state, round, &remedy, reason);
            }
        }
    }
}

enum Fate {
    Stays,
    /// It has nothing left to do.
    Forgotten,
    /// With its reason.
    Ends(&'static str),
}

fn fate(remedy: &Remedy, phase: Phase, round: Round<'_>) -> Fate {
    let spec = round.spec;
    let alarm = spec.alarms.iter().find(|alarm| alarm.name == remedy.alarm);
    match remedy.effect {
        Effect::PutBack { service, from, .. } => {
            let found = round.observed.services.get(&service);
            let is_as_left = found.is_some_and(|found| found.desired_count == from);
            if is_as_left && round.is_unmanaged(service) {
                Fate::Stays
            } else {
                Fate::Forgotten
            }
        }
        Effect::Boost { service, .. } if spec.services.workload(service).is_none() => {
            Fate::Ends("ServiceRemoved")
        }
        effect if !alarm.is_some_and(|alarm| asks_for(alarm, effect)) => {
            Fate::Ends("ActionRemoved")
        }
        effect if round.now() >= remedy.until && !is_held(effect, phase) => Fate::Ends("Over"),
        _ => Fate::Stays,
    }
}

/// Whether `alarm` has the action and the parameters that `effect` came from.
fn asks_for(alarm: &Alarm, effect: Effect) -> bool {
    match effect {
        Effect::Boost { service, .. } => {
            asked_scale_out(alarm).is_some_and(|asked| asked.service == service)
        }
        Effect::HoldOpen { client } => {
            asked_hold_open(alarm).is_some_and(|asked| asked.client == client)
        }
        Effect::PutBack { .. } => true,
    }
}

/// A rollback never lowers a count, and nothing that goes on beside it does.
const fn is_held(effect: Effect, phase: Phase) -> bool {
    matches!(effect, Effect::Boost { .. }) && matches!(phase, Phase::RollingBack)
}

fn end(state: &mut PlatformState, round: Round<'_>, remedy: &Remedy, reason: &str) {
    if round.spec.mode != Mode::Observe {
        mark_disturbed(state);
    }
    if let Effect::Boost { .. } = remedy.effect {
        leave_count(state, round, remedy);
    }
    let change = values::change(state, round.spec, remedy.effect);
    let back = change.map(|change| schema::revision::FieldChange {
        from: change.to,
        to: change.from,
        ..change
    });
    let words = back.as_ref().map(ToString::to_string).unwrap_or_default();
    let why = match reason {
        "Over" => format!("its time was over at {:.0}", remedy.until),
        "ServiceRemoved" => "its service is gone from the spec".to_owned(),
        _ => "the spec no longer asks for it".to_owned(),
    };
    let consequence = if holds_on(state, remedy.effect) {
        "another alarm's holds on".to_owned()
    } else {
        format!("the spec's value holds again: {words}")
    };
    let message = format!(
        "The remedy of alarm {} ends ({}): {why}; {consequence}.{}",
        remedy.alarm,
        remedy.effect,
        unless_observed(round),
    );
    let evidence = Evidence {
        alarm: Some(remedy.alarm.clone()),
        fields: back.into_iter().collect(),
        ..Evidence::default()
    };
    state.record(round.entry(
        HistoryKind::RemedyEnded,
        Actor::Controller,
        reason,
        message,
        evidence,
    ));
}

/// Whether another remedy does the same.
fn holds_on(state: &PlatformState, ended: Effect) -> bool {
    state.remedies.iter().any(|other| match ended {
        Effect::Boost { service, .. } => other.effect.floor_of(service).is_some(),
        Effect::HoldOpen { .. } | Effect::PutBack { .. } => other.effect == ended,
    })
}

/// Where the spec leaves the count open, what the boost has made of it is put back, unless somebody
/// has changed it since. Another boost that was laid on this one goes back as far.
fn leave_count(state: &mut PlatformState, round: Round<'_>, remedy: &Remedy) {
    let Effect::Boost {
        service,
        count,
        before,
    } = remedy.effect
    else {
        return;
    };
    for other in &mut state.remedies {
        match &mut other.effect {
            Effect::Boost {
                service: its,
                before: back_to,
                ..
            }
            | Effect::PutBack {
                service: its,
                to: back_to,
                ..
            } if *its == service => *back_to = before.min(*back_to),
            _ => {}
        }
    }
    let found = round.observed.services.get(&service);
    let is_as_left = found.is_some_and(|found| found.desired_count == count);
    if round.is_unmanaged(service) && is_as_left && before < count {
        let effect = Effect::PutBack {
            service,
            from: count,
            to: before,
        };
        state.remedies.push(Remedy {
            effect,
            ..remedy.clone()
        });
    }
}

fn unless_observed(round: Round<'_>) -> &'static str {
    if round.spec.mode == Mode::Observe {
        " Mode is Observe, so it is not put back before that ends."
    } else {
        ""
    }
}
