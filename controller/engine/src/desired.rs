//! What a platform should look like, worked out from its spec and the revisions in force.

use std::collections::BTreeMap;

use schema::LoanPlatformSpec;
use schema::names::{PlatformName, ServiceName};
use schema::platform::{Alarm, AlarmAction};
use schema::revision::{RevisionDigest, ScoringRevision};
use schema::settings::ServiceSettings;

use crate::ports::{AlarmDefinition, AlarmSource, ServiceDefinition, TaskTemplate};
use crate::state::ScoringState;

/// What a platform should look like.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// The services, those first that others depend on.
    pub services: Vec<ServiceDefinition>,
    /// The settings of each service.
    pub settings: BTreeMap<ServiceName, ServiceSettings>,
    /// Digest of the scoring revision that the settings belong to.
    pub scoring_revision: RevisionDigest,
    /// The alarms.
    pub alarms: Vec<AlarmDefinition>,
    /// Whether there is to be a dashboard.
    pub dashboard: bool,
}

/// What `platform` should look like under `spec`, with scoring as the rollout has it.
///
/// Nothing until a first scoring revision is in force.
#[must_use]
pub fn desired(
    platform: &PlatformName,
    spec: &LoanPlatformSpec,
    scoring: &ScoringState,
) -> Option<Desired> {
    let image = scoring.image_revision()?;
    let settings = scoring.settings_revision()?;
    Some(Desired {
        services: services(platform, spec, image),
        settings: ServiceName::ALL
            .into_iter()
            .filter_map(|service| {
                ServiceSettings::of(service, spec, settings).map(|settings| (service, settings))
            })
            .collect(),
        scoring_revision: scoring.settings.clone()?,
        alarms: spec
            .alarms
            .iter()
            .filter_map(|alarm| definition(platform, alarm))
            .collect(),
        dashboard: spec.dashboard,
    })
}

fn services(
    platform: &PlatformName,
    spec: &LoanPlatformSpec,
    image: &ScoringRevision,
) -> Vec<ServiceDefinition> {
    let define = |service| {
        let workload = spec.services.workload(service)?;
        let template = if service == ServiceName::Scoring {
            TaskTemplate::of(&image.image)
        } else {
            TaskTemplate {
                image: workload.image,
                cpu: workload.cpu,
                memory: workload.memory,
            }
        };
        Some(ServiceDefinition {
            platform: platform.clone(),
            service,
            template,
            count: workload.desired_count.map(schema::units::Whole::get),
            scaling: workload.scaling,
        })
    };
    ServiceName::ALL.into_iter().filter_map(define).collect()
}

/// The full definition of a spec's alarm; nothing for one that names neither signal nor metric,
/// which validation refuses.
#[must_use]
pub fn definition(platform: &PlatformName, alarm: &Alarm) -> Option<AlarmDefinition> {
    let source = match (alarm.signal, &alarm.metric) {
        (Some(signal), _) => AlarmSource::Signal {
            signal,
            service: alarm.service,
        },
        (None, Some(metric)) => AlarmSource::Metric(metric.clone()),
        (None, None) => return None,
    };
    Some(AlarmDefinition {
        platform: platform.clone(),
        name: alarm.name.clone(),
        source,
        comparison: alarm.comparison,
        threshold: alarm.threshold,
        period_ms: alarm.period.as_millis(),
        evaluation_periods: alarm.evaluation_periods.get(),
        datapoints_to_alarm: alarm.datapoints_to_alarm(),
        min_samples: alarm.min_samples.get(),
        treat_missing_data: alarm.treat_missing_data,
        notifies: alarm.on_alarm.contains(&AlarmAction::Notify),
    })
}
