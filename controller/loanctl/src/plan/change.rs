//! One call as a change of one thing: made, changed or removed, and what that means for what runs.

use engine::plan::{Action, Step};
use engine::ports::{AlarmDefinition, Expected, ServiceChange, ServiceDefinition};
use schema::revision::FieldChange;
use serde::Serialize;

/// What becomes of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Kind {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is removed.
    Delete,
}

/// What a change means for what runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Effect {
    /// Every task is replaced by a new one: an ECS deployment.
    Deployment,
    /// Running tasks take it within seconds.
    Live,
    /// Tasks are started or stopped; the others go on.
    Count,
    /// Nothing that runs is touched.
    Beside,
}

/// A change of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Change {
    pub(super) kind: Kind,
    /// The thing: `settings of scoring`.
    pub(super) resource: String,
    pub(super) effect: Effect,
    /// What it is like where it is made; empty otherwise.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) summary: String,
    /// The fields that change.
    pub(super) fields: Vec<FieldChange>,
}

impl Change {
    pub(super) fn of(step: &Step) -> Self {
        let (kind, effect) = nature(step);
        let summary = match kind {
            Kind::Create => summary(&step.action),
            Kind::Update | Kind::Delete => String::new(),
        };
        Self {
            kind,
            resource: resource(&step.action),
            effect,
            summary,
            fields: step.drift.iter().map(shortened).collect(),
        }
    }
}

/// What a repair puts back that only new tasks have: ECS replaces all of them for it.
const TAKEN_BY_NEW_TASKS: [&str; 4] = [
    "taskDefinition",
    "network",
    "serviceConnect",
    "loadBalancer",
];

fn replaces_tasks(repaired: &[FieldChange]) -> bool {
    repaired.iter().any(|field| {
        let part = field.path.split('.').next().unwrap_or_default();
        TAKEN_BY_NEW_TASKS.contains(&part)
    })
}

fn nature(step: &Step) -> (Kind, Effect) {
    match &step.action {
        // Where none was there is nothing that it says otherwise.
        Action::PutAlarm(_) if step.drift.is_empty() => (Kind::Create, Effect::Beside),
        Action::PutAlarm(_) => (Kind::Update, Effect::Beside),
        Action::PutSettings { expected, .. } => match expected {
            Expected::Absent => (Kind::Create, Effect::Live),
            Expected::Version(_) => (Kind::Update, Effect::Live),
        },
        Action::Dashboard { wanted: true } => (Kind::Create, Effect::Beside),
        Action::DeleteAlarm(_)
        | Action::DeleteSettings(_)
        | Action::Dashboard { wanted: false } => (Kind::Delete, Effect::Beside),
        Action::Service(change) => match change {
            ServiceChange::Create(_) => (Kind::Create, Effect::Count),
            ServiceChange::Deploy { .. } => (Kind::Update, Effect::Deployment),
            ServiceChange::Scale { .. } => (Kind::Update, Effect::Count),
            ServiceChange::Repair { .. } if replaces_tasks(&step.drift) => {
                (Kind::Update, Effect::Deployment)
            }
            ServiceChange::Repair { .. } => (Kind::Update, Effect::Beside),
            ServiceChange::Delete { .. } => (Kind::Delete, Effect::Count),
        },
    }
}

fn resource(action: &Action) -> String {
    match action {
        Action::Service(ServiceChange::Create(_) | ServiceChange::Delete { .. }) => {
            format!("service {}", action.subject())
        }
        _ => action.subject(),
    }
}

fn summary(action: &Action) -> String {
    match action {
        Action::PutAlarm(definition) => AlarmDefinition::in_words(definition),
        Action::PutSettings { document, .. } => format!("revision {}", document.revision),
        Action::Service(ServiceChange::Create(definition)) => made(definition),
        _ => String::new(),
    }
}

fn made(definition: &ServiceDefinition) -> String {
    let template = &definition.template;
    let count = definition.count.unwrap_or(1);
    let tasks = if count == 1 { "task" } else { "tasks" };
    format!(
        "{}, {count} {tasks}, cpu {}, memory {} MiB",
        template.image, template.cpu, template.memory
    )
}

/// Digests as far as people read them.
fn shortened(field: &FieldChange) -> FieldChange {
    if field.path != "scoringRevision" {
        return field.clone();
    }
    let short = |value: &Option<String>| value.as_ref().map(|it| it.chars().take(12).collect());
    FieldChange {
        path: field.path.clone(),
        from: short(&field.from),
        to: short(&field.to),
    }
}

/// What a change of `effect` means, in words; nothing where nothing that runs is touched.
pub(super) const fn in_words(kind: Kind, effect: Effect) -> &'static str {
    match (kind, effect) {
        (Kind::Update, Effect::Deployment) => "a deployment: every task is replaced",
        (Kind::Update, Effect::Live) => "live: running tasks take it, no deployment",
        (Kind::Update, Effect::Count) => "tasks start or stop, no deployment",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use schema::names::ServiceName;

    use super::*;

    #[test]
    fn a_deployment_a_live_setting_and_a_count_are_told_apart() {
        let platform = || schema::names::PlatformName::try_from("local").unwrap();
        let scale = Step {
            action: Action::Service(ServiceChange::Scale {
                platform: platform(),
                service: ServiceName::Scoring,
                count: 4,
                scaling: None,
            }),
            drift: vec![FieldChange {
                path: "desiredCount".to_owned(),
                from: Some("2".to_owned()),
                to: Some("4".to_owned()),
            }],
        };
        let change = Change::of(&scale);
        assert_eq!((change.kind, change.effect), (Kind::Update, Effect::Count));
        assert_eq!(change.resource, "count of scoring");

        let repair = |path: &str| Step {
            action: Action::Service(ServiceChange::Repair {
                platform: platform(),
                service: ServiceName::Auth,
            }),
            drift: vec![FieldChange {
                path: path.to_owned(),
                from: None,
                to: Some("2".to_owned()),
            }],
        };
        let effect = |path| Change::of(&repair(path)).effect;
        assert_eq!(effect("deployments.rollback"), Effect::Beside);
        assert_eq!(effect("taskDefinition.environment.A"), Effect::Deployment);

        let removed = Change::of(&Step::whole(Action::Service(ServiceChange::Delete {
            platform: platform(),
            service: ServiceName::ScoreProvider,
        })));
        assert_eq!(removed.kind, Kind::Delete);
        assert_eq!(removed.resource, "service score-provider");
    }
}
