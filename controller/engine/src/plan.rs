//! The plan: which calls would make reality match, in which order.

use std::fmt;

use schema::names::{PlatformName, ServiceName};
use schema::platform::{AlarmName, Mode};
use schema::settings::{ServiceSettings, SettingsDocument};

use crate::desired::Desired;
use crate::observed::{Observed, ObservedSettings};
use crate::ports::{AlarmDefinition, Expected, ObservedService, ServiceChange, ServiceDefinition};
use crate::state::ScoringState;

/// One mutating call.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "a plan holds a handful of actions for a moment"
)]
pub enum Action {
    /// Write an alarm's definition.
    PutAlarm(AlarmDefinition),
    /// Remove an alarm.
    DeleteAlarm(AlarmName),
    /// Write a service's settings.
    PutSettings {
        /// The document.
        document: SettingsDocument<ServiceSettings>,
        /// What must lie there.
        expected: Expected,
    },
    /// Remove a service's settings.
    DeleteSettings(ServiceName),
    /// Change a service.
    Service(ServiceChange),
}

/// The calls to make, in their order.
///
/// Guards come before risk: alarms first, then new and growing services, then settings and
/// deployments, scoring last, and what shrinks or goes away at the very end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The calls.
    pub actions: Vec<Action>,
}

/// What a plan is made under.
#[derive(Clone, Copy, Debug)]
pub struct PlanContext<'a> {
    /// The platform.
    pub platform: &'a PlatformName,
    /// The rollout: gating alarms are not edited while a change is being judged.
    pub scoring: &'a ScoringState,
    /// `(epoch, sequence)` for settings documents that this plan writes.
    pub settings_order: (u64, u64),
}

/// The calls that would make `observed` match `desired`.
#[must_use]
pub fn plan(context: PlanContext<'_>, desired: &Desired, observed: &Observed) -> Plan {
    let mut actions = alarm_puts(context, desired, observed);
    let mut services = service_changes(desired, observed);
    services.sort_by_key(rank);
    let (shrinking, growing): (Vec<_>, Vec<_>) = services
        .into_iter()
        .partition(|(_, stage)| *stage == Stage::Shrink);
    actions.extend(settings_puts(context, desired, observed));
    actions.extend(
        growing
            .into_iter()
            .map(|(change, _)| Action::Service(change)),
    );
    actions.extend(
        shrinking
            .into_iter()
            .map(|(change, _)| Action::Service(change)),
    );
    actions.extend(removals(context, desired, observed));
    Plan { actions }
}

/// The calls that remove everything of a platform, the services that depend on others first.
#[must_use]
pub fn plan_removal(platform: &PlatformName, observed: &Observed) -> Plan {
    let services = ServiceName::ALL.into_iter().rev();
    let services = services
        .filter(|service| observed.services.contains_key(service))
        .map(|service| {
            Action::Service(ServiceChange::Delete {
                platform: platform.clone(),
                service,
            })
        });
    let alarms = observed.alarms.keys().cloned().map(Action::DeleteAlarm);
    let settings = observed
        .settings
        .keys()
        .copied()
        .map(Action::DeleteSettings);
    Plan {
        actions: services.chain(alarms).chain(settings).collect(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Create,
    Grow,
    Deploy,
    Shrink,
}

fn rank((change, stage): &(ServiceChange, Stage)) -> (Stage, bool) {
    (*stage, change.service() == ServiceName::Scoring)
}

fn service_changes(desired: &Desired, observed: &Observed) -> Vec<(ServiceChange, Stage)> {
    let mut changes = Vec::new();
    for definition in &desired.services {
        match observed.services.get(&definition.service) {
            None => changes.push((ServiceChange::Create(definition.clone()), Stage::Create)),
            Some(found) => changes.extend(differences(definition, found)),
        }
    }
    changes
}

fn differences(
    definition: &ServiceDefinition,
    found: &ObservedService,
) -> impl Iterator<Item = (ServiceChange, Stage)> {
    let (platform, service) = (&definition.platform, definition.service);
    let deploy = (definition.template != found.template).then(|| {
        let template = definition.template.clone();
        (
            ServiceChange::Deploy {
                platform: platform.clone(),
                service,
                template,
            },
            Stage::Deploy,
        )
    });
    let count = wanted_count(definition, found.desired_count);
    let scaling = definition.scaling;
    let scale = (count != found.desired_count || scaling != found.scaling).then(|| {
        let stage = if count < found.desired_count {
            Stage::Shrink
        } else {
            Stage::Grow
        };
        (
            ServiceChange::Scale {
                platform: platform.clone(),
                service,
                count,
                scaling,
            },
            stage,
        )
    });
    scale.into_iter().chain(deploy)
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

fn alarm_puts(context: PlanContext<'_>, desired: &Desired, observed: &Observed) -> Vec<Action> {
    let wanted = desired.alarms.iter().filter(|definition| {
        let found = observed.alarms.get(&definition.name);
        let missing = found.is_none();
        let differs = found.is_some_and(|alarm| &alarm.definition != *definition);
        missing || (differs && !is_gating_now(context.scoring, &definition.name))
    });
    wanted.cloned().map(Action::PutAlarm).collect()
}

/// Whether `alarm` is judging a change right now. Editing it then would blur the verdict.
fn is_gating_now(scoring: &ScoringState, alarm: &AlarmName) -> bool {
    scoring.is_moving()
        && scoring
            .change
            .as_ref()
            .is_some_and(|change| change.baseline.contains_key(alarm))
}

fn settings_puts(context: PlanContext<'_>, desired: &Desired, observed: &Observed) -> Vec<Action> {
    let (epoch, sequence) = context.settings_order;
    let mut puts = Vec::new();
    // Scoring comes last: what others need to judge it is in place by then.
    let (scoring, others): (Vec<_>, Vec<_>) = desired
        .settings
        .iter()
        .partition(|(service, _)| **service == ServiceName::Scoring);
    for (service, settings) in others.into_iter().chain(scoring) {
        let found = observed.settings.get(service);
        if found.is_some_and(|found| says(found, settings, desired, *service)) {
            continue;
        }
        let document = SettingsDocument {
            platform: context.platform.clone(),
            service: *service,
            epoch,
            sequence,
            revision: settings.revision(),
            scoring_revision: desired.scoring_revision.to_string(),
            settings: settings.clone(),
        };
        puts.push(Action::PutSettings {
            document,
            expected: expected(found),
        });
    }
    puts
}

fn says(
    found: &ObservedSettings,
    settings: &ServiceSettings,
    desired: &Desired,
    service: ServiceName,
) -> bool {
    let Some(document) = &found.document else {
        return false;
    };
    let same_scoring_revision = document.scoring_revision == desired.scoring_revision.0;
    document.settings == *settings && (same_scoring_revision || !scores(service))
}

/// Whether `service` stores or reports which scoring revision it works under.
const fn scores(service: ServiceName) -> bool {
    matches!(service, ServiceName::LoanApi | ServiceName::Scoring)
}

fn expected(found: Option<&ObservedSettings>) -> Expected {
    found.map_or(Expected::Absent, |found| {
        Expected::Version(found.version.clone())
    })
}

fn removals(context: PlanContext<'_>, desired: &Desired, observed: &Observed) -> Vec<Action> {
    let wanted = |service: &ServiceName| desired.settings.contains_key(service);
    let services = observed
        .services
        .keys()
        .filter(|service| !wanted(service))
        .map(|service| {
            Action::Service(ServiceChange::Delete {
                platform: context.platform.clone(),
                service: *service,
            })
        });
    let settings = observed.settings.keys().filter(|service| !wanted(service));
    let alarms = observed.alarms.keys().filter(|name| {
        desired
            .alarms
            .iter()
            .all(|definition| &definition.name != *name)
            && !is_gating_now(context.scoring, name)
    });
    services
        .chain(settings.copied().map(Action::DeleteSettings))
        .chain(alarms.cloned().map(Action::DeleteAlarm))
        .collect()
}

/// Whether `action` is part of taking a scoring change back, which nothing may hold up.
fn is_rollback(action: &Action, scoring: &ScoringState) -> bool {
    if !scoring.is_taking_back() {
        return false;
    }
    match action {
        Action::PutSettings { document, .. } => scores(document.service),
        Action::Service(ServiceChange::Deploy { service, .. }) => *service == ServiceName::Scoring,
        _ => false,
    }
}

impl Plan {
    /// Whether nothing would be called.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// What of the plan `mode` permits. Taking a change back is always permitted.
    #[must_use]
    pub fn permitted(mut self, mode: Mode, scoring: &ScoringState) -> Self {
        if mode == Mode::Observe {
            self.actions.retain(|action| is_rollback(action, scoring));
        }
        self
    }

    /// With the calls that take a change back before all others: one that fails ends the round, and
    /// none may hold a rollback up.
    #[must_use]
    pub fn with_rollback_first(mut self, scoring: &ScoringState) -> Self {
        self.actions
            .sort_by_key(|action| !is_rollback(action, scoring));
        self
    }

    /// Whether a settings document would be written.
    #[must_use]
    pub fn writes_settings(&self) -> bool {
        self.actions
            .iter()
            .any(|action| matches!(action, Action::PutSettings { .. }))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions: Vec<String> = self.actions.iter().map(ToString::to_string).collect();
        f.write_str(&actions.join(", "))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PutAlarm(alarm) => write!(f, "write alarm {}", alarm.name),
            Self::DeleteAlarm(name) => write!(f, "remove alarm {name}"),
            Self::PutSettings { document, .. } => {
                write!(
                    f,
                    "write settings {} of {}",
                    document.revision, document.service
                )
            }
            Self::DeleteSettings(service) => write!(f, "remove settings of {service}"),
            Self::Service(change) => change.fmt(f),
        }
    }
}
