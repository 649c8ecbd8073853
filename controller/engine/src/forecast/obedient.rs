//! A world that does at once what it is asked for, keeps no secrets, and lets no alarm fire.

use jiff::Timestamp;
use schema::settings::SettingsDocument;
use schema::status::{AlarmState, TaskHealth, TaskStatus};

use crate::observed::{Observed, ObservedSettings};
use crate::plan::Action;
use crate::ports::{
    DashboardState, DeploymentState, DocumentVersion, ObservedAlarm, ObservedDeployment,
    ObservedService, ObservedTask, ServiceChange, ServiceDefinition, TaskTemplate,
};

/// Does what `action` asks for, at `at`.
pub(crate) fn obey(world: &mut Observed, action: &Action, at: Timestamp) {
    match action {
        Action::PutAlarm(definition) => {
            let alarm = ObservedAlarm {
                definition: definition.clone(),
                state: AlarmState::Ok,
                since: at,
                configured_at: at,
                value: None,
                last_firing: None,
                judged_since: at,
                muted: false,
            };
            world.alarms.insert(definition.name.clone(), alarm);
        }
        Action::DeleteAlarm(name) => drop(world.alarms.remove(name)),
        Action::PutSettings { document, .. } => {
            let settings = ObservedSettings {
                version: DocumentVersion(document.revision.clone()),
                document: Some(document.clone()),
            };
            world.settings.insert(document.service, settings);
        }
        Action::DeleteSettings(service) => drop(world.settings.remove(service)),
        Action::Service(change) => change_service(world, change),
        Action::Dashboard { wanted: true } => world.dashboard = DashboardState::AsWanted,
        Action::Dashboard { wanted: false } => world.dashboard = DashboardState::Absent,
    }
}

/// Every task that is wanted runs, and has its service's settings.
pub(crate) fn settle_tasks(world: &mut Observed, at: Timestamp) {
    for found in world.services.values_mut() {
        let settings = world.settings.get(&found.service);
        let document = settings.and_then(|settings| settings.document.as_ref());
        let task = |index| ObservedTask {
            status: TaskStatus {
                id: format!("{}-{index}", found.service),
                address: None,
                pid: None,
                started_at: at,
                health: TaskHealth::Healthy,
                settings_revision: document.map(|document| document.revision.clone()),
            },
            settings: document.map(SettingsDocument::order),
        };
        found.tasks = (0..found.desired_count).map(task).collect();
    }
}

fn change_service(world: &mut Observed, change: &ServiceChange) {
    match change {
        ServiceChange::Create(definition) => {
            world
                .services
                .insert(definition.service, created(definition));
        }
        ServiceChange::Delete { service, .. } => drop(world.services.remove(service)),
        ServiceChange::Deploy { template, .. } => {
            if let Some(found) = world.services.get_mut(&change.service()) {
                found.template = template.clone();
                found.deployment = deployment(template);
                // What its home decides comes with it.
                found.drift.clear();
            }
        }
        ServiceChange::Scale { count, scaling, .. } => {
            if let Some(found) = world.services.get_mut(&change.service()) {
                found.desired_count = *count;
                found.scaling = *scaling;
            }
        }
        ServiceChange::Repair { .. } => {
            if let Some(found) = world.services.get_mut(&change.service()) {
                found.drift.clear();
            }
        }
    }
}

fn created(definition: &ServiceDefinition) -> ObservedService {
    ObservedService {
        platform: definition.platform.clone(),
        service: definition.service,
        template: definition.template.clone(),
        desired_count: definition.count.unwrap_or(1),
        scaling: definition.scaling,
        drift: Vec::new(),
        restarts: 0,
        deployment: deployment(&definition.template),
        tasks: Vec::new(),
        summary: None,
        endpoint: None,
    }
}

fn deployment(template: &TaskTemplate) -> ObservedDeployment {
    ObservedDeployment {
        id: template.image.to_string(),
        state: DeploymentState::Completed,
    }
}
