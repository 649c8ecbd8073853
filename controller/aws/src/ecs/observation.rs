//! A service as ECS tells of it, in the engine's words.

use aws_sdk_ecs::types::{Deployment, Service};
use engine::ports::{ObservedService, TaskSummary, TaskTemplate};
use schema::names::ServiceName;
use schema::platform::Scaling;
use schema::revision::FieldChange;

use super::deployment::{self, primary};
use super::drift;
use super::place::Place;

/// What else is known of a service, from elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// What its tasks are started from.
    pub(crate) template: TaskTemplate,
    /// What scales it.
    pub(crate) scaling: Option<Scaling>,
    /// The lowest settings that its tasks report.
    pub(crate) settings: Option<(u64, u64)>,
    /// The id of the newest deployment that this controller asked for.
    pub(crate) own_deployment: Option<String>,
    /// What is to be otherwise in its task definition.
    pub(crate) redefined: Vec<FieldChange>,
}

/// Whether there is such a service: ECS tells of removed ones for a while.
pub(crate) fn is_there(service: &Service) -> bool {
    service.status() != Some("INACTIVE")
}

/// Whether `service` takes changes: one being removed does not.
pub(crate) fn is_active(service: &Service) -> bool {
    service.status() == Some("ACTIVE")
}

/// ARN of the task definition that `service` should run.
pub(crate) fn task_definition(service: &Service) -> Option<&str> {
    primary(service)
        .and_then(Deployment::task_definition)
        .or_else(|| service.task_definition())
}

/// Tasks asked for: of one being removed none.
pub(crate) fn desired_count(service: &Service) -> u32 {
    let is_being_removed = service.status() == Some("DRAINING");
    if is_being_removed {
        return 0;
    }
    u32::try_from(service.desired_count()).unwrap_or_default()
}

/// `service` in the engine's words.
pub(crate) fn observed(place: &Place, service: &Service, known: Known) -> ObservedService {
    ObservedService {
        platform: place.platform.clone(),
        service: place.service,
        template: known.template,
        desired_count: desired_count(service),
        scaling: known.scaling,
        drift: [drift::of(place, service), known.redefined].concat(),
        // ECS does not count them.
        restarts: 0,
        deployment: deployment::observed(service, known.own_deployment.as_deref()),
        tasks: Vec::new(),
        summary: Some(TaskSummary {
            serving: serving(service),
            settings: known.settings,
        }),
        endpoint: endpoint(place),
    }
}

/// Tasks that serve, as far as that is known without asking for each: those beyond the wanted ones are new ones
/// that still start, or old ones that drain.
fn serving(service: &Service) -> u32 {
    let running = u32::try_from(service.running_count()).unwrap_or_default();
    running.min(desired_count(service))
}

fn endpoint(place: &Place) -> Option<String> {
    let balancer = place.surroundings().load_balancer.as_ref();
    let balancer = balancer.filter(|_| place.service == ServiceName::LoanApi);
    balancer.map(|balancer| balancer.endpoint.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecs::fixture::{place, template};

    fn known() -> Known {
        Known {
            template: template("scoring:1"),
            scaling: None,
            settings: Some((3, 7)),
            own_deployment: None,
            redefined: Vec::new(),
        }
    }

    fn found(status: &str, desired: i32, running: i32) -> Service {
        Service::builder()
            .status(status)
            .desired_count(desired)
            .running_count(running)
            .build()
    }

    #[test]
    fn tasks_beyond_the_wanted_ones_do_not_serve_yet_or_no_longer() {
        for (status, desired, running, serving) in [
            ("ACTIVE", 2, 0, 0),
            ("ACTIVE", 2, 1, 1),
            ("ACTIVE", 2, 4, 2),
            ("ACTIVE", 0, 1, 0),
            ("DRAINING", 2, 2, 0),
        ] {
            let service = found(status, desired, running);
            let observed = observed(&place(ServiceName::Scoring), &service, known());
            let summary = observed.summary.unwrap();
            assert_eq!(summary.serving, serving, "{status} {desired} {running}");
            assert_eq!(summary.settings, Some((3, 7)));
        }
    }

    #[test]
    fn a_removed_service_is_not_there_and_one_being_removed_wants_no_tasks() {
        assert!(!is_there(&found("INACTIVE", 0, 0)));
        let draining = found("DRAINING", 2, 2);
        assert!(is_there(&draining));
        assert_eq!(desired_count(&draining), 0);
    }

    #[test]
    fn only_the_loan_api_has_an_address() {
        for service in ServiceName::ALL {
            let observed = observed(&place(service), &found("ACTIVE", 1, 1), known());
            let address = (service == ServiceName::LoanApi).then_some("https://loans.example");
            assert_eq!(observed.endpoint.as_deref(), address);
        }
    }

    #[test]
    fn the_newest_deployment_says_what_is_run() {
        let primary = Deployment::builder()
            .status("PRIMARY")
            .task_definition("arn:2");
        let service = Service::builder()
            .task_definition("arn:1")
            .deployments(primary.build())
            .build();
        assert_eq!(task_definition(&service), Some("arn:2"));
    }
}
