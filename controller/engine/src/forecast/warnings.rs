//! What a person should think about before an edit is put where it counts.

use schema::LoanPlatformSpec;
use schema::names::ServiceName;
use schema::platform::{Alarm, DeletionPolicy, Mode};
use schema::revision::ScoringRevision;
use schema::status::{AlarmState, Phase};

use super::scoring::{Fate, ScoringForecast};
use crate::desired::definition;
use crate::observed::Observed;
use crate::state::PlatformState;

/// The warnings about putting `after` in the place of `before`, in the `world` that is there.
pub(super) fn of(
    before: Option<&LoanPlatformSpec>,
    after: &LoanPlatformSpec,
    world: &Observed,
    state: &PlatformState,
) -> Vec<String> {
    let mut warnings = Vec::new();
    warnings.extend(of_mode(after));
    warnings.extend(
        ServiceName::ALL
            .into_iter()
            .filter_map(|it| of_capacity(it, after, world)),
    );
    if let Some(before) = before {
        warnings.extend(of_guards(before, after, state));
        warnings.extend(of_deletion(before, after));
    }
    warnings.extend(of_a_change_under_way(after, state));
    if asks_for_another_revision(after, state) {
        warnings.extend(of_judging(after, world));
    }
    warnings
}

/// A revision that was taken back before comes into force no more.
pub(super) fn of_quarantine(scoring: &ScoringForecast) -> Option<String> {
    matches!(scoring.fate, Fate::KeptOut(_)).then(|| {
        format!(
            "scoring revision {} was taken back before and is quarantined: what it changes stays out",
            scoring.to.short()
        )
    })
}

fn asks_for_another_revision(after: &LoanPlatformSpec, state: &PlatformState) -> bool {
    let wanted = state.scoring.digest_of(&ScoringRevision::of(after));
    state.scoring.live() != Some(&wanted)
}

fn of_mode(after: &LoanPlatformSpec) -> Option<String> {
    match after.mode {
        Mode::Enforce => None,
        Mode::Observe => {
            Some("mode is Observe: differences are reported, and nothing is changed".to_owned())
        }
        Mode::Suspend => Some(
            "mode is Suspend: what the spec changes waits until the mode is Enforce again"
                .to_owned(),
        ),
    }
}

/// Fewer than half of the tasks that a service has now.
fn of_capacity(service: ServiceName, after: &LoanPlatformSpec, world: &Observed) -> Option<String> {
    let found = world.services.get(&service)?.desired_count;
    let workload = after.services.workload(service);
    let Some(workload) = workload else {
        return Some(format!(
            "{service} goes away: its {found} tasks are removed"
        ));
    };
    let most = workload.scaling.map(|scaling| scaling.max_capacity.get());
    let wanted = workload
        .desired_count
        .map(schema::units::Whole::get)
        .or(most)?;
    (wanted.saturating_mul(2) < found).then(|| {
        format!("{service} loses more than half of its capacity: {found} tasks become {wanted}")
    })
}

/// Alarms that judge scoring changes and are not what they were.
fn of_guards(
    before: &LoanPlatformSpec,
    after: &LoanPlatformSpec,
    state: &PlatformState,
) -> Vec<String> {
    let guards = after.gating_alarms();
    let is_now = |old: &&Alarm| guards.iter().find(|it| it.name == old.name).copied();
    let warning = |old: &Alarm| {
        let Some(new) = is_now(&old) else {
            return Some(format!(
                "alarm {} does not judge scoring changes any more",
                old.name
            ));
        };
        let same = definition(&state.platform, old) == definition(&state.platform, new);
        (!same).then(|| {
            format!(
                "alarm {} judges scoring changes and is edited: from then on it judges by its new definition",
                old.name
            )
        })
    };
    before
        .gating_alarms()
        .into_iter()
        .filter_map(warning)
        .collect()
}

fn of_deletion(before: &LoanPlatformSpec, after: &LoanPlatformSpec) -> Option<String> {
    let becomes = before.deletion_policy != DeletionPolicy::Delete
        && after.deletion_policy == DeletionPolicy::Delete;
    becomes.then(|| {
        "deletionPolicy becomes Delete: removing the file then removes every service, alarm and setting".to_owned()
    })
}

fn of_a_change_under_way(after: &LoanPlatformSpec, state: &PlatformState) -> Option<String> {
    let scoring = &state.scoring;
    let change = scoring.change.as_ref().filter(|_| scoring.is_moving())?;
    let wanted = scoring.digest_of(&ScoringRevision::of(after));
    let candidate = change.candidate.short();
    let phase = scoring.phase;
    if change.candidate == wanted {
        let is_judged = matches!(phase, Phase::Applying | Phase::Baking | Phase::Inconclusive);
        return is_judged.then(|| {
            format!(
                "scoring revision {candidate} is being judged ({phase:?}): what else this edit changes makes its verdict weak"
            )
        });
    }
    Some(format!(
        "scoring revision {candidate} is under way ({phase:?}): this edit asks for another one"
    ))
}

/// What keeps the alarms from judging the change.
fn of_judging(after: &LoanPlatformSpec, world: &Observed) -> Vec<String> {
    let guards = after.gating_alarms();
    if guards.is_empty() {
        return vec![
            "no alarm judges scoring changes: a bad one is not taken back by itself".to_owned(),
        ];
    }
    let fires = |alarm: &&Alarm| {
        let found = world.alarms.get(&alarm.name);
        found.is_some_and(|found| found.state == AlarmState::Alarm)
    };
    let warning = |alarm: &Alarm| {
        format!(
            "alarm {} fires already: a scoring change waits until it has cleared",
            alarm.name
        )
    };
    guards.into_iter().filter(fires).map(warning).collect()
}
