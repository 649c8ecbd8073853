//! Looking: everything of one platform, read in one round.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schema::names::{PlatformName, ServiceName};
use schema::platform::{AlarmName, Mode};
use schema::settings::ServiceSettings;
use schema::status::Phase;
use tokio::time::timeout;

use crate::conditions::with_causes;
use crate::observed::{Observed, ObservedSettings};
use crate::ports::{
    BakeEvidence, DashboardState, Documents, ObservedAlarm, ObservedService, PortError, Seen,
    Urgency,
};
use crate::reconcile::Context;
use crate::state::PlatformState;

/// How long a look waits for what is known of the dashboard.
const DASHBOARD_PATIENCE: Duration = Duration::from_secs(2);

/// Reads everything of one platform.
pub(crate) async fn observe(
    context: &Context,
    state: &PlatformState,
    urgency: Urgency,
) -> Result<Observed, PortError> {
    let platforms = BTreeSet::from([state.platform.clone()]);
    let services = context.compute.observe(&platforms, urgency).await?;
    let mut observed = Observed {
        services: by_service(services.found),
        settings: observe_settings(context.documents.as_ref(), &state.platform).await?,
        rehearsal: context
            .rehearsals
            .of(context.compute.as_ref(), state, urgency)
            .await?,
        dashboard: observe_dashboard(context, state, urgency).await,
        ..Observed::nothing(services.at)
    };
    match observe_guards(context, state, &platforms, urgency).await {
        Ok((alarms, evidence)) => {
            // By then all of it was seen: nothing that was found is from later.
            observed.at = observed.at.max(alarms.at);
            observed.alarms = by_name(alarms.found);
            observed.evidence = evidence;
        }
        // Services are kept as they should be all the same; only judging waits.
        Err(error) => observed.blind = Some(with_causes(&error)),
    }
    Ok(observed)
}

/// Whatever fails here keeps nothing else from being seen, and no rollback waits for it.
async fn observe_dashboard(
    context: &Context,
    state: &PlatformState,
    urgency: Urgency,
) -> DashboardState {
    if urgency == Urgency::Rollback {
        return DashboardState::Unknown;
    }
    let platform = &state.platform;
    let accepted = state.accepted.as_ref().map(|accepted| &accepted.spec);
    let in_force = accepted.filter(|spec| spec.mode != Mode::Suspend);
    let in_force = in_force.or(state.enforced.as_ref());
    let wanted = in_force.is_some_and(|spec| spec.dashboard);
    let asked = context.alarms.dashboard(platform, wanted);
    match timeout(DASHBOARD_PATIENCE, asked).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            let cause = &error as &dyn std::error::Error;
            tracing::warn!(%platform, cause, "The dashboard cannot be read for now.");
            DashboardState::Unknown
        }
        Err(_) => DashboardState::Unknown,
    }
}

async fn observe_guards(
    context: &Context,
    state: &PlatformState,
    platforms: &BTreeSet<PlatformName>,
    urgency: Urgency,
) -> Result<(Seen<ObservedAlarm>, BakeEvidence), PortError> {
    let alarms = context.alarms.observe(platforms, urgency).await?;
    Ok((alarms, observe_bake(context, state, urgency).await?))
}

pub(crate) fn by_service(services: Vec<ObservedService>) -> BTreeMap<ServiceName, ObservedService> {
    services
        .into_iter()
        .map(|found| (found.service, found))
        .collect()
}

pub(crate) fn by_name(alarms: Vec<ObservedAlarm>) -> BTreeMap<AlarmName, ObservedAlarm> {
    alarms
        .into_iter()
        .map(|found| (found.definition.name.clone(), found))
        .collect()
}

pub(crate) async fn observe_settings(
    documents: &dyn Documents,
    platform: &PlatformName,
) -> Result<BTreeMap<ServiceName, ObservedSettings>, PortError> {
    let mut settings = BTreeMap::new();
    for service in ServiceName::ALL {
        if let Some(found) = documents.get(&settings_path(platform, service)).await? {
            let document = ServiceSettings::read(service, &found.bytes).ok();
            settings.insert(
                service,
                ObservedSettings {
                    version: found.version,
                    document,
                },
            );
        }
    }
    Ok(settings)
}

async fn observe_bake(
    context: &Context,
    state: &PlatformState,
    urgency: Urgency,
) -> Result<BakeEvidence, PortError> {
    let bakes = matches!(state.scoring.phase, Phase::Baking | Phase::Inconclusive);
    match state
        .scoring
        .change
        .as_ref()
        .and_then(|change| change.effective_at)
    {
        Some(since) if bakes => {
            let alarms = &context.alarms;
            alarms.evidence(&state.platform, since, urgency).await
        }
        _ => Ok(BakeEvidence::default()),
    }
}

/// Where the settings of `service` lie.
#[must_use]
pub fn settings_path(platform: &PlatformName, service: ServiceName) -> String {
    format!("settings/{platform}/{service}.json")
}
