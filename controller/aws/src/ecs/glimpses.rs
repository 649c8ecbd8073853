//! What the newest look told of each service, for the change that follows it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_ecs::types::{DeploymentRolloutState, Service};
use engine::ports::DeploymentState;
use schema::names::ServiceName;

use super::deployment::{self, primary};
use super::observation::{desired_count, is_active, task_definition};
use super::owner;
use super::place::Place;
use super::service::ServiceBody;

/// Services that are remembered; beyond it all are forgotten. What is not known is asked of ECS by the change.
const KEPT: usize = 20_000;

/// What was seen of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glimpse {
    pub(crate) arn: String,
    /// What its home decides of it, as it was found; its tags aside.
    pub(crate) body: Arc<ServiceBody>,
    pub(crate) desired_count: u32,
    /// Whether it carries all of our tags.
    pub(crate) is_tagged: bool,
    /// The task definition whose deployment failed: asked for again, it takes a new deployment.
    pub(crate) failed: Option<String>,
    /// What it runs; nothing while it is being replaced or removed.
    pub(crate) running: Option<Running>,
}

/// What a service runs while nothing of it is being replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Running {
    /// ARN of the task definition.
    pub(crate) task_definition: String,
    /// Whether ECS itself went back to it.
    pub(crate) is_gone_back_to: bool,
}

impl Running {
    fn of(service: &Service, own: Option<&str>) -> Option<Self> {
        let state = deployment::observed(service, own).state;
        let is_settled = is_active(service) && state != DeploymentState::InProgress;
        let is_gone_back_to = matches!(state, DeploymentState::RolledBack { .. });
        let is_settled = is_settled && !(is_gone_back_to && is_being_replaced(service));
        task_definition(service)
            .filter(|_| is_settled)
            .map(|arn| Self {
                task_definition: arn.to_owned(),
                is_gone_back_to,
            })
    }
}

/// Whether tasks of an older deployment are still there.
fn is_being_replaced(service: &Service) -> bool {
    service.deployments().len() > 1
}

impl Glimpse {
    fn of(
        place: &Place,
        service: &Service,
        own: Option<&str>,
        bodies: &mut Bodies,
    ) -> Option<Self> {
        let state = primary(service).and_then(|primary| primary.rollout_state());
        let has_failed = state == Some(&DeploymentRolloutState::Failed);
        Some(Self {
            arn: service.service_arn()?.to_owned(),
            body: bodies.shared(place.service, ServiceBody::found(service)),
            desired_count: desired_count(service),
            is_tagged: owner::ours(service.tags()) == owner::tags(place),
            failed: task_definition(service)
                .filter(|_| has_failed)
                .map(str::to_owned),
            running: Running::of(service, own),
        })
    }
}

/// The newest body of each of the four: those of all platforms are equal, but where something was done by hand or is
/// being changed everywhere. A thousand platforms' own ones took nearly as much memory as their states.
#[derive(Debug, Default)]
struct Bodies(BTreeMap<ServiceName, Arc<ServiceBody>>);

impl Bodies {
    fn shared(&mut self, service: ServiceName, body: ServiceBody) -> Arc<ServiceBody> {
        let body = ServiceBody {
            tags: BTreeMap::new(),
            ..body
        };
        let newest = self.0.get(&service);
        if let Some(newest) = newest.filter(|newest| ***newest == body) {
            return Arc::clone(newest);
        }
        let body = Arc::new(body);
        self.0.insert(service, Arc::clone(&body));
        body
    }
}

/// What was seen of services, by name.
#[derive(Debug, Default)]
pub(crate) struct Glimpses(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    glimpses: BTreeMap<String, Glimpse>,
    bodies: Bodies,
}

impl Glimpses {
    /// The service of `place` was seen, or was not there. `own` is the id of the newest deployment that this controller
    /// asked for.
    pub(crate) fn saw(&self, place: &Place, service: Option<&Service>, own: Option<&str>) {
        let mut seen = self.lock();
        let Seen { glimpses, bodies } = &mut *seen;
        if glimpses.len() >= KEPT {
            glimpses.clear();
        }
        match service.and_then(|service| Glimpse::of(place, service, own, bodies)) {
            Some(glimpse) => glimpses.insert(place.name(), glimpse),
            None => glimpses.remove(&place.name()),
        };
    }

    /// What was seen of the service of `place`; nothing where it was not there, or nobody looked.
    pub(crate) fn of(&self, place: &Place) -> Option<Glimpse> {
        self.lock().glimpses.get(&place.name()).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::Deployment;

    use super::*;
    use crate::ecs::fixture::place;

    #[test]
    fn the_newest_look_counts() {
        let glimpses = Glimpses::default();
        let primary = Deployment::builder()
            .status("PRIMARY")
            .task_definition("arn:7")
            .rollout_state(DeploymentRolloutState::Failed)
            .build();
        let service = Service::builder()
            .service_arn("arn:dev-scoring")
            .status("ACTIVE")
            .desired_count(2)
            .deployments(primary)
            .build();
        let place = place(ServiceName::Scoring);
        glimpses.saw(&place, Some(&service), None);
        assert_eq!(
            glimpses.of(&place),
            Some(Glimpse {
                arn: "arn:dev-scoring".to_owned(),
                body: Arc::new(ServiceBody::found(&service)),
                desired_count: 2,
                is_tagged: false,
                failed: Some("arn:7".to_owned()),
                running: Some(Running {
                    task_definition: "arn:7".to_owned(),
                    is_gone_back_to: false,
                }),
            })
        );
        glimpses.saw(&place, None, None);
        assert_eq!(glimpses.of(&place), None);
    }

    #[test]
    fn equal_bodies_are_kept_once_and_another_one_is_told_apart() {
        let mut bodies = Bodies::default();
        let body = |subnet: &str| {
            let mut body = ServiceBody::wanted(&place(ServiceName::Scoring)).unwrap();
            body.network.subnets.insert(subnet.to_owned());
            body
        };
        let mut keep = |subnet| bodies.shared(ServiceName::Scoring, body(subnet));
        let (first, second, other) = (keep("a"), keep("a"), keep("b"));
        assert!(Arc::ptr_eq(&first, &second));
        assert_ne!(first, other);
    }
}
