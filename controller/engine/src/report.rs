//! The report: for every part of a platform, what it still waits for and why.

use schema::names::ServiceName;

use crate::desired::Desired;
use crate::observed::Observed;
use crate::plan::{Action, Plan, Step};
use crate::ports::{DeploymentState, ObservedService, ServiceDefinition};

/// What a platform waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    notes: Vec<Note>,
}

/// One thing that a platform waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Note {
    /// The service whose tasks it is about.
    service: Option<ServiceName>,
    /// Whether it will not happen until a person changes something.
    stuck: bool,
    text: String,
}

impl Report {
    /// Whether everything is as it should be.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.notes.is_empty()
    }

    /// Whether something is on its way.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        self.notes.iter().any(|note| !note.stuck)
    }

    /// The first thing waited for, in words; what is stuck before what is on its way.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.stuck()
            .or_else(|| self.notes.first().map(|note| note.text.as_str()))
    }

    /// The first thing that will not happen until a person changes something, in words.
    #[must_use]
    pub fn stuck(&self) -> Option<&str> {
        self.notes
            .iter()
            .find(|note| note.stuck)
            .map(|note| note.text.as_str())
    }

    /// All of it, in words.
    #[must_use]
    pub fn text(&self) -> String {
        self.notes
            .iter()
            .map(|note| note.text.as_str())
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// The first thing waited for beside scoring's own tasks: a scoring change must be able to mend
    /// scoring, so it does not wait for it to be well.
    #[must_use]
    pub fn beside_scoring(&self) -> Option<&str> {
        let others = |note: &&Note| note.service != Some(ServiceName::Scoring);
        self.notes
            .iter()
            .find(others)
            .map(|note| note.text.as_str())
    }

    /// Adds something that will not happen until a person changes something.
    pub fn add_stuck(&mut self, text: impl Into<String>) {
        self.notes.push(Note {
            service: None,
            stuck: true,
            text: text.into(),
        });
    }

    fn add_waiting(&mut self, service: Option<ServiceName>, text: String) {
        self.notes.push(Note {
            service,
            stuck: false,
            text,
        });
    }
}

/// What `desired` still waits for, given what was found and what is about to be done.
#[must_use]
pub fn report(desired: &Desired, observed: &Observed, plan: &Plan) -> Report {
    let mut report = Report::default();
    // Nothing waits for a dashboard: neither a platform to be ready nor a change to begin.
    let is_waited_for = |step: &&Step| !matches!(step.action, Action::Dashboard { .. });
    for step in plan.steps.iter().filter(is_waited_for) {
        report.add_waiting(None, step.to_string());
    }
    for definition in &desired.services {
        if let Some(found) = observed.services.get(&definition.service) {
            tell_of_tasks(definition, found, &mut report);
            tell_of_settings(definition.service, observed, &mut report);
        }
    }
    report
}

fn tell_of_tasks(definition: &ServiceDefinition, found: &ObservedService, report: &mut Report) {
    let service = definition.service;
    let image = &found.template.image;
    match &found.deployment.state {
        DeploymentState::Failed { reason } => {
            let text = format!("{service} cannot run {image}: {reason}");
            report.notes.push(Note {
                service: Some(service),
                stuck: true,
                text,
            });
        }
        DeploymentState::InProgress => {
            report.add_waiting(
                Some(service),
                format!("{service} is being brought to {image}"),
            );
        }
        DeploymentState::Completed | DeploymentState::RolledBack { .. } => {
            let (running, wanted) = (found.running(), found.desired_count as usize);
            if running != wanted {
                let text = format!("{service} has {running} of {wanted} tasks running");
                report.add_waiting(Some(service), text);
            }
        }
    }
}

fn tell_of_settings(service: ServiceName, observed: &Observed, report: &mut Report) {
    if !observed.settings_are_live(service) {
        let text = format!("{service} has not taken its settings on every task");
        report.add_waiting(Some(service), text);
    }
}
