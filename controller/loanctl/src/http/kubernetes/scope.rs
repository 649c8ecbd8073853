//! Which objects are asked for.

use engine::board::PlatformObject;

use super::field_selector::FieldSelector;
use super::label_selector::LabelSelector;
use super::object::Object;
use super::resource::Resource;
use super::status::Failure;
use crate::http::asked::Asked;

/// Which objects are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) resource: Resource,
    /// Those of one namespace; of all, where there is none.
    namespace: Option<String>,
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Scope {
    /// The objects of a kind that a list or a watch asks for.
    ///
    /// # Errors
    /// For a selector that cannot be understood.
    pub(super) fn of(
        resource: Resource,
        namespace: Option<&str>,
        asked: &Asked,
    ) -> Result<Self, Failure> {
        let labels = asked.parameter("labelSelector").unwrap_or_default();
        let fields = asked.parameter("fieldSelector").unwrap_or_default();
        Ok(Self {
            labels: labels.parse().map_err(Failure::bad_request)?,
            fields: FieldSelector::parse(resource, &fields).map_err(Failure::bad_request)?,
            ..Self::everything(resource, namespace)
        })
    }

    /// All objects of a kind.
    pub(super) fn everything(resource: Resource, namespace: Option<&str>) -> Self {
        Self {
            resource,
            namespace: namespace.map(str::to_owned),
            labels: LabelSelector::default(),
            fields: FieldSelector::default(),
        }
    }

    /// Whether anything that is asked for can be made from `platform`: what is not need not be made.
    pub(super) fn concerns(&self, platform: &PlatformObject) -> bool {
        let wanted = self.fields.platform(self.resource);
        wanted.is_none_or(|wanted| platform.metadata.name.as_deref() == Some(wanted))
    }

    /// Whether `object` is asked for.
    pub(super) fn has(&self, object: &Object) -> bool {
        let metadata = object.metadata();
        let is_in_namespace = self.namespace.is_none() || self.namespace == metadata.namespace;
        is_in_namespace
            && self.labels.selects(metadata.labels.as_ref())
            && self.fields.selects(object)
    }
}
