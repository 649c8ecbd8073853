//! Objects as they are read, and how they change.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::board::{Change, ChangeKind, PlatformObject};
use engine::specs::NAMESPACE;
use k8s_openapi::api::core::v1::{Event, Namespace, NamespaceStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

use super::events;
use super::field_selector::{EventField, Field};
use super::resource::Resource;
use super::scope::Scope;

/// An object.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Object {
    /// A platform.
    Platform(Arc<PlatformObject>),
    /// Something that happened to one.
    Event(Box<Event>),
    /// The namespace.
    Namespace(Box<Namespace>),
}

/// What became of one object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    /// The object before; nothing where it is new.
    pub(super) before: Option<Object>,
    /// The object as it is now; nothing where it is gone.
    pub(super) after: Option<Object>,
}

/// The objects of a kind that are made from one platform.
fn of_platform(resource: Resource, platform: &Arc<PlatformObject>) -> Vec<Object> {
    match resource {
        Resource::Platforms => vec![Object::Platform(Arc::clone(platform))],
        Resource::Events => events::of(platform)
            .map(|event| Object::Event(Box::new(event)))
            .collect(),
        Resource::Namespaces => Vec::new(),
    }
}

/// All objects that are asked for, made one after the other.
pub(super) fn all(
    scope: Scope,
    platforms: Vec<Arc<PlatformObject>>,
) -> impl Iterator<Item = Object> + Send {
    let resource = scope.resource;
    let namespaces = (resource == Resource::Namespaces).then(namespace);
    let platforms: Vec<_> = platforms
        .into_iter()
        .filter(|platform| scope.concerns(platform))
        .collect();
    let made = platforms
        .into_iter()
        .flat_map(move |platform| of_platform(resource, &platform));
    let all = namespaces.into_iter().chain(made);
    all.filter(move |object| scope.has(object))
}

/// What a change of the board is to the objects of a kind.
pub(super) fn steps(resource: Resource, change: &Change) -> Vec<Step> {
    match resource {
        Resource::Platforms => vec![Step {
            before: change.before.clone().map(Object::Platform),
            after: (change.kind != ChangeKind::Deleted)
                .then(|| Object::Platform(Arc::clone(&change.platform))),
        }],
        Resource::Events => {
            let step = |before: Option<Event>, after: Option<Event>| Step {
                before: before.map(|event| Object::Event(Box::new(event))),
                after: after.map(|event| Object::Event(Box::new(event))),
            };
            let forgotten = events::forgotten(change).map(|event| step(Some(event), None));
            let new = events::new(change).map(|event| step(None, Some(event)));
            forgotten.chain(new).collect()
        }
        Resource::Namespaces => Vec::new(),
    }
}

fn namespace() -> Object {
    let label = (
        "kubernetes.io/metadata.name".to_owned(),
        NAMESPACE.to_owned(),
    );
    Object::Namespace(Box::new(Namespace {
        metadata: ObjectMeta {
            name: Some(NAMESPACE.to_owned()),
            labels: Some(BTreeMap::from([label])),
            resource_version: Some("1".to_owned()),
            ..ObjectMeta::default()
        },
        spec: None,
        status: Some(NamespaceStatus {
            phase: Some("Active".to_owned()),
            conditions: None,
        }),
    }))
}

impl Object {
    pub(super) fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Platform(platform) => &platform.metadata,
            Self::Event(event) => &event.metadata,
            Self::Namespace(namespace) => &namespace.metadata,
        }
    }

    /// The same with another version.
    #[must_use]
    pub(super) fn at(mut self, version: u64) -> Self {
        let metadata = match &mut self {
            Self::Platform(platform) => &mut Arc::make_mut(platform).metadata,
            Self::Event(event) => &mut event.metadata,
            Self::Namespace(namespace) => &mut namespace.metadata,
        };
        metadata.resource_version = Some(version.to_string());
        self
    }

    /// The value of a field that objects are selected by.
    pub(super) fn field(&self, field: Field) -> Option<&str> {
        match (field, self) {
            (Field::Name, _) => self.metadata().name.as_deref(),
            (Field::Namespace, _) => self.metadata().namespace.as_deref(),
            (Field::OfEvent(field), Self::Event(event)) => field_of_event(event, field),
            (Field::OfEvent(_), _) => None,
        }
    }
}

fn field_of_event(event: &Event, field: EventField) -> Option<&str> {
    let involved = &event.involved_object;
    let value = match field {
        EventField::Reason => &event.reason,
        EventField::Type => &event.type_,
        EventField::Source => &event.source.as_ref()?.component,
        EventField::ReportingComponent => &event.reporting_component,
        EventField::InvolvedKind => &involved.kind,
        EventField::InvolvedNamespace => &involved.namespace,
        EventField::InvolvedName => &involved.name,
        EventField::InvolvedUid => &involved.uid,
        EventField::InvolvedApiVersion => &involved.api_version,
        EventField::InvolvedResourceVersion => &involved.resource_version,
        EventField::InvolvedFieldPath => &involved.field_path,
    };
    value.as_deref()
}
