//! One round of deciding: from what is remembered and found to what is remembered and done next.

use std::collections::BTreeMap;
use std::sync::Arc;

use schema::LoanPlatformSpec;
use schema::platform::{AlarmName, Mode};

use crate::accept::mark_disturbed;
use crate::blindness;
use crate::desired::desired;
use crate::observed::Observed;
use crate::plan::{Plan, PlanContext, plan};
use crate::reactions::{self, amend, react};
use crate::report::{Report, report};
use crate::rollout::{self, View};
use crate::state::{Baseline, PlatformState, ScoringState};

/// What a round decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The state from now on, to be saved before the plan is carried out.
    pub state: PlatformState,
    /// The calls to make.
    pub plan: Plan,
    /// Differences from what is wanted that were found, those included that the mode forbids to mend.
    pub differences: usize,
    /// What the platform waits for.
    pub report: Report,
    /// What the rollout waits for.
    pub rollout_waits_on: Option<String>,
    /// Why the spec's scoring revision is kept out.
    pub kept_out: Option<String>,
    /// Why the alarms cannot be read.
    pub blind: Option<String>,
    /// `rollout.bakeTime`, in milliseconds.
    pub bake_time_ms: Option<u64>,
}

/// Decides what comes next for a platform whose spec was accepted at some time.
///
/// `epoch` is the term of the controller that will carry the plan out.
#[must_use]
pub fn decide(remembered: &PlatformState, observed: &Observed, epoch: u64) -> Decision {
    let mut state = remembered.clone();
    blindness::note(&mut state, observed);
    let undone = rollout::undo(&mut state.scoring, observed);
    let Some(accepted) = state.accepted.clone() else {
        return Decision::idle(state);
    };
    let Some(basis) = basis(&mut state, &accepted.spec) else {
        return Decision::idle(state);
    };

    let before = consequences(&state, &basis, observed, epoch);
    let unsettled = before
        .as_ref()
        .and_then(|(_, report)| report.beside_scoring());
    let in_force = with_mode(&basis, accepted.spec.mode);
    let advance = rollout::advance(
        &state.scoring,
        &View {
            spec: &in_force,
            generation: accepted.generation,
            observed,
            unsettled,
            undone,
            breaker_is_held_open: reactions::holds_a_breaker_open(&state.remedies),
        },
    );
    let mut is_as_before = acts_alike(&state.scoring, &advance.scoring);
    state.scoring = advance.scoring;
    for entry in advance.history {
        state.record(entry);
    }
    // After the rollout: what a firing has done must not weaken the verdict that the same firing speaks.
    let remedies = state.remedies.clone();
    react(&mut state, observed, &in_force);
    is_as_before &= state.remedies == remedies && !state.scoring.is_taking_back();
    let after = before.filter(|_| is_as_before).or_else(|| {
        let basis = rollback_basis(&state).unwrap_or(basis);
        consequences(&state, &basis, observed, epoch)
    });
    let (plan, report) = after.unwrap_or_else(without_revision);
    let differences = plan.differences();
    let plan = plan.permitted(accepted.spec.mode, &state.scoring);
    if plan.writes_settings() {
        state.settings_sequence += 1;
    }
    if plan.changes_services_beside_the_rollout() {
        // After this round's verdict: what is about to be done had no part in what alarms have said.
        mark_disturbed(&mut state);
    }
    Decision {
        state,
        plan,
        differences,
        report,
        rollout_waits_on: advance.waiting_on,
        kept_out: advance.kept_out,
        blind: observed.blind.clone(),
        bake_time_ms: Some(accepted.spec.rollout.bake_time.as_millis()),
    }
}

impl Decision {
    fn idle(state: PlatformState) -> Self {
        Self {
            state,
            plan: Plan::default(),
            differences: 0,
            report: Report::default(),
            rollout_waits_on: None,
            kept_out: None,
            blind: None,
            bake_time_ms: None,
        }
    }
}

/// The spec to decide by: the accepted one, or while changes are held the last that was enforced.
/// Only `Enforce` makes a spec an enforced one: what `Observe` merely looked at must not come into
/// force when `Suspend` follows.
fn basis(
    state: &mut PlatformState,
    accepted: &Arc<LoanPlatformSpec>,
) -> Option<Arc<LoanPlatformSpec>> {
    match accepted.mode {
        Mode::Enforce => state.enforced = Some(Arc::clone(accepted)),
        Mode::Observe => return Some(Arc::clone(accepted)),
        Mode::Suspend => {}
    }
    state.enforced.clone()
}

/// What a rollback is planned on: it changes only what the change changed, so edits that `Observe`
/// merely looks at stay out of it.
fn rollback_basis(state: &PlatformState) -> Option<Arc<LoanPlatformSpec>> {
    state
        .enforced
        .clone()
        .filter(|_| state.scoring.is_taking_back())
}

/// Whether the same plan and report follow from both: what they differ in is only remembered.
fn acts_alike(one: &ScoringState, other: &ScoringState) -> bool {
    one.phase == other.phase
        && one.image == other.image
        && one.settings == other.settings
        && one.external == other.external
        && judges(one) == judges(other)
}

fn judges(scoring: &ScoringState) -> Option<&BTreeMap<AlarmName, Baseline>> {
    scoring.change.as_ref().map(|change| &change.baseline)
}

/// The plan and the report that follow from `state`.
fn consequences(
    state: &PlatformState,
    spec: &LoanPlatformSpec,
    observed: &Observed,
    epoch: u64,
) -> Option<(Plan, Report)> {
    let scoring = &state.scoring;
    let mut desired = desired(&state.platform, spec, scoring)?;
    amend(&mut desired, state, observed);
    let context = PlanContext {
        platform: &state.platform,
        scoring,
        settings_order: (epoch, state.settings_sequence + 1),
    };
    let plan = plan(context, &desired, observed);
    let report = report(&desired, observed, &plan);
    Some((plan, report))
}

/// A revision is in force whose content is not known: nothing can be decided without it.
fn without_revision() -> (Plan, Report) {
    let stuck = "the content of the scoring revision in force is not in the saved state; restore an \
                 earlier version of the state document";
    let mut report = Report::default();
    report.add_stuck(stuck);
    (Plan::default(), report)
}

/// `basis` under the accepted spec's mode: while changes are held, the content is the old one and the
/// mode the new one.
fn with_mode(basis: &Arc<LoanPlatformSpec>, mode: Mode) -> Arc<LoanPlatformSpec> {
    if basis.mode == mode {
        return Arc::clone(basis);
    }
    Arc::new(LoanPlatformSpec {
        mode,
        ..LoanPlatformSpec::clone(basis)
    })
}
