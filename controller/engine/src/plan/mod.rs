//! The plan: which calls would make reality match, in which order, and why.

mod action;
mod alarms;
mod dashboard;
mod repairs;
mod services;
mod settings;

use std::fmt;

use schema::names::{PlatformName, ServiceName};
use schema::platform::Mode;

use crate::desired::Desired;
use crate::observed::Observed;
use crate::ports::ServiceChange;
use crate::state::ScoringState;
pub use action::{Action, Step};
use services::Stage;

/// The calls to make, in their order.
///
/// Guards come before risk: alarms first, then settings, then new and growing services and
/// deployments, scoring last, then what shrinks or goes away, and at the very end what the home of a service
/// repairs, and its dashboard. Taking a change back comes before everything: nothing that fails may stand in its way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The calls.
    pub steps: Vec<Step>,
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
    let scoring = context.scoring;
    let mut steps = alarms::puts(context, desired, observed);
    let (shrinking, growing): (Vec<_>, Vec<_>) = services::changes(desired, observed, scoring)
        .into_iter()
        .partition(|(stage, _)| *stage == Stage::Shrink);
    steps.extend(settings::puts(context, desired, observed));
    steps.extend(growing.into_iter().map(|(_, step)| step));
    if !scoring.is_taking_back() {
        // While a change is taken back no count is lowered, whoever asks for it.
        steps.extend(shrinking.into_iter().map(|(_, step)| step));
        steps.extend(removals(context, desired, observed));
    }
    steps.extend(repairs::repairs(desired, observed, scoring));
    if !scoring.is_taking_back() {
        steps.extend(dashboard::change(desired, observed));
    }
    steps.sort_by_key(|step| !is_rollback(&step.action, scoring));
    Plan { steps }
}

/// The calls that remove everything of a platform, the services that depend on others first.
#[must_use]
pub fn plan_removal(platform: &PlatformName, observed: &Observed) -> Plan {
    let services = ServiceName::ALL.into_iter().rev();
    let services = services
        .filter(|service| observed.services.contains_key(service))
        .map(|service| remove(platform, service));
    let alarms = observed.alarms.keys().cloned().map(Action::DeleteAlarm);
    let settings = observed
        .settings
        .keys()
        .copied()
        .map(Action::DeleteSettings);
    let actions = services.chain(alarms).chain(settings);
    let actions = actions.chain(dashboard::removal(observed));
    Plan {
        steps: actions.map(Step::whole).collect(),
    }
}

fn removals(context: PlanContext<'_>, desired: &Desired, observed: &Observed) -> Vec<Step> {
    let is_wanted = |service: &ServiceName| desired.settings.contains_key(service);
    let services = observed
        .services
        .keys()
        .filter(|service| !is_wanted(service))
        .map(|service| remove(context.platform, *service));
    let settings = observed
        .settings
        .keys()
        .filter(|service| !is_wanted(service))
        .map(|service| Action::DeleteSettings(*service));
    services
        .chain(settings)
        .map(Step::whole)
        .chain(alarms::removals(context, desired, observed))
        .collect()
}

fn remove(platform: &PlatformName, service: ServiceName) -> Action {
    Action::Service(ServiceChange::Delete {
        platform: platform.clone(),
        service,
    })
}

/// Whether `action` is part of taking a scoring change back, which nothing may hold up.
fn is_rollback(action: &Action, scoring: &ScoringState) -> bool {
    if !scoring.is_taking_back() {
        return false;
    }
    match action {
        Action::PutSettings { document, .. } => settings::scores(document.service),
        Action::Service(ServiceChange::Deploy { service, .. }) => *service == ServiceName::Scoring,
        _ => false,
    }
}

impl Plan {
    /// Whether nothing would be called.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Fields that it would change; what it makes or removes as a whole counts as one.
    #[must_use]
    pub fn differences(&self) -> usize {
        let fields = self.steps.iter().map(|step| step.drift.len().max(1));
        fields.sum()
    }

    /// What of the plan `mode` permits. Taking a change back is always permitted.
    #[must_use]
    pub fn permitted(mut self, mode: Mode, scoring: &ScoringState) -> Self {
        if mode == Mode::Observe {
            self.steps.retain(|step| is_rollback(&step.action, scoring));
        }
        self
    }

    /// Whether a service would be changed otherwise than by bringing scoring to another revision: what alarms say of a
    /// change that is judged meanwhile may be that one's doing.
    #[must_use]
    pub fn changes_services_beside_the_rollout(&self) -> bool {
        self.steps.iter().any(|step| match &step.action {
            Action::Service(ServiceChange::Deploy { service, .. }) => {
                *service != ServiceName::Scoring
            }
            Action::Service(_) => true,
            _ => false,
        })
    }

    /// Whether a settings document would be written.
    #[must_use]
    pub fn writes_settings(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step.action, Action::PutSettings { .. }))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<String> = self.steps.iter().map(ToString::to_string).collect();
        f.write_str(&steps.join(", "))
    }
}
