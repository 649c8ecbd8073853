//! Which services their homes bring back to what they had decided of them.

use schema::names::ServiceName;

use super::action::{Action, Step};
use crate::desired::Desired;
use crate::observed::Observed;
use crate::ports::{ObservedService, ServiceChange, ServiceDefinition};
use crate::state::ScoringState;

/// The repairs, in the order of the services.
///
/// A repair may start new tasks. For scoring, where a change of it is on its way or held, that would look like
/// somebody else's deployment, and it may itself fail: it waits.
pub(super) fn repairs(desired: &Desired, observed: &Observed, scoring: &ScoringState) -> Vec<Step> {
    let waits = |service: ServiceName| {
        service == ServiceName::Scoring && (scoring.is_moving() || scoring.is_taking_back())
    };
    let definitions = desired.services.iter();
    definitions
        .filter(|definition| !waits(definition.service))
        .filter_map(|definition| repair(definition, observed.services.get(&definition.service)?))
        .collect()
}

/// A deployment brings all of it back as well.
fn repair(definition: &ServiceDefinition, found: &ObservedService) -> Option<Step> {
    if found.drift.is_empty() || definition.template != found.template {
        return None;
    }
    let change = ServiceChange::Repair {
        platform: definition.platform.clone(),
        service: definition.service,
    };
    Some(Step {
        action: Action::Service(change),
        drift: found.drift.clone(),
    })
}
