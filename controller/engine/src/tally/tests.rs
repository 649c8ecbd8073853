use std::time::Duration;

use schema::names::{PlatformName, ServiceName};
use tokio::time::{advance, pause};

use super::Tally;
use crate::observed::Observed;
use crate::ports::{
    DeploymentState, ObservedDeployment, ObservedService, TaskSummary, TaskTemplate, Urgency,
};

fn image() -> schema::platform::Image {
    schema::platform::Image("scoring:1".to_owned())
}

const SOME_TIME: Duration = Duration::from_secs(100);

fn dev() -> PlatformName {
    "dev".try_into().unwrap()
}

/// What a look finds while scoring's only deployment is in `state`.
fn finds(state: DeploymentState) -> Observed {
    let mut observed = Observed::nothing(jiff::Timestamp::UNIX_EPOCH);
    let service = ObservedService {
        platform: dev(),
        service: ServiceName::Scoring,
        template: TaskTemplate {
            image: image(),
            cpu: 256,
            memory: 512,
        },
        desired_count: 1,
        scaling: None,
        drift: Vec::new(),
        restarts: 0,
        deployment: ObservedDeployment {
            id: "1".to_owned(),
            state,
        },
        tasks: Vec::new(),
        summary: Some(TaskSummary {
            serving: 1,
            settings: None,
        }),
        endpoint: None,
    };
    observed.services.insert(ServiceName::Scoring, service);
    observed
}

fn failed() -> DeploymentState {
    DeploymentState::Failed {
        reason: "no".to_owned(),
    }
}

#[tokio::test]
async fn ages_grow_while_nothing_is_seen() {
    pause();
    let tally = Tally::default();
    assert_eq!(tally.counts().specs_age, None, "it stands by");
    tally.begin(1);
    advance(SOME_TIME).await;
    assert_eq!(tally.counts().specs_age, Some(SOME_TIME), "since it began");
    assert_eq!(tally.counts().platforms_age, None, "there is no platform");

    tally.listed_specs(false);
    tally.looks();
    advance(SOME_TIME).await;
    assert_eq!(tally.counts().specs_age, Some(SOME_TIME));
    assert_eq!(tally.counts().platforms_age, Some(SOME_TIME), "it hangs");

    tally.looked_at(&dev(), &finds(DeploymentState::Completed), Urgency::Resync);
    assert_eq!(tally.counts().platforms_age, Some(Duration::ZERO));
    tally.forget(&dev());
    assert_eq!(tally.counts().platforms_age, None);
}

#[tokio::test]
async fn a_reconcile_is_counted_with_its_duration_and_one_cut_off_is_not() {
    pause();
    let tally = Tally::default();
    tally.waits(&dev());
    assert_eq!(tally.counts().waiting, 1);
    let round = tally.reconciles(&dev());
    let counts = tally.counts();
    assert_eq!((counts.waiting, counts.reconciling), (0, 1));
    advance(SOME_TIME).await;
    round.ends(false);
    drop(tally.reconciles(&dev()));
    let counts = tally.counts();
    assert_eq!((counts.succeeded, counts.failed), (0, 1));
    assert_eq!(counts.reconciling, 0);
    assert_eq!(counts.durations.sum(), SOME_TIME);
    assert_eq!(counts.durations.count(), 1);
}

#[tokio::test]
async fn another_state_that_only_a_resync_found_was_missed() {
    pause();
    for (urgency, hinted, missed) in [
        (Urgency::Resync, false, 1),
        (Urgency::Resync, true, 0),
        (Urgency::Edit, false, 0),
    ] {
        let tally = Tally::default();
        tally.looked_at(&dev(), &finds(DeploymentState::Completed), urgency);
        tally.looked_at(&dev(), &finds(DeploymentState::Completed), urgency);
        tally.looked_at(&dev(), &finds(failed()), urgency);
        if hinted {
            tally.told_of(&dev());
        }
        advance(SOME_TIME).await;
        let found = tally.counts().missed_platforms;
        assert_eq!(found, missed, "{urgency:?}, hinted: {hinted}");
    }
}

#[test]
fn drift_is_that_of_the_newest_look_at_each_platform() {
    let tally = Tally::default();
    let prod: PlatformName = "prod".try_into().unwrap();
    tally.differs(&dev(), 3);
    tally.differs(&prod, 1);
    tally.differs(&prod, 2);
    let counts = tally.counts();
    assert_eq!((counts.drifted_platforms, counts.drifted_fields), (2, 5));
    tally.differs(&dev(), 0);
    tally.forget(&prod);
    let counts = tally.counts();
    assert_eq!((counts.drifted_platforms, counts.drifted_fields), (0, 0));
}
