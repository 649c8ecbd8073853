//! Changes of services: which calls they take, so that leave can be waited for before the first.

use engine::ports::{ServiceChange, TaskTemplate, Urgency};
use schema::platform::Scaling;

use super::compute::EcsCompute;
use super::place::Place;
use super::task_definition::TaskDefinitionBody;
use crate::quota::Family;

impl EcsCompute {
    /// What the calls of `change` are on, one for each call, as far as it is known what is there. A service that
    /// somebody makes at the same time takes two more.
    pub(super) async fn families(&self, change: &ServiceChange, urgency: Urgency) -> Vec<Family> {
        match change {
            ServiceChange::Create(definition) => {
                let place = self.place(&definition.platform, definition.service);
                let template = &definition.template;
                let mut families = self.rolling_out(&place, template, urgency).await;
                families.extend(self.scaling_calls(&place, definition.scaling));
                families
            }
            ServiceChange::Deploy {
                platform,
                service,
                template,
            } => {
                let place = self.place(platform, *service);
                self.rolling_out(&place, template, urgency).await
            }
            ServiceChange::Scale {
                platform,
                service,
                count,
                scaling,
            } => {
                let place = self.place(platform, *service);
                let mut families = self.scaling_calls(&place, *scaling);
                let counts = self.counts_otherwise(&place, *count);
                families.extend(counts.then_some(Family::ServiceModify));
                families
            }
            ServiceChange::Repair { platform, service } => {
                let place = self.place(platform, *service);
                let mut families = vec![Family::ServiceModify];
                if let Some(redefinition) = self.redefinition(&place) {
                    families.extend(self.registering(&redefinition.body, urgency).await);
                }
                families.extend(self.tagging(&place));
                families
            }
            ServiceChange::Delete { platform, service } => {
                let mut families = self.scaling_calls(&self.place(platform, *service), None);
                families.push(Family::ServiceModify);
                families
            }
        }
    }

    /// A task definition is registered, and tags are put on, only where they are missing.
    async fn rolling_out(
        &self,
        place: &Place,
        template: &TaskTemplate,
        urgency: Urgency,
    ) -> Vec<Family> {
        let mut families = vec![Family::ServiceModify];
        // What cannot be built will be refused without a call.
        if let Ok(body) = TaskDefinitionBody::of(place, template, &self.bucket) {
            families.extend(self.registering(&body, urgency).await);
        }
        families.extend(self.tagging(place));
        families
    }

    async fn registering(&self, body: &TaskDefinitionBody, urgency: Urgency) -> Option<Family> {
        self.definitions.look_for(body, urgency).await;
        let is_known = self.definitions.is_known(body);
        (!is_known).then_some(Family::TaskDefinitionModify)
    }

    /// A new service is made with its tags.
    fn tagging(&self, place: &Place) -> Option<Family> {
        let seen = self.glimpses.of(place);
        seen.is_some_and(|seen| !seen.is_tagged)
            .then_some(Family::TagModify)
    }

    fn scaling_calls(&self, place: &Place, wanted: Option<Scaling>) -> Vec<Family> {
        match wanted {
            _ if self.targets.is_known(&place.resource_id(), wanted) => Vec::new(),
            Some(_) => vec![Family::Scaling; 2],
            None => vec![Family::Scaling],
        }
    }

    /// A count that is there already is not asked for: automatic scaling may be about to change it.
    pub(super) fn counts_otherwise(&self, place: &Place, count: u32) -> bool {
        let seen = self.glimpses.of(place);
        seen.is_none_or(|seen| seen.desired_count != count)
    }
}
