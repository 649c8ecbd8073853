//! Changes of services: the calls.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::operation::create_service::builders::CreateServiceInputBuilder;
use aws_sdk_ecs::operation::update_service::builders::UpdateServiceInputBuilder;
use engine::ports::{Permit, PortError, ServiceChange, ServiceDefinition, TaskTemplate};
use schema::platform::Scaling;

use super::compute::EcsCompute;
use super::failure::{change_error, is_deregistered, is_gone, is_there_already};
use super::glimpses::Glimpse;
use super::owner::{self, Origin};
use super::place::Place;
use super::service::ServiceBody;
use super::task_definition::TaskDefinitionBody;
use crate::caller::Caller;
use crate::quota::Family;

/// Tasks of a new service whose spec says no count.
const FIRST_COUNT: u32 = 1;

/// Both bodies of a service: all that its home decides of it; and what they are made for.
struct Bodies<'a> {
    service: ServiceBody,
    tasks: TaskDefinitionBody,
    origin: Origin<'a>,
}

impl EcsCompute {
    pub(super) async fn carry_out(
        &self,
        change: &ServiceChange,
        generation: i64,
        permit: Permit,
    ) -> Result<(), PortError> {
        match change {
            ServiceChange::Create(definition) => self.create(definition, generation, permit).await,
            ServiceChange::Deploy {
                platform,
                service,
                template,
            } => {
                let place = self.place(platform, *service);
                self.deploy(&place, template, generation, permit).await
            }
            ServiceChange::Scale {
                platform,
                service,
                count,
                scaling,
            } => {
                let place = self.place(platform, *service);
                self.scale(&place, *count, *scaling, permit).await
            }
            ServiceChange::Repair { platform, service } => {
                let place = self.place(platform, *service);
                self.repair(&place, generation, permit).await
            }
            ServiceChange::Delete { platform, service } => {
                self.delete(&self.place(platform, *service), permit).await
            }
        }
    }

    /// What is there already is adopted.
    async fn create(
        &self,
        definition: &ServiceDefinition,
        generation: i64,
        permit: Permit,
    ) -> Result<(), PortError> {
        let place = self.place(&definition.platform, definition.service);
        let bodies = self.bodies(&place, &definition.template, generation)?;
        permit.begin();
        let seen = self.glimpses.of(&place);
        let is_new = seen.is_none() && self.make(&place, &bodies, first_count(definition)).await?;
        if !is_new {
            self.adopt(&place, &bodies, definition.count).await?;
        }
        self.targets
            .bring_about(&place.resource_id(), definition.scaling)
            .await
    }

    async fn deploy(
        &self,
        place: &Place,
        template: &TaskTemplate,
        generation: i64,
        permit: Permit,
    ) -> Result<(), PortError> {
        let bodies = self.bodies(place, template, generation)?;
        permit.begin();
        self.adopt(place, &bodies, None).await
    }

    /// Automatic scaling comes first: it would fight a count outside its range.
    async fn scale(
        &self,
        place: &Place,
        count: u32,
        scaling: Option<Scaling>,
        permit: Permit,
    ) -> Result<(), PortError> {
        permit.begin();
        self.targets
            .bring_about(&place.resource_id(), scaling)
            .await?;
        if !self.counts_otherwise(place, count) {
            return Ok(());
        }
        let update = UpdateServiceInputBuilder::default().desired_count(in_ecs(count));
        self.update(place, update, None).await.map(drop)
    }

    /// Its template, and how often it runs, stays as it is.
    async fn repair(
        &self,
        place: &Place,
        generation: i64,
        permit: Permit,
    ) -> Result<(), PortError> {
        let action = || format!("repair {}", place.name());
        let wanted = ServiceBody::wanted(place).map_err(|error| error.keeps_from(action()))?;
        permit.begin();
        let seen = self.glimpses.of(place);
        let found = seen
            .as_ref()
            .map(|seen| ServiceBody::clone(&seen.body).named_like(&wanted));
        let update = match &found {
            Some(found) => wanted.repair(found),
            None => wanted.update(),
        };
        let update = update.map_err(|error| PortError::unavailable(action(), error))?;
        let arn = self.redefined(place, generation).await?;
        let update = update.set_task_definition(arn.clone());
        let updated = self.update(place, update, arn.as_deref()).await?;
        self.keep_tagged(place, seen.as_ref(), &updated).await
    }

    /// ARN of what the service of `place` is to run instead; nothing where what it runs is as it should be.
    async fn redefined(&self, place: &Place, generation: i64) -> Result<Option<String>, PortError> {
        let Some(redefinition) = self.redefinition(place) else {
            return Ok(None);
        };
        let origin = self.origin(generation);
        let registered = self
            .definitions
            .registered(&redefinition.body, Some(origin));
        registered.await.map(Some)
    }

    /// Task definitions stay: a service of the name may be wanted again, and what is registered costs nothing.
    async fn delete(&self, place: &Place, permit: Permit) -> Result<(), PortError> {
        permit.begin();
        self.targets.bring_about(&place.resource_id(), None).await?;
        remove(&self.connection.ecs, &self.caller, place, &place.name()).await
    }

    /// Makes the service; returns whether it was not there.
    async fn make(
        &self,
        place: &Place,
        bodies: &Bodies<'_>,
        count: u32,
    ) -> Result<bool, PortError> {
        let action = format!("create {}", place.name());
        let arn = self.registered(bodies).await?;
        let create = bodies.service.create();
        let create: CreateServiceInputBuilder =
            create.map_err(|error| PortError::unavailable(&action, error))?;
        let tags = bodies.origin.tags().into_iter();
        let create = tags
            .fold(create, CreateServiceInputBuilder::tags)
            .cluster(place.cluster())
            .service_name(place.name())
            .task_definition(&arn)
            .desired_count(in_ecs(count))
            .send_with(&self.connection.ecs);
        match self.caller.change(Family::ServiceModify, create).await {
            Ok(_) => Ok(true),
            Err(error) if is_there_already(&error) => Ok(false),
            Err(error) => {
                if is_deregistered(&error) {
                    self.definitions.forget(&arn);
                }
                Err(change_error(&action, "ecs:CreateService", error))
            }
        }
    }

    /// Brings all of a service that its home decides about, and makes it ours.
    async fn adopt(
        &self,
        place: &Place,
        bodies: &Bodies<'_>,
        count: Option<u32>,
    ) -> Result<(), PortError> {
        let seen = self.glimpses.of(place);
        let count = count.filter(|count| self.counts_otherwise(place, *count));
        let arn = self.registered(bodies).await?;
        let has_failed = seen.as_ref().and_then(|seen| seen.failed.as_ref()) == Some(&arn);
        let update = bodies.service.update();
        let update = update.map_err(|error| PortError::unavailable(place.name(), error))?;
        let update = update
            .task_definition(&arn)
            .set_desired_count(count.map(in_ecs))
            .set_force_new_deployment(has_failed.then_some(true));
        let updated = self.update(place, update, Some(&arn)).await?;
        self.keep_tagged(place, seen.as_ref(), &updated).await
    }

    /// Puts our tags on where they are missing, or nobody looked.
    async fn keep_tagged(
        &self,
        place: &Place,
        seen: Option<&Glimpse>,
        updated: &str,
    ) -> Result<(), PortError> {
        match seen {
            Some(seen) if seen.is_tagged => Ok(()),
            Some(seen) => self.tag(place, &seen.arn).await,
            None => self.tag(place, updated).await,
        }
    }

    /// Updates the service, and returns its ARN.
    async fn update(
        &self,
        place: &Place,
        update: UpdateServiceInputBuilder,
        task_definition: Option<&str>,
    ) -> Result<String, PortError> {
        let update = update
            .cluster(place.cluster())
            .service(place.name())
            .send_with(&self.connection.ecs);
        let answer = self.caller.change(Family::ServiceModify, update).await;
        let answer = answer.map_err(|error| {
            if let Some(arn) = task_definition.filter(|_| is_deregistered(&error)) {
                self.definitions.forget(arn);
            }
            let action = format!("update {}", place.name());
            change_error(&action, "ecs:UpdateService", error)
        })?;
        let service = answer.service();
        if let Some(service) = service.filter(|_| task_definition.is_some()) {
            self.own.asked(place, service);
        }
        let arn = service.and_then(|service| service.service_arn());
        Ok(arn.unwrap_or_default().to_owned())
    }

    async fn tag(&self, place: &Place, arn: &str) -> Result<(), PortError> {
        let (client, store) = (&self.connection.ecs, &self.bucket);
        tag(client, &self.caller, place, arn, store).await
    }

    async fn registered(&self, bodies: &Bodies<'_>) -> Result<String, PortError> {
        let Bodies { tasks, origin, .. } = bodies;
        self.definitions.registered(tasks, Some(*origin)).await
    }

    fn bodies(
        &self,
        place: &Place,
        template: &TaskTemplate,
        generation: i64,
    ) -> Result<Bodies<'_>, PortError> {
        let action = || format!("deploy {}", place.name());
        let tasks = TaskDefinitionBody::of(place, template, &self.bucket);
        Ok(Bodies {
            service: ServiceBody::wanted(place).map_err(|error| error.keeps_from(action()))?,
            tasks: tasks.map_err(|error| error.keeps_from(action()))?,
            origin: self.origin(generation),
        })
    }

    fn origin(&self, generation: i64) -> Origin<'_> {
        Origin {
            store: &self.bucket,
            generation,
        }
    }
}

/// Puts our tags, those of the controller of `store`, on the service of `place` that is called `arn`.
pub(super) async fn tag(
    client: &Client,
    caller: &Caller,
    place: &Place,
    arn: &str,
    store: &str,
) -> Result<(), PortError> {
    let tag = client.tag_resource().resource_arn(arn);
    let tag = tag
        .set_tags(Some(owner::in_ecs(&owner::tags(place))))
        .tags(owner::store_tag(store))
        .send();
    let answer = caller.change(Family::TagModify, tag).await;
    answer.map(drop).map_err(|error| {
        let action = format!("tag {}", place.name());
        change_error(&action, "ecs:TagResource", error)
    })
}

/// Removes the service called `name` from the cluster of `place`. One that is gone is no error.
pub(super) async fn remove(
    client: &Client,
    caller: &Caller,
    place: &Place,
    name: &str,
) -> Result<(), PortError> {
    let delete = client.delete_service().cluster(place.cluster());
    let delete = delete.service(name).force(true).send();
    match caller.change(Family::ServiceModify, delete).await {
        Ok(_) => Ok(()),
        Err(error) if is_gone(&error) => Ok(()),
        Err(error) => {
            let action = format!("remove {name}");
            Err(change_error(&action, "ecs:DeleteService", error))
        }
    }
}

/// Tasks that a new service begins with, within the range of its scaling.
fn first_count(definition: &ServiceDefinition) -> u32 {
    let count = definition.count.unwrap_or(FIRST_COUNT);
    definition.scaling.map_or(count, |scaling| {
        count
            .max(scaling.min_capacity.get())
            .min(scaling.max_capacity.get())
    })
}

fn in_ecs(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
