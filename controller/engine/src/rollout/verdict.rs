//! Verdicts: when a change is to blame, and how sure that is.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use schema::names::ServiceName;
use schema::platform::AlarmName;
use schema::status::{Actor, AlarmState, Evidence, HistoryKind, Phase, Quarantined};

use super::applying;
use super::turn::Turn;
use crate::ports::{Firing, ObservedAlarm};
use crate::state::{Baseline, Cause, ChangeRecord, Verdict};
use crate::timing::later;

/// Silence after which the source of a service's metrics counts as gone: services report every second,
/// and CloudWatch takes up to two minutes to show it.
const SILENT_AFTER: SignedDuration = SignedDuration::from_mins(3);

/// Takes the change back if a gating alarm has fired since it began.
///
/// Returns whether it did.
pub(super) fn convict_if_fired(turn: &mut Turn<'_>) -> bool {
    release_acknowledged(turn);
    let Some(change) = turn.change() else {
        return false;
    };
    if change.target.is_none() {
        return false;
    }
    let Some(accusation) = strongest(change, turn) else {
        return false;
    };
    let Accusation {
        alarm,
        firing,
        strong,
    } = accusation;
    let definition = &alarm.definition;
    let reason = alarm.firing_in_words(firing);
    let cause = Cause::Alarm {
        alarm: definition.name.clone(),
        value: firing.value,
        threshold: definition.threshold,
        fired_at: firing.at,
    };
    take_back(turn, cause, strong, &reason);
    true
}

/// Takes the change back if the services that its alarms judge by fell silent with it: an alarm that was
/// `OK` has no data any more, although tasks run.
///
/// Without traffic services still report zeros, so this tells a change that killed its own metrics from a
/// quiet night.
///
/// Returns whether it did.
pub(super) fn convict_if_silent(turn: &mut Turn<'_>) -> bool {
    if turn.is_first() {
        return false;
    }
    let (Some(alarm), Some(service)) = (blinded_alarm(turn), silent_service(turn)) else {
        return false;
    };
    let strong = turn.change().is_some_and(|change| !change.disturbed);
    let reason =
        format!("{service} reports nothing any more, so alarm {alarm} has no data to judge by.",);
    take_back(turn, Cause::SourceGone { alarm }, strong, &reason);
    true
}

/// An alarm that could judge when the change began, and cannot since.
fn blinded_alarm(turn: &Turn<'_>) -> Option<AlarmName> {
    let change = turn.change()?;
    let blinded = change.baseline.iter().find(|(name, baseline)| {
        let found = turn.view.observed.alarms.get(*name);
        let is_blind_since = found
            .filter(|found| found.state == AlarmState::InsufficientData)
            .is_some_and(|found| found.since > change.started_at);
        baseline.state == AlarmState::Ok && is_blind_since
    });
    blinded.map(|(name, _)| name.clone())
}

/// A service that scores, has tasks running, and has not reported for long.
fn silent_service(turn: &Turn<'_>) -> Option<ServiceName> {
    let change = turn.change()?;
    let effective_at = change.effective_at?;
    let observed = turn.view.observed;
    [ServiceName::Scoring, ServiceName::LoanApi]
        .into_iter()
        .find(|service| {
            let runs = observed
                .services
                .get(service)
                .is_some_and(|it| it.running() > 0);
            let reported = observed.evidence.last_report.get(service).copied();
            let heard_at = reported.unwrap_or(effective_at).max(effective_at);
            runs && turn.now().duration_since(heard_at) > SILENT_AFTER
        })
}

/// With a newer change waiting to replace one that is in force: takes that one back if a gating alarm
/// has fired since it began, or if its tasks did not come to run. The newer one waits until that is done.
///
/// Returns whether it did.
pub(super) fn convict_standing(turn: &mut Turn<'_>) -> bool {
    let Some(standing) = turn.scoring.standing.take() else {
        return false;
    };
    let newer = turn.scoring.change.replace(standing);
    if convict_if_fired(turn) || convict_if_not_running(turn) {
        return true;
    }
    turn.scoring.standing = turn.scoring.change.take();
    turn.scoring.change = newer;
    false
}

/// Takes a change back that did not reach every task before another was to replace it, if it cannot.
fn convict_if_not_running(turn: &mut Turn<'_>) -> bool {
    let is_on_its_way = turn
        .change()
        .is_some_and(|change| change.effective_at.is_none());
    let failed = applying::failed_deployment(turn).filter(|_| is_on_its_way);
    if let Some(reason) = &failed {
        take_back(turn, Cause::DeploymentFailed, true, reason);
    }
    failed.is_some()
}

/// Decides that the change is taken back. The decision stands, whatever the alarm does next.
pub(super) fn take_back(turn: &mut Turn<'_>, cause: Cause, strong: bool, reason: &str) {
    let Some(change) = turn.change().cloned() else {
        return;
    };
    let now = turn.now();
    let (alarm, value, threshold, fired_at) = match &cause {
        Cause::Alarm {
            alarm,
            value,
            threshold,
            fired_at,
        } => (
            Some(alarm.clone()),
            *value,
            Some(*threshold),
            Some(*fired_at),
        ),
        _ => (None, None, None, None),
    };
    turn.scoring.keep_out(Quarantined {
        revision: change.candidate.clone(),
        alarm: alarm.clone(),
        value,
        threshold,
        reason: reason.to_owned(),
        at: now,
        convicted: strong,
        retry_token: change.retry_token.clone(),
        attempt: change.attempt,
    });
    turn.scoring.refused = Some((turn.view.generation, change.candidate.clone()));
    turn.scoring.rollbacks.push(now);
    let excess = turn.scoring.rollbacks.len().saturating_sub(100);
    turn.scoring.rollbacks.drain(..excess);
    let evidence = Evidence {
        alarm,
        value,
        threshold,
        fired_at,
        samples: Some(turn.view.observed.evidence.scoring_calls),
        fields: change.fields.clone(),
    };
    let by = accuser(&cause);
    begin_restoring(
        turn,
        Verdict {
            cause,
            strong,
            reason: reason.to_owned(),
            at: now,
        },
    );
    let fields: Vec<String> = change.fields.iter().map(ToString::to_string).collect();
    let message = format!(
        "Scoring revision {} is taken back. {reason} It had changed {}.",
        change.candidate.short(),
        fields.join(", "),
    );
    turn.record_with(
        HistoryKind::RollbackStarted,
        by,
        name(&evidence),
        message,
        Some(evidence),
    );
}

/// Goes back because the spec asks for the known-good revision again; nothing is kept out.
pub(super) fn withdraw(turn: &mut Turn<'_>) {
    // What is in force is what is withdrawn: a change that only waited to replace it never came.
    if let Some(standing) = turn.scoring.standing.take() {
        turn.scoring.change = Some(standing);
    }
    let reason = "The spec asks for the revision before it again.".to_owned();
    let verdict = Verdict {
        cause: Cause::Withdrawn,
        strong: false,
        reason: reason.clone(),
        at: turn.now(),
    };
    begin_restoring(turn, verdict);
    turn.record(
        HistoryKind::RollbackStarted,
        Actor::Spec,
        "Withdrawn",
        reason,
    );
}

fn begin_restoring(turn: &mut Turn<'_>, verdict: Verdict) {
    let target = turn.change().and_then(|change| change.target.clone());
    turn.edit_change(|change| change.verdict = Some(verdict));
    turn.scoring.standing = None;
    // Settings take effect in seconds and go first; the image follows when they are live.
    turn.scoring.settings = target;
    turn.enter(Phase::RollingBack);
}

fn name(evidence: &Evidence) -> &'static str {
    if evidence.alarm.is_some() {
        "AlarmFired"
    } else {
        "ChangeFailed"
    }
}

/// Who spoke against the change.
const fn accuser(cause: &Cause) -> Actor {
    match cause {
        Cause::Alarm { .. } => Actor::Alarm,
        Cause::DeploymentFailed => Actor::Runner,
        Cause::SourceGone { .. } | Cause::NotEffective | Cause::Inconclusive => Actor::Controller,
        Cause::Withdrawn => Actor::Spec,
    }
}

struct Accusation<'a> {
    alarm: &'a ObservedAlarm,
    firing: &'a Firing,
    strong: bool,
}

/// The accusation to act on: a strong one if there is any, else the earliest.
fn strongest<'a>(change: &'a ChangeRecord, turn: &Turn<'a>) -> Option<Accusation<'a>> {
    let observed: &'a crate::observed::Observed = turn.view.observed;
    let accusations = change.baseline.iter().filter_map(|(name, baseline)| {
        accusation(change, name, *baseline, observed.alarms.get(name)?)
    });
    accusations.min_by_key(|accusation| (!accusation.strong, accusation.firing.at))
}

fn accusation<'a>(
    change: &ChangeRecord,
    name: &AlarmName,
    baseline: Baseline,
    alarm: &'a ObservedAlarm,
) -> Option<Accusation<'a>> {
    let firing = alarm.last_firing.as_ref()?;
    let is_acknowledged = change.acknowledged.contains(name);
    if is_acknowledged || alarm.muted || Some(firing.at) == baseline.last_fired_at {
        return None;
    }
    let strong = baseline.state == AlarmState::Ok
        && alarm.configured_at == baseline.configured_at
        && breaches_under(change, firing, alarm.definition.period_ms)
        && !change.disturbed;
    Some(Accusation {
        alarm,
        firing,
        strong,
    })
}

/// Whether the datapoints that `firing` rests on speak of the change: none of them was over before it
/// began, and at least one lies wholly after that.
///
/// Measured from its first call: settings take effect within seconds of it, and the look that finds
/// every task on them may come a poll later than the first failures. The call for a new image may have waited for
/// quotas since: one of the datapoints is from after it was seen to be asked for.
fn breaches_under(change: &ChangeRecord, firing: &Firing, period_ms: u64) -> bool {
    let none_is_older = firing
        .first_breach_at
        .is_none_or(|start| later(start, period_ms) > change.started_at);
    let asked_at = change.asked_at.unwrap_or(change.started_at);
    let one_is_within = firing.last_breach_at.is_none_or(|start| start >= asked_at);
    none_is_older && one_is_within
}

/// An alarm that fired from the start and was acknowledged gates again once it has cleared. It was not
/// `OK` when the change began, so it convicts nobody; and what it saw until then does not vouch for the
/// change, so the bake begins anew.
fn release_acknowledged(turn: &mut Turn<'_>) {
    let Some(change) = turn.change() else { return };
    let is_clear = |name: &AlarmName| {
        let found = turn.view.observed.alarms.get(name);
        found.is_some_and(|found| found.state == AlarmState::Ok)
    };
    let (cleared, firing): (BTreeSet<AlarmName>, _) =
        change.acknowledged.iter().cloned().partition(is_clear);
    if cleared.is_empty() {
        return;
    }
    let bakes = change.effective_at.is_some();
    turn.edit_change(|change| change.acknowledged = firing);
    if bakes {
        turn.start_bake_clock();
    }
}
