//! Laying the remedies over what the spec asks for.

use schema::names::ServiceName;
use schema::platform::{BreakerMode, DesiredCount, ForceBreakerOpenClient, Scaling};
use schema::settings::ServiceSettings;
use schema::status::Phase;

use super::remedy::{Effect, Remedy};
use crate::desired::Desired;
use crate::observed::Observed;
use crate::ports::ServiceDefinition;
use crate::state::PlatformState;

/// Changes `desired` by what the remedies do. The scoring revision stays what it is.
///
/// While a change is being taken back scoring gets no more tasks: the rollback would wait for them too.
pub fn amend(desired: &mut Desired, state: &PlatformState, observed: &Observed) {
    let remedies = &state.remedies;
    for definition in &mut desired.services {
        let found = observed.services.get(&definition.service);
        let current = found.map(|found| found.desired_count);
        let waits =
            definition.service == ServiceName::Scoring && state.scoring.phase == Phase::RollingBack;
        let most = current.filter(|_| waits).unwrap_or(u32::MAX);
        amend_count(definition, remedies, current, most);
    }
    for remedy in remedies {
        if let Effect::HoldOpen { client } = remedy.effect {
            for settings in desired.settings.values_mut() {
                hold_open(settings, client);
            }
        }
    }
}

/// Raises the count to what the remedies have it at least, as far as `most`.
fn amend_count(
    definition: &mut ServiceDefinition,
    remedies: &[Remedy],
    current: Option<u32>,
    most: u32,
) {
    let service = definition.service;
    let floors = remedies
        .iter()
        .filter_map(|remedy| remedy.effect.floor_of(service));
    let floor = floors.max().map(|floor| floor.min(most));
    match (definition.count, &mut definition.scaling) {
        (Some(count), _) => definition.count = Some(count.max(floor.unwrap_or(0))),
        (None, Some(scaling)) => raise(scaling, floor.unwrap_or(0)),
        (None, None) => {
            let left_alone = || current.filter(|_| floor.is_some());
            let without_floor = put_back(remedies, service, current).or_else(left_alone);
            definition.count = without_floor.max(floor);
        }
    }
}

/// Above `floor`, and below it no more, only automatic scaling rules.
fn raise(scaling: &mut Scaling, floor: u32) {
    let floor = floor.min(scaling.max_capacity.get());
    let floor = DesiredCount::try_from(floor).unwrap_or(scaling.max_capacity);
    scaling.min_capacity = scaling.min_capacity.max(floor);
}

/// What a count that a boost has left behind goes back to.
fn put_back(remedies: &[Remedy], wanted: ServiceName, current: Option<u32>) -> Option<u32> {
    remedies.iter().find_map(|remedy| match remedy.effect {
        Effect::PutBack { service, from, to } => {
            (service == wanted && current == Some(from)).then_some(to)
        }
        Effect::Boost { .. } | Effect::HoldOpen { .. } => None,
    })
}

const fn hold_open(settings: &mut ServiceSettings, client: ForceBreakerOpenClient) {
    match (settings, client) {
        (ServiceSettings::LoanApi(settings), ForceBreakerOpenClient::Scoring) => {
            settings.clients.scoring.circuit_breaker.mode = BreakerMode::ForcedOpen;
        }
        (ServiceSettings::Scoring(settings), ForceBreakerOpenClient::Provider) => {
            settings.provider.circuit_breaker.mode = BreakerMode::ForcedOpen;
        }
        _ => {}
    }
}
