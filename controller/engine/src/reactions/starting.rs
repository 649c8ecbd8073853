//! Beginning a remedy, or prolonging the one that stands.

use jiff::Timestamp;
use schema::names::ServiceName;
use schema::platform::{AlarmName, BreakerMode, ForceBreakerOpen, Mode, ScaleOut};
use schema::revision::FieldChange;
use schema::status::{Actor, Evidence, HistoryKind};

use super::firings::Fired;
use super::remedy::{Effect, LastBoost, Remedy, ends};
use super::{Round, note, values};
use crate::accept::mark_disturbed;
use crate::state::PlatformState;
use crate::timing::later;

/// `ScaleOut`: a step more tasks, up to the most that the alarm and the service allow.
pub(super) fn scale_out(
    state: &mut PlatformState,
    round: Round<'_>,
    fired: &Fired<'_>,
    parameters: ScaleOut,
) {
    let service = parameters.service;
    let lasting_ms = parameters.lasting.as_millis();
    if is_too_late(state, round, fired, "ScaleOut", lasting_ms) {
        return;
    }
    let Some(current) = current_count(state, round, service) else {
        let why = format!("{service} does not run");
        skip(state, round, fired, "ScaleOutWithoutService", &why);
        return;
    };
    let until = later(round.now(), lasting_ms);
    let standing = |remedy: &Remedy| {
        remedy.alarm == *fired.name() && remedy.effect.floor_of(service).is_some()
    };
    let is_prolonged = prolong(state, round, until, standing);
    let most = most(round, parameters);
    let count = current.saturating_add(parameters.step.get()).min(most);
    if let Some((reason, why)) = obstacle(state, round, fired, parameters, current, count) {
        if is_prolonged {
            say_prolonged(state, round, fired, "ScaleOutProlonged", until);
        } else {
            skip(state, round, fired, reason, &why);
        }
        return;
    }
    let effect = Effect::Boost {
        service,
        count,
        before: count_before(state, fired.name(), service).unwrap_or(current),
    };
    let words = format!("{service} gets {count} tasks instead of {current}");
    let change = values::count(round.spec, service, count);
    if begin(state, round, fired, until, effect, &words, change) {
        let last = LastBoost {
            service,
            at: round.now(),
        };
        state.last_boosts.insert(fired.name().clone(), last);
    }
}

/// `ForceBreakerOpen`: a client's calls are refused at once.
pub(super) fn hold_open(
    state: &mut PlatformState,
    round: Round<'_>,
    fired: &Fired<'_>,
    parameters: ForceBreakerOpen,
) {
    let client = parameters.client;
    let lasting_ms = parameters.lasting.as_millis();
    if is_too_late(state, round, fired, "ForceBreakerOpen", lasting_ms) {
        return;
    }
    let until = later(round.now(), lasting_ms);
    let effect = Effect::HoldOpen { client };
    if state.remedies.iter().any(|known| known.effect == effect) {
        // The refusals themselves may have it fire: were it prolonged, the dependency might never be tried again.
        let why = "its breaker is held open already, and is let go when that time is over";
        skip(state, round, fired, "BreakerIsHeldOpen", why);
        return;
    }
    if values::breaker_mode(state, round.spec, client) == BreakerMode::ForcedOpen {
        skip(
            state,
            round,
            fired,
            "BreakerIsOpen",
            "the spec holds the breaker open",
        );
        return;
    }
    let (owner, callee) = ends(client);
    let words = format!("{owner}'s breaker for {callee} is held open: its calls are refused");
    let change = values::breaker(state, round.spec, client);
    begin(state, round, fired, until, effect, &words, change);
}

/// Begins `effect`; under `Observe` only says what it would do.
///
/// Returns whether it began.
fn begin(
    state: &mut PlatformState,
    round: Round<'_>,
    fired: &Fired<'_>,
    until: Timestamp,
    effect: Effect,
    words: &str,
    change: FieldChange,
) -> bool {
    let evidence = Evidence {
        fields: vec![change.clone()],
        ..fired.evidence()
    };
    let told = fired.in_words();
    if round.spec.mode == Mode::Observe {
        let message = format!("{told} Mode is Observe, so nothing is done; otherwise: {words}.");
        let reason = "WouldAct";
        note(
            state,
            round.entry(
                HistoryKind::Notified,
                Actor::Controller,
                reason,
                message,
                evidence,
            ),
        );
        return false;
    }
    mark_disturbed(state);
    replace(
        state,
        Remedy {
            alarm: fired.name().clone(),
            since: round.now(),
            until,
            effect,
        },
    );
    let path = change.path;
    let then = change.from.map_or_else(
        || "Then it goes back, unless somebody has changed it".to_owned(),
        |value| format!("Then the spec's value holds again: {path}: {value}"),
    );
    let message = format!("{told} {words}, until {until:.0}. {then}.");
    let reason = effect.action();
    state.record(round.entry(
        HistoryKind::RemedyStarted,
        Actor::Alarm,
        reason,
        message,
        evidence,
    ));
    true
}

/// Puts `remedy` in the place of the one of the same alarm and kind; one that still puts the same
/// service back has nothing left to do.
fn replace(state: &mut PlatformState, mut remedy: Remedy) {
    let is_replaced = |known: &Remedy| match (known.effect, remedy.effect) {
        (Effect::Boost { service: a, .. }, Effect::Boost { service: b, .. }) => {
            a == b && known.alarm == remedy.alarm
        }
        (Effect::PutBack { service: a, .. }, Effect::Boost { service: b, .. }) => a == b,
        _ => false,
    };
    let replaced = state.remedies.iter().filter(|known| is_replaced(known));
    let in_force = replaced.filter(|known| known.is_in_force());
    let since = in_force.map(|known| known.since).min();
    state.remedies.retain(|known| !is_replaced(known));
    remedy.since = since.unwrap_or(remedy.since);
    state.remedies.push(remedy);
}

/// Has the remedies that are `standing` last until `until`.
///
/// Returns whether there is one.
fn prolong(
    state: &mut PlatformState,
    round: Round<'_>,
    until: Timestamp,
    standing: impl Fn(&Remedy) -> bool,
) -> bool {
    if round.spec.mode == Mode::Observe {
        return false;
    }
    let mut found = false;
    for remedy in state.remedies.iter_mut().filter(|known| standing(known)) {
        remedy.until = remedy.until.max(until);
        found = true;
    }
    found
}

/// Whether a remedy would be over by now: the firing was long ago, and nobody looked.
fn is_too_late(
    state: &mut PlatformState,
    round: Round<'_>,
    fired: &Fired<'_>,
    action: &str,
    lasting_ms: u64,
) -> bool {
    let is_late = later(fired.firing.at, lasting_ms) <= round.now();
    if is_late {
        let why = format!("{action} would be over by now");
        skip(state, round, fired, &format!("{action}TooLate"), &why);
    }
    is_late
}

/// Why no tasks are added: the reason and the words.
fn obstacle(
    state: &PlatformState,
    round: Round<'_>,
    fired: &Fired<'_>,
    parameters: ScaleOut,
    current: u32,
    count: u32,
) -> Option<(&'static str, String)> {
    let service = parameters.service;
    if let Some(last) = cooling_down(state, round, fired.name(), parameters) {
        let cooldown = parameters.cooldown;
        let why = format!("tasks were last added at {last:.0}, and its cooldown is {cooldown}");
        return Some(("ScaleOutInCooldown", why));
    }
    let why = format!("{service} has {current} tasks, as many as it may be given");
    (count <= current).then_some(("ScaleOutAtMost", why))
}

fn say_prolonged(
    state: &mut PlatformState,
    round: Round<'_>,
    fired: &Fired<'_>,
    reason: &str,
    until: Timestamp,
) {
    let message = format!(
        "{} What was done about it stays until {until:.0} at least.",
        fired.in_words()
    );
    let evidence = fired.evidence();
    note(
        state,
        round.entry(
            HistoryKind::RemedyStarted,
            Actor::Alarm,
            reason,
            message,
            evidence,
        ),
    );
}

/// When the alarm last had tasks added to the service, if that was within its cooldown.
fn cooling_down(
    state: &PlatformState,
    round: Round<'_>,
    alarm: &AlarmName,
    parameters: ScaleOut,
) -> Option<Timestamp> {
    let last = state.last_boosts.get(alarm)?;
    let over_at = later(last.at, parameters.cooldown.as_millis());
    (last.service == parameters.service && round.now() < over_at).then_some(last.at)
}

/// Tasks that `service` has, is about to have by the spec, or has by a remedy: the most of them, so
/// that none is ever taken away. Nothing where it does not run.
fn current_count(state: &PlatformState, round: Round<'_>, service: ServiceName) -> Option<u32> {
    let workload = round.spec.services.workload(service)?;
    let found = round.observed.services.get(&service)?.desired_count;
    let wanted = workload.desired_count.map(schema::units::Whole::get);
    let floors = state
        .remedies
        .iter()
        .filter_map(|it| it.effect.floor_of(service));
    floors.chain(wanted).chain([found]).max()
}

/// Most tasks that the alarm may have the service run.
fn most(round: Round<'_>, parameters: ScaleOut) -> u32 {
    let workload = round.spec.services.workload(parameters.service);
    let scaling = workload.and_then(|workload| workload.scaling);
    let most = parameters.max_count.get();
    scaling.map_or(most, |scaling| most.min(scaling.max_capacity.get()))
}

/// Tasks that the service had before the boost that stands, or before the one that it comes back from.
fn count_before(state: &PlatformState, alarm: &AlarmName, wanted: ServiceName) -> Option<u32> {
    state.remedies.iter().find_map(|known| match known.effect {
        Effect::Boost {
            service, before, ..
        } if service == wanted && known.alarm == *alarm => Some(before),
        Effect::PutBack { service, to, .. } if service == wanted => Some(to),
        _ => None,
    })
}

/// Says why an action is not taken.
fn skip(state: &mut PlatformState, round: Round<'_>, fired: &Fired<'_>, reason: &str, why: &str) {
    let message = format!("{} Nothing is done about it: {why}.", fired.in_words());
    let evidence = fired.evidence();
    note(
        state,
        round.entry(
            HistoryKind::Notified,
            Actor::Controller,
            reason,
            message,
            evidence,
        ),
    );
}
