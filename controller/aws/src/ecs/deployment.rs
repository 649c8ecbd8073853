//! How far a service's newest deployment is, and whether ECS itself went back to it.

use aws_sdk_ecs::types::{Deployment, DeploymentRolloutState, Service, ServiceEvent};
use engine::ports::{DeploymentState, ObservedDeployment};

/// Words that ECS has for going back: `rolling back to deploymentId ecs-svc/1` in the reason of the deployment that
/// it goes back to, `rolling back to deployment ecs-svc/1` among the service's events. It has them nowhere else.
const GOING_BACK: [&str; 3] = ["rolling back", "rolled back", "rollback"];
/// What ECS writes of the deployment that failed: `(deployment ecs-svc/2) deployment failed: REASON`.
const FAILED: &str = "deployment failed:";
/// A deployment that ECS makes to go back stands at once after the event that says so.
const AT_ONCE_MS: i64 = 5_000;

/// The newest deployment of `service`: what its tasks should be started from.
pub(crate) fn primary(service: &Service) -> Option<&Deployment> {
    let mut deployments = service.deployments().iter();
    deployments.find(|deployment| deployment.status() == Some("PRIMARY"))
}

/// How far the newest deployment of `service` is.
///
/// Where ECS went back, the id says what from: should ECS go back to the older deployment itself, under its own
/// id, the failure still shows as a deployment of its own. `own` is the id of the newest deployment that this
/// controller asked for, as far as it remembers.
pub(crate) fn observed(service: &Service, own: Option<&str>) -> ObservedDeployment {
    let Some(primary) = primary(service) else {
        return without_any(service);
    };
    let id = primary.id().unwrap_or_default();
    let is_own = own == Some(id);
    match failure_gone_back_from(service, primary, is_own) {
        Some(failure) => ObservedDeployment {
            id: format!("{id} back from {}", failure.deployment),
            state: DeploymentState::RolledBack {
                reason: failure.reason,
            },
        },
        None => ObservedDeployment {
            id: id.to_owned(),
            state: state(service, primary),
        },
    }
}

/// A service without a deployment has nothing under way: it is being removed.
fn without_any(service: &Service) -> ObservedDeployment {
    ObservedDeployment {
        id: service.service_arn().unwrap_or_default().to_owned(),
        state: DeploymentState::Completed,
    }
}

fn state(service: &Service, primary: &Deployment) -> DeploymentState {
    match primary.rollout_state() {
        Some(DeploymentRolloutState::Completed) => DeploymentState::Completed,
        Some(DeploymentRolloutState::Failed) => DeploymentState::Failed {
            reason: reason_of(primary),
        },
        None if has_all_tasks(service, primary) => DeploymentState::Completed,
        _ => DeploymentState::InProgress,
    }
}

/// What `COMPLETED` means, for a deployment whose state ECS does not tell: one behind a Classic Load Balancer.
fn has_all_tasks(service: &Service, primary: &Deployment) -> bool {
    service.deployments().len() == 1 && primary.running_count() == primary.desired_count()
}

/// A deployment that failed, and that ECS went back from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Failure {
    /// Its id, or when it was gone back from.
    deployment: String,
    reason: String,
}

/// What ECS went back from, if it went back to `primary`.
///
/// While it goes back, the deployment's reason says so. Once that is done, the reason says only that it is
/// complete, and the failed deployment is gone; but the service's last hundred events are kept.
fn failure_gone_back_from(
    service: &Service,
    primary: &Deployment,
    is_own: bool,
) -> Option<Failure> {
    if primary.rollout_state() == Some(&DeploymentRolloutState::Failed) {
        // What was gone back to does not start any more either.
        return None;
    }
    let listed = failed_beside(service);
    if listed.is_some_and(|failed| failed.task_definition() == primary.task_definition()) {
        // It is what failed, deployed once more.
        return None;
    }
    let events = newest_first(service.events());
    let led_here = |event: &&ServiceEvent| led_to(event, primary, is_own);
    if let Some(index) = events.iter().position(led_here) {
        return events.get(index..).and_then(failure_told);
    }
    is_going_back(primary).then(|| Failure {
        deployment: listed
            .and_then(Deployment::id)
            .unwrap_or("another")
            .to_owned(),
        reason: reason_of(listed.unwrap_or(primary)),
    })
}

/// The deployment that failed and still has tasks.
fn failed_beside(service: &Service) -> Option<&Deployment> {
    let mut others = service.deployments().iter();
    others.find(|other| {
        other.status() != Some("PRIMARY")
            && other.rollout_state() == Some(&DeploymentRolloutState::Failed)
    })
}

/// Whether `event` says that ECS went back to `primary`.
///
/// Any deployment after that would be newer than the event. Whether ECS makes one to go back, just after it said
/// so, or goes back to the older one itself, is not documented. One that this controller asked for is none that
/// ECS made: just after ECS went back, it takes the place of what was gone back to.
fn led_to(event: &ServiceEvent, primary: &Deployment, is_own: bool) -> bool {
    let told = event.created_at().and_then(milliseconds);
    let made = primary.created_at().and_then(milliseconds);
    let is_newest = told.zip(made).is_some_and(|(told, made)| {
        if is_own {
            told > made
        } else {
            told >= made - AT_ONCE_MS
        }
    });
    is_newest && tells_of_going_back(event)
}

/// `(service dev-scoring) rolling back to …`: names of services and images may hold the words as well.
fn tells_of_going_back(event: &ServiceEvent) -> bool {
    let message = event.message().unwrap_or_default().to_ascii_lowercase();
    let said = message.split_once(") ").map(|(_, said)| said);
    said.is_some_and(|said| GOING_BACK.iter().any(|words| said.starts_with(words)))
}

/// What the newest of `events` went back from: the newest failure before it, `(service dev-scoring) (deployment
/// ecs-svc/2) deployment failed: REASON.`
fn failure_told(events: &[&ServiceEvent]) -> Option<Failure> {
    let back = events.first()?;
    let mut messages = events.iter().filter_map(|event| event.message());
    let failed = messages.find_map(|message| message.split_once(FAILED));
    let named = failed.and_then(|(before, _)| before.rsplit_once("(deployment "));
    let named = named.and_then(|(_, rest)| rest.split(')').next());
    let at = || {
        back.created_at()
            .map_or(0, aws_smithy_types::DateTime::secs)
    };
    Some(Failure {
        deployment: named.map_or_else(|| format!("another at {}", at()), str::to_owned),
        reason: tidy(
            failed.map_or_else(|| back.message().unwrap_or_default(), |(_, reason)| reason),
        ),
    })
}

/// Whether ECS says that it goes back to `primary`.
pub(super) fn is_going_back(primary: &Deployment) -> bool {
    let reason = primary.rollout_state_reason().unwrap_or_default();
    let reason = reason.to_ascii_lowercase();
    GOING_BACK.iter().any(|words| reason.contains(words))
}

fn milliseconds(at: &aws_smithy_types::DateTime) -> Option<i64> {
    at.to_millis().ok()
}

/// ECS tells them so already; it promises nothing.
fn newest_first(events: &[ServiceEvent]) -> Vec<&ServiceEvent> {
    let mut events: Vec<&ServiceEvent> = events.iter().collect();
    events.sort_by_key(|event| {
        let at = event.created_at().map(aws_smithy_types::DateTime::as_nanos);
        std::cmp::Reverse(at)
    });
    events
}

fn reason_of(deployment: &Deployment) -> String {
    let reason = deployment.rollout_state_reason();
    tidy(reason.unwrap_or("ECS gives no reason"))
}

fn tidy(reason: &str) -> String {
    reason.trim().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::builders::DeploymentBuilder;
    use aws_smithy_types::DateTime;

    use super::*;

    fn deployment(status: &str, number: u32, state: &str, reason: &str) -> DeploymentBuilder {
        Deployment::builder()
            .status(status)
            .id(format!("ecs-svc/{number}"))
            .task_definition(format!("dev-scoring:{number}"))
            .rollout_state(state.into())
            .rollout_state_reason(reason)
    }

    fn event(at: i64, message: &str) -> ServiceEvent {
        ServiceEvent::builder()
            .created_at(DateTime::from_secs(at))
            .message(format!("(service dev-scoring) {message}"))
            .build()
    }

    fn service(deployments: Vec<DeploymentBuilder>, events: Vec<ServiceEvent>) -> Service {
        let deployments = deployments.into_iter().map(DeploymentBuilder::build);
        Service::builder()
            .set_deployments(Some(deployments.collect()))
            .set_events(Some(events))
            .build()
    }

    fn rolled_back(reason: &str) -> DeploymentState {
        DeploymentState::RolledBack {
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn a_deployment_is_as_far_as_ecs_says() {
        for (state, expected) in [
            ("IN_PROGRESS", DeploymentState::InProgress),
            ("COMPLETED", DeploymentState::Completed),
            (
                "FAILED",
                DeploymentState::Failed {
                    reason: "tasks failed to start".to_owned(),
                },
            ),
        ] {
            let primary = deployment("PRIMARY", 7, state, "tasks failed to start.");
            let observed = observed(&service(vec![primary], vec![]), None);
            assert_eq!(observed.state, expected);
            assert_eq!(observed.id, "ecs-svc/7");
        }
    }

    #[test]
    fn while_ecs_goes_back_it_is_told_from_the_reason() {
        let service = service(
            vec![
                deployment(
                    "PRIMARY",
                    9,
                    "IN_PROGRESS",
                    "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/7.",
                ),
                deployment(
                    "ACTIVE",
                    8,
                    "FAILED",
                    "ECS deployment circuit breaker: tasks failed to start.",
                ),
            ],
            vec![],
        );
        let observed = observed(&service, None);
        assert_eq!(observed.id, "ecs-svc/9 back from ecs-svc/8");
        assert_eq!(
            observed.state,
            rolled_back("ECS deployment circuit breaker: tasks failed to start")
        );
    }

    #[test]
    fn once_ecs_has_gone_back_it_is_told_from_the_events() {
        let events = || {
            vec![
                event(130, "has reached a steady state."),
                event(120, "(deployment ecs-svc/7) deployment completed."),
                event(100, "rolling back to deployment ecs-svc/7."),
                event(
                    100,
                    "(deployment ecs-svc/8) deployment failed: tasks failed to start.",
                ),
                event(10, "(deployment ecs-svc/7) deployment completed."),
            ]
        };
        let done = |number| deployment("PRIMARY", number, "COMPLETED", "ECS deployment completed.");
        let of_the_same_id = done(7).created_at(DateTime::from_secs(5));
        let of_a_new_id = done(9).created_at(DateTime::from_secs(101));
        for (primary, id) in [
            (of_the_same_id, "ecs-svc/7 back from ecs-svc/8"),
            (of_a_new_id, "ecs-svc/9 back from ecs-svc/8"),
        ] {
            let observed = observed(&service(vec![primary], events()), None);
            assert_eq!(observed.id, id);
            assert_eq!(observed.state, rolled_back("tasks failed to start"));
        }
    }

    #[test]
    fn a_deployment_after_a_rollback_is_no_rollback() {
        let events = vec![
            event(100, "rolling back to deployment ecs-svc/7."),
            event(
                100,
                "(deployment ecs-svc/8) deployment failed: tasks failed to start.",
            ),
        ];
        let later = deployment("PRIMARY", 10, "IN_PROGRESS", "ECS deployment in progress.")
            .created_at(DateTime::from_secs(500));
        let observed = observed(&service(vec![later], events), None);
        assert_eq!(observed.id, "ecs-svc/10");
        assert_eq!(observed.state, DeploymentState::InProgress);
    }

    #[test]
    fn what_is_asked_for_at_once_after_a_rollback_is_no_rollback() {
        let service = |told| {
            let asked_for = deployment("PRIMARY", 10, "COMPLETED", "ECS deployment completed.")
                .created_at(DateTime::from_secs(102));
            let events = vec![
                event(told, "rolling back to deployment ecs-svc/7."),
                event(
                    told,
                    "(deployment ecs-svc/8) deployment failed: tasks failed to start.",
                ),
            ];
            service(vec![asked_for], events)
        };
        let own = Some("ecs-svc/10");
        assert_eq!(
            observed(&service(100), own).state,
            DeploymentState::Completed
        );
        let failed = rolled_back("tasks failed to start");
        for (told, own, what) in [
            (100, None, "nobody knows who made it"),
            (100, Some("ecs-svc/9"), "another one was asked for"),
            (300, own, "ECS went back to it later"),
        ] {
            assert_eq!(observed(&service(told), own).state, failed, "{what}");
        }
    }

    #[test]
    fn a_name_that_sounds_like_a_rollback_is_none() {
        let primary = deployment("PRIMARY", 7, "COMPLETED", "ECS deployment completed.")
            .created_at(DateTime::from_secs(5));
        let started = ServiceEvent::builder()
            .created_at(DateTime::from_secs(100))
            .message("(service rollback-scoring) has started 1 tasks: (task rollback).");
        let observed = observed(&service(vec![primary], vec![started.build()]), None);
        assert_eq!(observed.state, DeploymentState::Completed);
    }

    #[test]
    fn a_failure_that_events_do_not_name_is_told_by_its_time() {
        let events = vec![
            event(100, "rolled back to the last completed deployment."),
            event(
                100,
                "deployment failed: deployment circuit breaker was triggered.",
            ),
        ];
        let primary = deployment("PRIMARY", 7, "COMPLETED", "ECS deployment completed.")
            .created_at(DateTime::from_secs(5));
        let observed = observed(&service(vec![primary], events), None);
        assert_eq!(observed.id, "ecs-svc/7 back from another at 100");
        let reason = "deployment circuit breaker was triggered";
        assert_eq!(observed.state, rolled_back(reason));
    }

    #[test]
    fn a_deployment_beside_one_that_failed_is_no_rollback() {
        let service = service(
            vec![
                deployment("PRIMARY", 9, "IN_PROGRESS", "ECS deployment in progress."),
                deployment("ACTIVE", 8, "FAILED", "tasks failed to start."),
            ],
            vec![],
        );
        assert_eq!(observed(&service, None).state, DeploymentState::InProgress);
    }

    #[test]
    fn what_failed_and_is_deployed_once_more_is_no_rollback() {
        let service = service(
            vec![
                deployment("PRIMARY", 9, "IN_PROGRESS", "ECS deployment in progress.")
                    .task_definition("dev-scoring:8")
                    .created_at(DateTime::from_secs(102)),
                deployment("ACTIVE", 8, "FAILED", "tasks failed to start."),
            ],
            vec![event(100, "rolling back to deployment ecs-svc/7.")],
        );
        assert_eq!(observed(&service, None).state, DeploymentState::InProgress);
    }

    #[test]
    fn without_a_state_of_its_own_the_tasks_tell_how_far_it_is() {
        let counted = |running| {
            let primary = Deployment::builder()
                .status("PRIMARY")
                .id("ecs-svc/1")
                .desired_count(2)
                .running_count(running);
            observed(&service(vec![primary], vec![]), None).state
        };
        assert_eq!(counted(1), DeploymentState::InProgress);
        assert_eq!(counted(2), DeploymentState::Completed);
    }
}
