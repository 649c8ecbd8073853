//! The `Compute` port on ECS: looks, and what is known from one to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use aws_sdk_ecs::types::Service;
use engine::ports::{
    Compute, Documents, ObservedService, Permit, PortError, Rehearsal, Rehearsed, Seen,
    ServiceChange, TaskTemplate, Urgency,
};
use schema::infrastructure::Infrastructure;
use schema::names::{PlatformName, ServiceName};
use tokio::task::JoinSet;

use super::definitions::Definitions;
use super::describe::Describe;
use super::glimpses::Glimpses;
use super::notebook::Notebook;
use super::observation::{self, Known};
use super::own::OwnDeployments;
use super::place::Place;
use super::reports::{Reports, SettingsReports};
use super::targets::Targets;
use crate::caller::Caller;
use crate::connection::Connection;

/// Services on ECS Fargate.
///
/// What it remembers only spares calls: one that has just started finds everything again by its name.
#[derive(Debug)]
pub(crate) struct EcsCompute {
    pub(super) connection: Connection,
    pub(super) caller: Arc<Caller>,
    /// Bucket with the settings that tasks read.
    pub(super) bucket: String,
    pub(super) definitions: Arc<Definitions>,
    pub(super) targets: Targets,
    pub(super) glimpses: Glimpses,
    pub(super) own: OwnDeployments,
    infrastructure: Arc<ArcSwap<Infrastructure>>,
    services: Arc<dyn Describe>,
    reports: Reports,
    /// Ends with it.
    _noting: JoinSet<()>,
}

/// What an [`EcsCompute`] is made of.
#[derive(Debug)]
pub(crate) struct EcsParts {
    /// Clients.
    pub(crate) connection: Connection,
    /// Makes the calls.
    pub(crate) caller: Arc<Caller>,
    /// What the account provides; replaced when it changes.
    pub(crate) infrastructure: Arc<ArcSwap<Infrastructure>>,
    /// Bucket with the settings that tasks read.
    pub(crate) bucket: String,
    /// What is in it.
    pub(crate) documents: Arc<dyn Documents>,
    /// Whether notes are kept there.
    pub(crate) keeps_notes: bool,
    /// Tells of services: [`Asking`](super::describe::Asking), or what batches its questions.
    pub(crate) services: Arc<dyn Describe>,
    /// Tells the settings that tasks report.
    pub(crate) reports: Arc<dyn SettingsReports>,
}

impl EcsCompute {
    pub(crate) fn new(parts: EcsParts) -> Self {
        let (connection, caller) = (parts.connection, parts.caller);
        let notebook = Notebook::new(parts.documents);
        let definitions = Definitions::new(connection.ecs.clone(), Arc::clone(&caller), notebook);
        let definitions = Arc::new(definitions);
        let mut noting = JoinSet::new();
        if parts.keeps_notes {
            noting.spawn(Arc::clone(&definitions).keep_notes());
        }
        Self {
            definitions,
            _noting: noting,
            targets: Targets::new(connection.scaling.clone(), Arc::clone(&caller)),
            glimpses: Glimpses::default(),
            own: OwnDeployments::default(),
            infrastructure: parts.infrastructure,
            services: parts.services,
            reports: Reports::new(parts.reports),
            bucket: parts.bucket,
            connection,
            caller,
        }
    }

    pub(super) fn place(&self, platform: &PlatformName, service: ServiceName) -> Place {
        Place::new(platform.clone(), service, self.infrastructure.load_full())
    }

    fn places(&self, platforms: &BTreeSet<PlatformName>) -> Vec<Place> {
        let infrastructure = self.infrastructure.load_full();
        let of = |platform: &PlatformName| {
            let place =
                |service| Place::new(platform.clone(), service, Arc::clone(&infrastructure));
            ServiceName::ALL.map(place)
        };
        platforms.iter().flat_map(of).collect()
    }

    /// The services of `places` that are there, each cluster read by itself.
    async fn found(
        &self,
        places: Vec<Place>,
        urgency: Urgency,
    ) -> Result<Vec<(Place, Service)>, PortError> {
        let mut services = BTreeMap::new();
        for (cluster, names) in by_cluster(&places) {
            let described = self.services.describe(&cluster, &names, urgency).await?;
            let present = described.into_iter().filter(observation::is_there);
            let named = |it: Service| Some(((cluster.clone(), it.service_name.clone()?), it));
            services.extend(present.filter_map(named));
        }
        let mut there = Vec::with_capacity(services.len());
        for place in places {
            let service = services.remove(&(place.cluster().to_owned(), place.name()));
            self.saw(&place, service.as_ref());
            there.extend(service.map(|service| (place, service)));
        }
        Ok(there)
    }

    fn saw(&self, place: &Place, service: Option<&Service>) {
        let own = self.own.of(place);
        self.glimpses.saw(place, service, own.as_deref());
        if service.is_none() {
            self.reports.forget(place);
        }
    }

    /// What the tasks of a service are started from; nothing where it runs nothing that can be told of.
    async fn template(
        &self,
        place: &Place,
        service: &Service,
        urgency: Urgency,
    ) -> Result<Option<TaskTemplate>, PortError> {
        let Some(arn) = observation::task_definition(service) else {
            return Ok(None);
        };
        let registered = self.definitions.read(arn, urgency).await?;
        Ok(registered.map(|registered| registered.template(place)))
    }
}

/// Names of services by their clusters.
fn by_cluster(places: &[Place]) -> BTreeMap<String, Vec<String>> {
    let mut names = BTreeMap::<String, Vec<String>>::new();
    for place in places {
        let of_cluster = names.entry(place.cluster().to_owned()).or_default();
        of_cluster.push(place.name());
    }
    names
}

#[async_trait]
impl Compute for EcsCompute {
    async fn observe(
        &self,
        platforms: &BTreeSet<PlatformName>,
        urgency: Urgency,
    ) -> Result<Seen<ObservedService>, PortError> {
        let places = self.places(platforms);
        let ids: Vec<String> = places.iter().map(Place::resource_id).collect();
        let there = self.found(places, urgency).await?;
        let at = self.connection.clock.now();
        let scaling = self.targets.of(&ids, urgency).await?;
        if !there.is_empty() {
            self.reports.refresh(platforms, urgency).await;
        }
        let mut found = Vec::with_capacity(there.len());
        for (place, service) in &there {
            let Some(template) = self.template(place, service, urgency).await? else {
                tracing::warn!(service = place.name(), "It runs nothing that is known.");
                continue;
            };
            let known = Known {
                template,
                scaling: scaling.get(&place.resource_id()).copied(),
                settings: self.reports.of(place),
                own_deployment: self.own.of(place),
                redefined: self
                    .redefinition(place)
                    .map_or_else(Vec::new, |it| it.differences),
            };
            found.push(observation::observed(place, service, known));
        }
        Ok(Seen { at, found })
    }

    /// Fargate is asked for a size that it takes. Whether an image is there, and whether its program takes the
    /// settings, ECS cannot be asked: that shows when the first task is started, and ECS keeps the old ones
    /// until it is healthy.
    async fn rehearse(&self, rehearsal: &Rehearsal, _: Urgency) -> Result<Rehearsed, PortError> {
        let (cpu, memory) = (rehearsal.template.cpu, rehearsal.template.memory);
        if validation::fargate_takes(cpu, memory) {
            return Ok(Rehearsed::Sound);
        }
        Ok(Rehearsed::Unsound {
            reason: format!("Fargate runs no tasks with cpu {cpu} and memory {memory}"),
        })
    }

    async fn permit(&self, change: &ServiceChange, urgency: Urgency) -> Permit {
        let families = self.families(change, urgency).await;
        self.caller.permit(&families, urgency).await
    }

    async fn apply(
        &self,
        change: &ServiceChange,
        generation: i64,
        permit: Permit,
    ) -> Result<(), PortError> {
        self.carry_out(change, generation, permit).await
    }
}
