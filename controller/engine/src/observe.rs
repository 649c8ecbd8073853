//! Looking: everything of one platform, read in one round.

use std::collections::{BTreeMap, BTreeSet};

use schema::names::{PlatformName, ServiceName};
use schema::status::Phase;

use crate::observed::{Observed, ObservedSettings};
use crate::ports::{BakeEvidence, Documents, PortError};
use crate::reconcile::Context;
use crate::state::PlatformState;

/// Reads everything of one platform.
pub(crate) async fn observe(
    context: &Context,
    state: &PlatformState,
) -> Result<Observed, PortError> {
    let platforms = BTreeSet::from([state.platform.clone()]);
    let services = context.compute.observe(&platforms).await?;
    let alarms = context.alarms.observe(&platforms).await?;
    Ok(Observed {
        services: services
            .into_iter()
            .map(|found| (found.service, found))
            .collect(),
        alarms: alarms
            .into_iter()
            .map(|found| (found.definition.name.clone(), found))
            .collect(),
        settings: observe_settings(context.documents.as_ref(), &state.platform).await?,
        evidence: observe_bake(context, state).await?,
    })
}

pub(crate) async fn observe_settings(
    documents: &dyn Documents,
    platform: &PlatformName,
) -> Result<BTreeMap<ServiceName, ObservedSettings>, PortError> {
    let mut settings = BTreeMap::new();
    for service in ServiceName::ALL {
        if let Some(found) = documents.get(&settings_path(platform, service)).await? {
            let document = serde_json::from_slice(&found.bytes).ok();
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

async fn observe_bake(context: &Context, state: &PlatformState) -> Result<BakeEvidence, PortError> {
    let bakes = matches!(state.scoring.phase, Phase::Baking | Phase::Inconclusive);
    match state
        .scoring
        .change
        .as_ref()
        .and_then(|change| change.effective_at)
    {
        Some(since) if bakes => context.alarms.evidence(&state.platform, since).await,
        _ => Ok(BakeEvidence::default()),
    }
}

/// Where the settings of `service` lie.
#[must_use]
pub fn settings_path(platform: &PlatformName, service: ServiceName) -> String {
    format!("settings/{platform}/{service}.json")
}
