//! The spec's value and the temporary one, as a field change.

use schema::LoanPlatformSpec;
use schema::names::ServiceName;
use schema::platform::{BreakerMode, ForceBreakerOpenClient};
use schema::revision::FieldChange;

use super::remedy::Effect;
use crate::state::PlatformState;

/// What `effect` makes of the spec's value; nothing for what puts things back.
pub(super) fn change(
    state: &PlatformState,
    spec: &LoanPlatformSpec,
    effect: Effect,
) -> Option<FieldChange> {
    match effect {
        Effect::Boost { service, count, .. } => Some(self::count(spec, service, count)),
        Effect::HoldOpen { client } => Some(breaker(state, spec, client)),
        Effect::PutBack { .. } => None,
    }
}

/// From the spec's count of `service` to `count`: its least one where it scales by itself.
pub(super) fn count(spec: &LoanPlatformSpec, service: ServiceName, count: u32) -> FieldChange {
    let workload = spec.services.workload(service);
    let scaling = workload.as_ref().and_then(|workload| workload.scaling);
    let (field, spec_value) = match scaling {
        Some(scaling) => ("scaling.minCapacity", Some(scaling.min_capacity)),
        None => (
            "desiredCount",
            workload.and_then(|workload| workload.desired_count),
        ),
    };
    FieldChange {
        path: format!("services.{}.{field}", service.spec_key()),
        from: spec_value.map(|value| value.to_string()),
        to: Some(count.to_string()),
    }
}

/// From the breaker mode in force to `ForcedOpen`.
pub(super) fn breaker(
    state: &PlatformState,
    spec: &LoanPlatformSpec,
    client: ForceBreakerOpenClient,
) -> FieldChange {
    let path = match client {
        ForceBreakerOpenClient::Scoring => "services.loanApi.clients.scoring",
        ForceBreakerOpenClient::Provider => "services.scoring.clients.provider",
    };
    let mode = breaker_mode(state, spec, client);
    FieldChange {
        path: format!("{path}.circuitBreaker.mode"),
        from: Some(format!("{mode:?}")),
        to: Some(format!("{:?}", BreakerMode::ForcedOpen)),
    }
}

/// The mode of the breaker under the scoring revision in force.
pub(super) fn breaker_mode(
    state: &PlatformState,
    spec: &LoanPlatformSpec,
    client: ForceBreakerOpenClient,
) -> BreakerMode {
    let revision = state.scoring.settings_revision();
    let settings = revision.map(|revision| &revision.settings);
    let breaker = match client {
        ForceBreakerOpenClient::Scoring => settings.map_or(
            spec.services.loan_api.clients.scoring.circuit_breaker,
            |settings| settings.loan_api_client.circuit_breaker,
        ),
        ForceBreakerOpenClient::Provider => settings.map_or(
            spec.services.scoring.clients.provider.circuit_breaker,
            |settings| settings.clients.provider.circuit_breaker,
        ),
    };
    breaker.mode
}
