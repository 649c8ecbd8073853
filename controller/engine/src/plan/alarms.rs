//! Which alarms are written and removed.

use schema::platform::AlarmName;
use schema::revision::leaf_changes;

use super::PlanContext;
use super::action::{Action, Step};
use crate::desired::Desired;
use crate::observed::Observed;
use crate::ports::AlarmDefinition;
use crate::state::ScoringState;

/// The definitions to write: those that are missing or differ, less those that are judging.
pub(super) fn puts(context: PlanContext<'_>, desired: &Desired, observed: &Observed) -> Vec<Step> {
    if observed.blind.is_some() {
        return Vec::new();
    }
    let step = |definition: &AlarmDefinition| {
        let action = || Action::PutAlarm(definition.clone());
        let Some(found) = observed.alarms.get(&definition.name) else {
            return Some(Step::whole(action()));
        };
        if found.definition == *definition || is_gating_now(context.scoring, &definition.name) {
            return None;
        }
        Some(Step {
            action: action(),
            drift: leaf_changes(&found.definition, definition),
        })
    };
    desired.alarms.iter().filter_map(step).collect()
}

/// The alarms that the spec does not have any more, less those that are judging.
pub(super) fn removals(
    context: PlanContext<'_>,
    desired: &Desired,
    observed: &Observed,
) -> Vec<Step> {
    let is_wanted = |name: &AlarmName| desired.alarms.iter().any(|it| it.name == *name);
    observed
        .alarms
        .keys()
        .filter(|name| !is_wanted(name) && !is_gating_now(context.scoring, name))
        .cloned()
        .map(|name| Step::whole(Action::DeleteAlarm(name)))
        .collect()
}

/// Whether `alarm` is judging a change right now. Editing it then would blur the verdict.
fn is_gating_now(scoring: &ScoringState, alarm: &AlarmName) -> bool {
    scoring.is_moving()
        && scoring
            .change
            .as_ref()
            .is_some_and(|change| change.baseline.contains_key(alarm))
}
