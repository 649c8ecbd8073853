//! Which calls bring services to what is wanted of them, and when in a plan each has its turn.

use schema::names::ServiceName;
use schema::platform::Scaling;
use schema::revision::{FieldChange, leaf_changes};

use super::action::{Action, Step};
use crate::desired::Desired;
use crate::observed::Observed;
use crate::ports::{ObservedService, ServiceChange, ServiceDefinition};
use crate::state::ScoringState;

/// When in a plan a change of a service has its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Create,
    Grow,
    Deploy,
    Shrink,
}

/// The changes, in their order; scoring's come last among those of a stage.
pub(super) fn changes(
    desired: &Desired,
    observed: &Observed,
    scoring: &ScoringState,
) -> Vec<(Stage, Step)> {
    let mut changes = Vec::new();
    for definition in &desired.services {
        match observed.services.get(&definition.service) {
            None => {
                let change = ServiceChange::Create(definition.clone());
                changes.push((
                    definition.service,
                    Stage::Create,
                    Step::whole(Action::Service(change)),
                ));
            }
            Some(found) => changes.extend(
                differences(definition, found)
                    .map(|(stage, step)| (definition.service, stage, step)),
            ),
        }
    }
    changes.retain(|(service, stage, _)| !is_someone_elses(*service, *stage, scoring));
    changes.sort_by_key(|(service, stage, _)| (*stage, *service == ServiceName::Scoring));
    changes
        .into_iter()
        .map(|(_, stage, step)| (stage, step))
        .collect()
}

/// What somebody else has had scoring run is not fought while a change is held for it.
fn is_someone_elses(service: ServiceName, stage: Stage, scoring: &ScoringState) -> bool {
    service == ServiceName::Scoring && stage == Stage::Deploy && scoring.external.is_some()
}

fn differences(
    definition: &ServiceDefinition,
    found: &ObservedService,
) -> impl Iterator<Item = (Stage, Step)> {
    scale(definition, found)
        .into_iter()
        .chain(deploy(definition, found))
}

fn deploy(definition: &ServiceDefinition, found: &ObservedService) -> Option<(Stage, Step)> {
    let (platform, service) = (definition.platform.clone(), definition.service);
    if definition.template == found.template {
        return None;
    }
    let template = definition.template.clone();
    let drift = leaf_changes(&found.template, &template);
    let change = ServiceChange::Deploy {
        platform,
        service,
        template,
    };
    let action = Action::Service(change);
    Some((Stage::Deploy, Step { action, drift }))
}

fn scale(definition: &ServiceDefinition, found: &ObservedService) -> Option<(Stage, Step)> {
    let count = wanted_count(definition, found.desired_count);
    let scaling = definition.scaling;
    if count == found.desired_count && scaling == found.scaling {
        return None;
    }
    let mut drift = Vec::new();
    if count != found.desired_count {
        drift.push(FieldChange {
            path: "desiredCount".to_owned(),
            from: Some(found.desired_count.to_string()),
            to: Some(count.to_string()),
        });
    }
    drift.extend(scaling_changes(found.scaling, scaling));
    let stage = if count < found.desired_count {
        Stage::Shrink
    } else {
        Stage::Grow
    };
    let change = ServiceChange::Scale {
        platform: definition.platform.clone(),
        service: definition.service,
        count,
        scaling,
    };
    let action = Action::Service(change);
    Some((stage, Step { action, drift }))
}

fn scaling_changes(found: Option<Scaling>, wanted: Option<Scaling>) -> Vec<FieldChange> {
    let mut changes = leaf_changes(&found, &wanted);
    for change in &mut changes {
        change.path = if change.path.is_empty() {
            "scaling".to_owned()
        } else {
            format!("scaling.{}", change.path)
        };
    }
    changes
}

/// The count that `definition` wants of a service that has `current` tasks: within the scaling
/// range where scaling is set, and left alone where the spec is silent.
fn wanted_count(definition: &ServiceDefinition, current: u32) -> u32 {
    match (definition.count, definition.scaling) {
        (Some(count), _) => count,
        (None, Some(scaling)) => current
            .max(scaling.min_capacity.get())
            .min(scaling.max_capacity.get()),
        (None, None) => current,
    }
}
