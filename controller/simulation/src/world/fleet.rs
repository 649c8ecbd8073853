//! The fleet: ECS's services, their deployments and tasks.

mod service;
mod task;

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::ports::{ObservedService, PortError, ServiceChange, ServiceDefinition, TaskTemplate};
use jiff::Timestamp;
use schema::names::{PlatformName, ServiceName};
use schema::settings::{ServiceSettings, SettingsDocument};

use super::harm::Harm;
use crate::dice::Dice;
use crate::timeline::after;
pub(crate) use service::Service;

/// Settings as a task takes them.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) order: (u64, u64),
    pub(crate) revision: String,
    pub(crate) scoring_revision: String,
    pub(crate) harm: Harm,
}

impl Taken {
    pub(crate) fn of(document: &SettingsDocument<ServiceSettings>) -> Self {
        Self {
            order: document.order(),
            revision: document.revision.clone(),
            scoring_revision: document.scoring_revision.clone(),
            harm: Harm::of_settings(&document.settings),
        }
    }
}

/// Settings documents as they lie in the bucket.
pub(crate) type Posted = BTreeMap<ServiceName, Arc<Taken>>;

/// A platform's services.
#[derive(Debug)]
pub(crate) struct Fleet {
    platform: PlatformName,
    services: BTreeMap<ServiceName, Service>,
    numbers: Numbers,
    dice: Dice,
    /// How services were shown before the last change, and until when that is still shown.
    stale: Option<(Timestamp, Vec<ObservedService>)>,
}

/// Numbers that are given once.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    deployments: u64,
    tasks: u64,
}

impl Numbers {
    fn deployment(&mut self) -> u64 {
        self.deployments += 1;
        self.deployments
    }

    fn task(&mut self) -> u64 {
        self.tasks += 1;
        self.tasks
    }
}

impl Fleet {
    pub(crate) fn new(platform: PlatformName, dice: Dice) -> Self {
        Self {
            platform,
            services: BTreeMap::new(),
            numbers: Numbers::default(),
            dice,
            stale: None,
        }
    }

    pub(crate) fn service(&self, name: ServiceName) -> Option<&Service> {
        self.services.get(&name)
    }

    pub(crate) fn services(&self) -> impl Iterator<Item = (&ServiceName, &Service)> {
        self.services.iter()
    }

    /// The services as they are shown: for a while, perhaps, as they were before the last change.
    pub(crate) fn shown(&self, now: Timestamp) -> Vec<ObservedService> {
        match &self.stale {
            Some((until, shown)) if now < *until => shown.clone(),
            _ => self.observed(),
        }
    }

    fn observed(&self) -> Vec<ObservedService> {
        self.services
            .iter()
            .map(|(name, service)| service.observed(&self.platform, *name))
            .collect()
    }

    /// Lets looks be some seconds behind for once.
    pub(crate) fn lag_behind(&mut self, now: Timestamp) {
        if self.stale.as_ref().is_none_or(|(until, _)| *until <= now) {
            let lag = self.dice.pause(500..=5_000);
            self.stale = Some((after(now, lag), self.observed()));
        }
    }

    /// Takes a change. `unlucky` is the chance, in percent, that ECS rolls a sound deployment back.
    pub(crate) fn apply(
        &mut self,
        change: &ServiceChange,
        now: Timestamp,
        unlucky: f64,
    ) -> Result<(), PortError> {
        let unlucky = self.dice.happens(unlucky);
        match change {
            ServiceChange::Create(definition) => self.create(definition, now),
            ServiceChange::Deploy {
                service, template, ..
            } => {
                let (found, numbers, dice) = self.parts(*service, change)?;
                found.deploy(template, numbers, dice, now, unlucky);
            }
            ServiceChange::Scale {
                service,
                count,
                scaling,
                ..
            } => {
                let (found, ..) = self.parts(*service, change)?;
                found.scale(*count, *scaling);
            }
            // Nothing in this world is otherwise than its home has it.
            ServiceChange::Repair { service, .. } => {
                self.parts(*service, change)?;
            }
            ServiceChange::Delete { service, .. } => {
                if let Some(found) = self.services.get_mut(service) {
                    found.remove(now);
                }
            }
        }
        Ok(())
    }

    fn create(&mut self, definition: &ServiceDefinition, now: Timestamp) {
        let there = self.services.get_mut(&definition.service);
        if let Some(found) = there.filter(|found| !found.is_being_removed()) {
            let count = definition.count.unwrap_or_else(|| found.desired());
            found.scale(count, definition.scaling);
            let dice = &mut self.dice;
            found.deploy(&definition.template, &mut self.numbers, dice, now, false);
            return;
        }
        let made = Service::new(definition, &mut self.numbers, &mut self.dice, now);
        self.services.insert(definition.service, made);
    }

    /// Replaces every task of `service` by new ones from `template`, as a person does by hand.
    pub(crate) fn redeploy(
        &mut self,
        service: ServiceName,
        template: Option<TaskTemplate>,
        now: Timestamp,
    ) {
        if let Some(found) = self.services.get_mut(&service) {
            let template = template.unwrap_or_else(|| found.template().clone());
            found.force(&template, &mut self.numbers, &mut self.dice, now);
        }
    }

    /// A task of `service` dies.
    pub(crate) fn lose_a_task(&mut self, service: ServiceName) {
        if let Some(found) = self.services.get_mut(&service) {
            found.lose_a_task();
        }
    }

    fn parts(
        &mut self,
        service: ServiceName,
        change: &ServiceChange,
    ) -> Result<(&mut Service, &mut Numbers, &mut Dice), PortError> {
        let found = self.services.get_mut(&service);
        let found = found.filter(|found| !found.is_being_removed());
        let found = found
            .ok_or_else(|| PortError::unavailable(change.to_string(), "ServiceNotActiveException"));
        Ok((found?, &mut self.numbers, &mut self.dice))
    }

    /// Lets time pass: tasks start, take their settings, become ready, drain and go. Returns who was
    /// offered settings that are older than their own.
    pub(crate) fn advance(&mut self, now: Timestamp, posted: &Posted) -> Vec<String> {
        let mut offended = Vec::new();
        for (name, service) in &mut self.services {
            let settings = posted.get(name);
            offended.extend(service.advance(now, settings, &mut self.numbers, &mut self.dice));
        }
        self.services
            .retain(|_, service| !(service.is_being_removed() && service.tasks().is_empty()));
        offended
    }
}
