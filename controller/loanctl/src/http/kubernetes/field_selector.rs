//! Selecting objects by their fields: those few that clusters select by, too.

use super::object::Object;
use super::resource::Resource;

/// What the fields of an object must be. Of several requirements all must be met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    field: Field,
    value: String,
    /// Whether the field must have the value, or another one.
    has_it: bool,
}

/// A field to select by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// `metadata.name`
    Name,
    /// `metadata.namespace`
    Namespace,
    /// A field of events.
    OfEvent(EventField),
}

/// A field to select events by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventField {
    Reason,
    Type,
    Source,
    ReportingComponent,
    InvolvedKind,
    InvolvedNamespace,
    InvolvedName,
    InvolvedUid,
    InvolvedApiVersion,
    InvolvedResourceVersion,
    InvolvedFieldPath,
}

/// A selector that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadFieldSelector {
    /// It makes no sense.
    #[error(
        "invalid selector: '{0}'; can't understand it: there are FIELD=VALUE, FIELD==VALUE and FIELD!=VALUE, with commas between"
    )]
    Unreadable(String),
    /// Objects are not selected by that field.
    #[error("field label not supported: {0}")]
    Unsupported(String),
}

impl FieldSelector {
    /// Reads a selector of objects of a kind.
    pub(super) fn parse(resource: Resource, text: &str) -> Result<Self, BadFieldSelector> {
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        parts
            .map(|part| requirement(resource, part))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The one platform that what is selected has to do with, where the selector says which: its own name, or that of
    /// what an event is about.
    pub(super) fn platform(&self, resource: Resource) -> Option<&str> {
        let naming = match resource {
            Resource::Platforms => Field::Name,
            Resource::Events => Field::OfEvent(EventField::InvolvedName),
            Resource::Namespaces => return None,
        };
        let mut requirements = self.0.iter();
        let found =
            requirements.find(|requirement| requirement.has_it && requirement.field == naming)?;
        Some(&found.value)
    }

    /// Whether `object` is selected.
    pub(super) fn selects(&self, object: &Object) -> bool {
        self.0.iter().all(|requirement| {
            let value = object.field(requirement.field).unwrap_or_default();
            (value == requirement.value) == requirement.has_it
        })
    }
}

fn requirement(resource: Resource, part: &str) -> Result<Requirement, BadFieldSelector> {
    let (name, value, has_it) = if let Some((name, value)) = part.split_once("!=") {
        (name, value, false)
    } else if let Some((name, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        (name, value, true)
    } else {
        return Err(BadFieldSelector::Unreadable(part.to_owned()));
    };
    let field =
        field(resource, name).ok_or_else(|| BadFieldSelector::Unsupported(name.to_owned()))?;
    Ok(Requirement {
        field,
        value: value.to_owned(),
        has_it,
    })
}

fn field(resource: Resource, name: &str) -> Option<Field> {
    match name {
        "metadata.name" => Some(Field::Name),
        "metadata.namespace" if resource.is_namespaced() => Some(Field::Namespace),
        name if resource == Resource::Events => event_field(name).map(Field::OfEvent),
        _ => None,
    }
}

fn event_field(name: &str) -> Option<EventField> {
    let field = match name {
        "reason" => EventField::Reason,
        "type" => EventField::Type,
        "source" => EventField::Source,
        "reportingComponent" => EventField::ReportingComponent,
        "involvedObject.kind" => EventField::InvolvedKind,
        "involvedObject.namespace" => EventField::InvolvedNamespace,
        "involvedObject.name" => EventField::InvolvedName,
        "involvedObject.uid" => EventField::InvolvedUid,
        "involvedObject.apiVersion" => EventField::InvolvedApiVersion,
        "involvedObject.resourceVersion" => EventField::InvolvedResourceVersion,
        "involvedObject.fieldPath" => EventField::InvolvedFieldPath,
        _ => return None,
    };
    Some(field)
}

#[cfg(test)]
mod tests {
    use super::super::events::tests::{event, platform};
    use super::*;

    fn selects(selector: &str, object: &Object) -> bool {
        let resource = match object {
            Object::Platform(_) => Resource::Platforms,
            Object::Event(_) => Resource::Events,
            Object::Namespace(_) => Resource::Namespaces,
        };
        FieldSelector::parse(resource, selector)
            .unwrap()
            .selects(object)
    }

    #[test]
    fn platforms_are_selected_by_name_and_namespace() {
        let platform = Object::Platform(platform());
        assert!(selects("", &platform));
        assert!(selects(
            "metadata.name=local,metadata.namespace==default",
            &platform
        ));
        assert!(selects("metadata.name!=other", &platform));
        assert!(!selects("metadata.name=other", &platform));
    }

    #[test]
    fn events_are_selected_by_what_they_are_about_too() {
        let event = Object::Event(Box::new(event()));
        for selector in [
            "involvedObject.name=local,involvedObject.namespace=default,involvedObject.kind=LoanPlatform",
            "involvedObject.apiVersion=lending.dev/v1alpha1",
            "type=Normal,reason=Promoted",
            "source=loanctl,reportingComponent=loanctl",
            "involvedObject.fieldPath=",
        ] {
            assert!(selects(selector, &event), "{selector}");
        }
        assert!(!selects("type=Warning", &event));
        assert!(!selects("involvedObject.uid=1", &event));
    }

    #[test]
    fn a_selector_tells_the_one_platform_that_it_is_about() {
        for (resource, selector, platform) in [
            (Resource::Platforms, "metadata.name=local", Some("local")),
            (Resource::Platforms, "metadata.name!=local", None),
            (
                Resource::Events,
                "type=Normal,involvedObject.name=local",
                Some("local"),
            ),
            (Resource::Events, "metadata.name=local.1", None),
            (Resource::Namespaces, "metadata.name=default", None),
        ] {
            let parsed = FieldSelector::parse(resource, selector).unwrap();
            assert_eq!(parsed.platform(resource), platform, "{selector}");
        }
    }

    #[test]
    fn other_fields_are_refused() {
        for (resource, selector) in [
            (Resource::Platforms, "spec.mode=Observe"),
            (Resource::Platforms, "reason=Promoted"),
            (Resource::Namespaces, "metadata.namespace=default"),
            (Resource::Events, "message=x"),
            (Resource::Events, "reason"),
        ] {
            assert!(
                FieldSelector::parse(resource, selector).is_err(),
                "{selector}"
            );
        }
    }
}
