//! Tasks that are to be started from another task definition although their template stays: what the account provides
//! has changed since theirs was registered, or somebody had them run one of their own making.

use schema::revision::FieldChange;

use super::compute::EcsCompute;
use super::place::Place;
use super::task_definition::TaskDefinitionBody;

/// What a service is to run instead.
#[derive(Debug)]
pub(super) struct Redefinition {
    pub(super) body: TaskDefinitionBody,
    /// What is otherwise in it than in what runs; never nothing.
    pub(super) differences: Vec<FieldChange>,
}

impl EcsCompute {
    /// What the service of `place` is to run instead of what it was last seen to run. Nothing while that is being
    /// replaced, and nothing where the account does not provide what it takes.
    ///
    /// Where ECS itself went back, what is registered already is what it went back from: that is not tried again, until
    /// something else is wanted.
    pub(super) fn redefinition(&self, place: &Place) -> Option<Redefinition> {
        let running = self.glimpses.of(place)?.running?;
        let registered = self.definitions.remembered(&running.task_definition)?;
        let template = registered.template(place);
        let body = TaskDefinitionBody::of(place, &template, &self.bucket).ok()?;
        let differences = registered.differences(&body);
        let was_tried = running.is_gone_back_to && self.definitions.is_known(&body);
        let is_due = !differences.is_empty() && !was_tried;
        is_due.then_some(Redefinition { body, differences })
    }
}
