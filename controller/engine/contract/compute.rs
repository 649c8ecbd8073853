//! What every home's `Compute` must do. A home's tests include this file and give it a runner of their own.
#![expect(clippy::expect_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use engine::ports::{
    Compute, DeploymentState, ObservedService, PortError, ServiceChange, ServiceDefinition,
    TaskTemplate, Urgency,
};
use schema::names::{PlatformName, ServiceName};
use schema::platform::{DesiredCount, Image, Scaling};
use schema::units::Whole;

/// Longest wait for anything: far above what a busy machine needs.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks while waiting.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// What a home is given to run, and where it differs from others on purpose.
#[derive(Debug)]
pub(crate) struct Fixture {
    /// Image whose tasks serve.
    pub(crate) good: &'static str,
    /// Another one.
    pub(crate) better: &'static str,
    /// Image whose tasks end before they serve.
    pub(crate) broken: &'static str,
    /// What the home does about a deployment that does not start: goes back by itself to the template before,
    /// as ECS does, or else leaves the deployment the newest one, and says that it failed.
    pub(crate) goes_back: bool,
}

/// Runs the whole contract on `compute`, which must run nothing yet.
pub(crate) async fn holds_for(compute: &dyn Compute, fixture: &Fixture) {
    let of = |platform: &str| Subject {
        compute,
        fixture,
        platform: platform.try_into().expect("a name"),
    };
    what_was_not_made_is_not_found(&of("nowhere")).await;
    what_is_not_there_cannot_be_changed(&of("nothing")).await;
    what_was_created_is_found_as_it_was_wanted_and_serves(&of("created")).await;
    without_a_count_a_new_service_has_one_task_and_an_old_one_keeps_its_own(&of("uncounted")).await;
    creating_what_is_there_is_an_update(&of("twice")).await;
    deploying_what_is_there_is_no_deployment(&of("same")).await;
    a_deployment_has_an_id_of_its_own_and_replaces_the_template(&of("deployed")).await;
    a_scale_changes_the_count_and_nothing_else(&of("scaled")).await;
    a_range_of_automatic_scaling_is_found_as_it_was_wanted_and_can_end(&of("ranged")).await;
    what_does_not_start_fails_with_a_reason_and_the_old_tasks_serve_on(&of("failing")).await;
    platforms_do_not_see_each_other(&of("east"), &of("west")).await;
    what_was_deleted_is_gone_and_can_be_made_again(&of("deleted")).await;
}

/// Scoring of one platform.
struct Subject<'a> {
    compute: &'a dyn Compute,
    fixture: &'a Fixture,
    platform: PlatformName,
}

impl Subject<'_> {
    fn wants(
        &self,
        image: &str,
        count: Option<u32>,
        scaling: Option<Scaling>,
    ) -> ServiceDefinition {
        ServiceDefinition {
            platform: self.platform.clone(),
            service: ServiceName::Scoring,
            template: template(image),
            count,
            scaling,
        }
    }

    async fn asks(&self, change: ServiceChange) -> Result<(), PortError> {
        let permit = self.compute.permit(&change, Urgency::Edit).await;
        self.compute.apply(&change, 1, permit).await
    }

    async fn creates(&self, image: &str, count: impl Into<Option<u32>>) {
        let definition = self.wants(image, count.into(), None);
        let asked = self.asks(ServiceChange::Create(definition)).await;
        asked.expect("created");
    }

    /// With tasks that serve.
    async fn has(&self, image: &str, count: u32) -> ObservedService {
        self.creates(image, count).await;
        self.completes(image, count).await
    }

    async fn deploys(&self, image: &str) -> Result<(), PortError> {
        self.asks(ServiceChange::Deploy {
            platform: self.platform.clone(),
            service: ServiceName::Scoring,
            template: template(image),
        })
        .await
    }

    async fn scales(&self, count: u32, scaling: Option<Scaling>) -> Result<(), PortError> {
        self.asks(ServiceChange::Scale {
            platform: self.platform.clone(),
            service: ServiceName::Scoring,
            count,
            scaling,
        })
        .await
    }

    async fn deletes(&self) -> Result<(), PortError> {
        self.asks(ServiceChange::Delete {
            platform: self.platform.clone(),
            service: ServiceName::Scoring,
        })
        .await
    }

    async fn found(&self) -> Option<ObservedService> {
        let mut found = look(self.compute, &[&self.platform]).await;
        assert!(found.len() <= 1, "it is one service: {found:#?}");
        found.pop()
    }

    /// Waits until the service is as `is_so` says.
    async fn becomes(
        &self,
        what: &str,
        is_so: impl Fn(&ObservedService) -> bool,
    ) -> ObservedService {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.found().await;
            if let Some(service) = found.as_ref().filter(|service| is_so(service)) {
                return service.clone();
            }
            assert!(Instant::now() < deadline, "not {what}: {found:#?}");
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Waits until a deployment of `image` is complete, and so many tasks serve.
    async fn completes(&self, image: &str, count: u32) -> ObservedService {
        self.becomes(&format!("{count} of {image}"), |service| {
            service.deployment.state == DeploymentState::Completed
                && service.template == template(image)
                && service.running() == count as usize
        })
        .await
    }

    async fn is_gone(&self) {
        let deadline = Instant::now() + PATIENCE;
        while let Some(service) = self.found().await {
            assert!(Instant::now() < deadline, "not gone: {service:#?}");
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}

fn template(image: &str) -> TaskTemplate {
    TaskTemplate {
        image: Image(image.to_owned()),
        cpu: 256,
        memory: 512,
    }
}

async fn look(compute: &dyn Compute, platforms: &[&PlatformName]) -> Vec<ObservedService> {
    let platforms: BTreeSet<PlatformName> = platforms.iter().copied().cloned().collect();
    let seen = compute.observe(&platforms, Urgency::Edit).await;
    seen.expect("observed").found
}

async fn what_was_not_made_is_not_found(nowhere: &Subject<'_>) {
    assert_eq!(nowhere.found().await, None);
}

async fn what_is_not_there_cannot_be_changed(nothing: &Subject<'_>) {
    let deployed = nothing.deploys(nothing.fixture.good).await;
    assert!(deployed.is_err(), "{deployed:?}");
    let scaled = nothing.scales(2, None).await;
    assert!(scaled.is_err(), "{scaled:?}");
    assert_eq!(nothing.found().await, None, "nothing is made by it");
}

async fn what_was_created_is_found_as_it_was_wanted_and_serves(created: &Subject<'_>) {
    let found = created.has(created.fixture.good, 2).await;
    assert_eq!(found.platform, created.platform);
    assert_eq!(found.service, ServiceName::Scoring);
    assert_eq!((found.desired_count, found.scaling), (2, None));
    assert_eq!(found.restarts, 0);
    assert_eq!(
        found.endpoint, None,
        "only the loan API has an address of its own"
    );
}

async fn without_a_count_a_new_service_has_one_task_and_an_old_one_keeps_its_own(
    uncounted: &Subject<'_>,
) {
    let Fixture { good, better, .. } = uncounted.fixture;
    uncounted.creates(good, None).await;
    let found = uncounted.completes(good, 1).await;
    assert_eq!(found.desired_count, 1);
    uncounted.scales(2, None).await.expect("scaled");
    uncounted.completes(good, 2).await;
    uncounted.creates(better, None).await;
    let found = uncounted.completes(better, 2).await;
    assert_eq!(found.desired_count, 2);
}

async fn creating_what_is_there_is_an_update(twice: &Subject<'_>) {
    let Fixture { good, better, .. } = twice.fixture;
    twice.creates(good, 1).await;
    twice.creates(good, 1).await;
    let first = twice.completes(good, 1).await;
    twice.creates(better, 2).await;
    let second = twice.completes(better, 2).await;
    assert_eq!(second.desired_count, 2);
    assert_ne!(second.deployment.id, first.deployment.id);
}

async fn deploying_what_is_there_is_no_deployment(same: &Subject<'_>) {
    let before = same.has(same.fixture.good, 1).await;
    same.deploys(same.fixture.good).await.expect("asked for");
    let after = same.found().await.expect("there");
    assert_eq!(after.deployment, before.deployment);
}

async fn a_deployment_has_an_id_of_its_own_and_replaces_the_template(deployed: &Subject<'_>) {
    let Fixture { good, better, .. } = deployed.fixture;
    let before = deployed.has(good, 2).await;
    deployed.deploys(better).await.expect("asked for");
    let asked = deployed.found().await.expect("there");
    assert_ne!(asked.deployment.id, before.deployment.id);
    let after = deployed.completes(better, 2).await;
    assert_eq!(after.deployment.id, asked.deployment.id);
    assert_eq!(after.desired_count, 2);
    deployed.deploys(good).await.expect("asked for");
    let back = deployed.completes(good, 2).await;
    assert_ne!(
        back.deployment.id, before.deployment.id,
        "the same template again is another deployment"
    );
}

async fn a_scale_changes_the_count_and_nothing_else(scaled: &Subject<'_>) {
    let before = scaled.has(scaled.fixture.good, 1).await;
    for count in [3, 1] {
        scaled.scales(count, None).await.expect("asked for");
        let asked = scaled.found().await.expect("there");
        assert_eq!(asked.desired_count, count);
        let after = scaled.completes(scaled.fixture.good, count).await;
        assert_eq!(after.deployment, before.deployment);
    }
}

async fn a_range_of_automatic_scaling_is_found_as_it_was_wanted_and_can_end(ranged: &Subject<'_>) {
    let range = |least, most| Scaling {
        min_capacity: DesiredCount::new(least),
        max_capacity: DesiredCount::new(most),
        target_cpu_utilization: Whole::new(60),
    };
    let good = ranged.fixture.good;
    let wanted = ranged.wants(good, None, Some(range(2, 4)));
    let asked = ranged.asks(ServiceChange::Create(wanted)).await;
    asked.expect("created");
    let found = ranged.completes(good, 2).await;
    assert_eq!(
        (found.desired_count, found.scaling),
        (2, Some(range(2, 4))),
        "it begins within its range"
    );
    for scaling in [Some(range(1, 3)), None] {
        ranged.scales(3, scaling).await.expect("asked for");
        let found = ranged.completes(good, 3).await;
        assert_eq!(found.scaling, scaling);
    }
}

async fn what_does_not_start_fails_with_a_reason_and_the_old_tasks_serve_on(failing: &Subject<'_>) {
    let Fixture {
        good,
        better,
        broken,
        goes_back,
    } = failing.fixture;
    let before = failing.has(good, 2).await;
    failing.deploys(broken).await.expect("asked for");
    let after = failing
        .becomes("failed", |service| {
            assert_eq!(service.running(), 2, "as many as before: {service:#?}");
            reason(service).is_some()
        })
        .await;
    let went_back = matches!(after.deployment.state, DeploymentState::RolledBack { .. });
    assert_eq!(went_back, *goes_back, "{after:#?}");
    let newest = if *goes_back { good } else { broken };
    assert_eq!(after.template, template(newest));
    assert_ne!(reason(&after), Some(""), "it says why");
    assert_ne!(after.deployment.id, before.deployment.id);

    failing.deploys(better).await.expect("asked for");
    failing.completes(better, 2).await;
}

fn reason(service: &ObservedService) -> Option<&str> {
    match &service.deployment.state {
        DeploymentState::Failed { reason } | DeploymentState::RolledBack { reason } => Some(reason),
        DeploymentState::InProgress | DeploymentState::Completed => None,
    }
}

async fn platforms_do_not_see_each_other(east: &Subject<'_>, west: &Subject<'_>) {
    let Fixture { good, better, .. } = east.fixture;
    east.has(good, 1).await;
    assert_eq!(west.found().await, None);
    west.has(better, 1).await;
    let found = east.found().await.expect("there");
    assert_eq!(found.template, template(good));

    let both = look(east.compute, &[&east.platform, &west.platform]).await;
    let platforms: BTreeSet<&PlatformName> = both.iter().map(|it| &it.platform).collect();
    assert_eq!(platforms, [&east.platform, &west.platform].into());
    assert_eq!(both.len(), 2);
    east.deletes().await.expect("asked for");
    east.is_gone().await;
    west.completes(better, 1).await;
}

async fn what_was_deleted_is_gone_and_can_be_made_again(deleted: &Subject<'_>) {
    let before = deleted.has(deleted.fixture.good, 1).await;
    deleted.deletes().await.expect("asked for");
    if let Some(going) = deleted.found().await {
        assert_eq!(going.desired_count, 0, "what is going wants no tasks");
    }
    deleted.is_gone().await;
    let again = deleted.deletes().await;
    again.expect("removing what is not there is no error");
    let made = deleted.has(deleted.fixture.good, 1).await;
    assert_ne!(made.deployment.id, before.deployment.id);
}
