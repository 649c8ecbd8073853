//! Conditions, by the kstatus rules: `Ready` is always there; `Reconciling` and `Stalled` only while
//! true, and never both.
//!
//! Source of the rules: the kstatus library's documentation, and the conditions checks of Flux.

use std::error::Error;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schema::LoanPlatformSpec;
use schema::platform::Mode;
use schema::status::Phase;

use crate::blindness;
use crate::decide::Decision;
use crate::ports::Remedy;
use crate::reasons;
use crate::state::PlatformState;

/// Reason of a failure that may pass by itself.
const RETRYING: &str = "Retrying";
/// Reason of a failure that a person has to mend.
const NEEDS_A_PERSON: &str = "NeedsAPerson";

/// How a platform fares, in one condition's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Verdict {
    ready: bool,
    standing: Standing,
    reason: &'static str,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Steady,
    Reconciling,
    Stalled,
}

/// The conditions after a round, keeping the transition times of those that did not change.
#[must_use]
pub fn conditions(
    before: &[Condition],
    decision: &Decision,
    refusal: Option<&str>,
    now: Timestamp,
) -> Vec<Condition> {
    show(
        before,
        &verdict(decision, refusal),
        decision.state.generation,
        now,
    )
}

/// The conditions of a platform that could not be reconciled, because of `error`.
#[must_use]
pub fn failed(
    before: &[Condition],
    error: &dyn Error,
    remedy: Remedy,
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let (standing, reason) = match remedy {
        Remedy::Retry => (Standing::Reconciling, RETRYING),
        Remedy::WaitForUser => (Standing::Stalled, NEEDS_A_PERSON),
    };
    let verdict = Verdict {
        ready: false,
        standing,
        reason,
        message: with_causes(error),
    };
    show(before, &verdict, generation, now)
}

/// The conditions of a platform that a controller that has just started has not looked at yet.
#[must_use]
pub fn starting(before: &[Condition], generation: i64, now: Timestamp) -> Vec<Condition> {
    let verdict = Verdict {
        ready: false,
        standing: Standing::Reconciling,
        reason: "Starting",
        message: "The controller has just started and has not looked yet.".to_owned(),
    };
    show(before, &verdict, generation, now)
}

/// Whether `conditions` tell of a platform that could not be reconciled.
#[must_use]
pub fn tell_of_failure(conditions: &[Condition]) -> bool {
    conditions
        .iter()
        .any(|condition| [RETRYING, NEEDS_A_PERSON].contains(&condition.reason.as_str()))
}

/// An error and its causes, in one line.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

fn show(
    before: &[Condition],
    verdict: &Verdict,
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    debug_assert!(
        reasons::condition(verdict.reason).is_some(),
        "{} is not in the catalogue of reasons",
        verdict.reason
    );
    let mut conditions = vec![("Ready", verdict.ready)];
    match verdict.standing {
        Standing::Steady => {}
        Standing::Reconciling => conditions.push(("Reconciling", true)),
        Standing::Stalled => conditions.push(("Stalled", true)),
    }
    conditions
        .into_iter()
        .map(|(type_, holds)| condition(before, type_, holds, verdict, generation, now))
        .collect()
}

fn condition(
    before: &[Condition],
    type_: &str,
    holds: bool,
    verdict: &Verdict,
    generation: i64,
    now: Timestamp,
) -> Condition {
    let status = if holds { "True" } else { "False" };
    let known = before
        .iter()
        .find(|known| known.type_ == type_ && known.status == status);
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: verdict.reason.to_owned(),
        message: verdict.message.clone(),
        observed_generation: Some(generation),
        last_transition_time: known.map_or_else(
            || Time(whole_seconds(now)),
            |known| known.last_transition_time.clone(),
        ),
    }
}

/// Kubernetes writes times in whole seconds; keeping more would make a saved condition differ from
/// the one in memory.
fn whole_seconds(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

fn verdict(decision: &Decision, refusal: Option<&str>) -> Verdict {
    let verdict = |ready, standing, reason, message: String| Verdict {
        ready,
        standing,
        reason,
        message,
    };
    if let Some(problems) = refusal {
        return verdict(false, Standing::Stalled, "InvalidSpec", problems.to_owned());
    }
    if !takes_back(decision) {
        if let Some(stuck) = decision.report.stuck() {
            return verdict(false, Standing::Stalled, "Stuck", stuck.to_owned());
        }
        if let Some(why) = &decision.blind {
            let standing = if blindness::lasts_long(&decision.state) {
                Standing::Stalled
            } else {
                Standing::Reconciling
            };
            let message = format!("The alarms cannot be read, so nothing is judged: {why}");
            return verdict(false, standing, "AlarmsUnreadable", message);
        }
        if let Some((reason, message)) = held_by_mode(decision) {
            return verdict(false, Standing::Steady, reason, message);
        }
    }
    if let Some((standing, reason)) = rollout_standing(decision) {
        let message = decision
            .kept_out
            .clone()
            .or_else(|| {
                decision
                    .rollout_waits_on
                    .as_ref()
                    .map(|waits| format!("Waiting for {waits}."))
            })
            .or_else(|| decision.report.first().map(str::to_owned))
            .unwrap_or_default();
        return verdict(false, standing, reason, message);
    }
    if !decision.report.is_settled() {
        let message = decision.report.text();
        return verdict(false, Standing::Reconciling, "Progressing", message);
    }
    verdict(
        true,
        Standing::Steady,
        "AsSpecified",
        "Everything is as the spec asks.".to_owned(),
    )
}

fn held_by_mode(decision: &Decision) -> Option<(&'static str, String)> {
    let state = &decision.state;
    let accepted = state.accepted.as_ref()?;
    match accepted.spec.mode {
        Mode::Suspend if holds_changes(state, &accepted.spec) => Some((
            "Suspended",
            "mode is Suspend: new changes are held, those under way are guarded".to_owned(),
        )),
        Mode::Observe if !decision.report.is_settled() || decision.rollout_waits_on.is_some() => {
            let drift = Some(decision.report.text()).filter(|text| !text.is_empty());
            let drift = drift.or_else(|| decision.rollout_waits_on.clone());
            let drift = drift.unwrap_or_default();
            Some((
                "Drifted",
                format!("mode is Observe, nothing is changed: {drift}"),
            ))
        }
        Mode::Enforce | Mode::Observe | Mode::Suspend => None,
    }
}

/// Whether a change is being taken back, which no mode holds up and which is told before the mode.
fn takes_back(decision: &Decision) -> bool {
    let scoring = &decision.state.scoring;
    scoring.is_taking_back() || scoring.phase == Phase::Verifying
}

/// Whether `accepted` differs from what is enforced in more than its mode.
fn holds_changes(state: &PlatformState, accepted: &LoanPlatformSpec) -> bool {
    let enforced = state.enforced.as_ref();
    enforced.is_none_or(|enforced| {
        LoanPlatformSpec {
            mode: accepted.mode,
            ..LoanPlatformSpec::clone(enforced)
        } != *accepted
    })
}

fn rollout_standing(decision: &Decision) -> Option<(Standing, &'static str)> {
    let scoring = &decision.state.scoring;
    if scoring.phase == Phase::RollbackFailed {
        return Some((Standing::Stalled, "RollbackFailed"));
    }
    if decision.kept_out.is_some() {
        return Some((Standing::Stalled, "Quarantined"));
    }
    let is_first = scoring
        .change
        .as_ref()
        .is_none_or(|change| change.target.is_none());
    match scoring.phase {
        Phase::Preflight => Some((Standing::Reconciling, "Preflight")),
        Phase::Applying if !is_first => Some((Standing::Reconciling, "Applying")),
        Phase::Baking if !is_first => Some((Standing::Reconciling, "Baking")),
        Phase::RollingBack => Some((Standing::Reconciling, "RollingBack")),
        Phase::Verifying => Some((Standing::Reconciling, "Verifying")),
        Phase::Paused if scoring.external.is_some() => Some((Standing::Stalled, "ExternalChange")),
        Phase::Paused => Some((Standing::Stalled, "Paused")),
        Phase::Inconclusive if !is_first => Some((Standing::Stalled, "Inconclusive")),
        _ => None,
    }
}
