//! Verdicts: when a change is to blame, and how sure that is.

use schema::platform::AlarmName;
use schema::status::{AlarmState, Evidence, HistoryKind, Phase, Quarantined};

use super::turn::{Turn, later};
use crate::ports::{Firing, ObservedAlarm};
use crate::state::{Baseline, Cause, ChangeRecord, Verdict};

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
    let value = firing
        .value
        .map_or_else(|| "missing data".to_owned(), |value| format!("{value:.2}"));
    let definition = &alarm.definition;
    let reason = format!(
        "Alarm {} fired at {:.0}: {value} {} {}.",
        definition.name,
        firing.at,
        definition.comparison.sign(),
        definition.threshold,
    );
    let cause = Cause::Alarm {
        alarm: definition.name.clone(),
        value: firing.value,
        threshold: definition.threshold,
        fired_at: firing.at,
    };
    take_back(turn, cause, strong, &reason);
    true
}

/// With a newer change waiting to replace one that is in force: takes that one back if a gating alarm
/// has fired since it began. The newer one waits until that is done.
///
/// Returns whether it did.
pub(super) fn convict_standing(turn: &mut Turn<'_>) -> bool {
    let Some(standing) = turn.scoring.standing.take() else {
        return false;
    };
    let newer = turn.scoring.change.replace(standing);
    if convict_if_fired(turn) {
        return true;
    }
    turn.scoring.standing = turn.scoring.change.take();
    turn.scoring.change = newer;
    false
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
    turn.record(HistoryKind::RollbackStarted, "Withdrawn", reason);
}

fn begin_restoring(turn: &mut Turn<'_>, verdict: Verdict) {
    let target = turn.change().and_then(|change| change.target.clone());
    turn.edit_change(|change| change.verdict = Some(verdict));
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
    if change.acknowledged.contains(name) || Some(firing.at) == baseline.last_fired_at {
        return None;
    }
    // A datapoint that was over before the change began cannot be its doing.
    let breach_overlaps = firing
        .first_breach_at
        .is_none_or(|start| later(start, alarm.definition.period_ms) > change.started_at);
    let strong = baseline.state == AlarmState::Ok
        && alarm.configured_at == baseline.configured_at
        && breach_overlaps
        && !change.disturbed;
    Some(Accusation {
        alarm,
        firing,
        strong,
    })
}

/// An alarm that fired from the start and was acknowledged gates again once it has cleared.
fn release_acknowledged(turn: &mut Turn<'_>) {
    let observed = turn.view.observed;
    turn.edit_change(|change| {
        let cleared: Vec<AlarmName> = change
            .acknowledged
            .iter()
            .filter(|name| {
                observed
                    .alarms
                    .get(*name)
                    .is_some_and(|a| a.state == AlarmState::Ok)
            })
            .cloned()
            .collect();
        for name in cleared {
            change.acknowledged.remove(&name);
            if let Some(baseline) = change.baseline.get_mut(&name) {
                baseline.state = AlarmState::Ok;
            }
        }
    });
}
