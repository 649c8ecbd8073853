//! The report: for every part of a platform, what it still waits for and why.

use schema::names::ServiceName;

use crate::desired::Desired;
use crate::observed::Observed;
use crate::plan::Plan;
use crate::ports::{DeploymentState, ObservedService, ServiceDefinition};

/// What a platform waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What is on its way, in words.
    pub waiting: Vec<String>,
    /// What will not happen until a person changes something, in words.
    pub stuck: Vec<String>,
}

impl Report {
    /// Whether everything is as it should be.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.waiting.is_empty() && self.stuck.is_empty()
    }

    /// The first thing waited for, in words.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.stuck
            .first()
            .or_else(|| self.waiting.first())
            .map(String::as_str)
    }
}

/// What `desired` still waits for, given what was found and what is about to be done.
#[must_use]
pub fn report(desired: &Desired, observed: &Observed, plan: &Plan) -> Report {
    let mut report = Report::default();
    report
        .waiting
        .extend(plan.actions.iter().map(ToString::to_string));
    for definition in &desired.services {
        if let Some(found) = observed.services.get(&definition.service) {
            tell_of_service(definition, found, &mut report);
            tell_of_settings(definition.service, observed, &mut report);
        }
    }
    report
}

fn tell_of_service(definition: &ServiceDefinition, found: &ObservedService, report: &mut Report) {
    let service = definition.service;
    match &found.deployment.state {
        DeploymentState::Failed { reason } => {
            report.stuck.push(format!(
                "{service} cannot run {}: {reason}",
                found.template.image
            ));
        }
        DeploymentState::InProgress => report.waiting.push(format!(
            "{service} is being brought to {}",
            found.template.image
        )),
        DeploymentState::Completed => {
            let (running, wanted) = (found.running(), found.desired_count as usize);
            if running != wanted {
                report
                    .waiting
                    .push(format!("{service} has {running} of {wanted} tasks running"));
            }
        }
    }
}

fn tell_of_settings(service: ServiceName, observed: &Observed, report: &mut Report) {
    if !observed.settings_are_live(service) {
        report.waiting.push(format!(
            "{service} has not taken its settings on every task"
        ));
    }
}
