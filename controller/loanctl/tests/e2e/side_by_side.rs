//! Two platforms on one machine.

use std::fs;
use std::time::{Duration, Instant};

use engine::board::PlatformObject;

use crate::database;
use crate::laptop::{BOUND, Laptop};
use crate::load::{Client, Load};
use crate::processes;
use crate::spec::Spec;
use crate::view::pids;

#[tokio::test(flavor = "multi_thread")]
async fn two_platforms_decide_side_by_side_and_one_goes_without_the_other() {
    let mut laptop = Laptop::off();
    laptop.save(&Spec::new());
    let second = Spec::new()
        .with("name: local", "name: second")
        .with("deletionPolicy: Retain", "deletionPolicy: Delete");
    let second_file = laptop.specs().join("second.yaml");
    second.save(&second_file);
    laptop.start();
    let local = laptop
        .wait("local to be ready", PlatformObject::is_ready)
        .await;
    let second = laptop
        .wait_for(
            "second",
            BOUND,
            "second to be ready",
            PlatformObject::is_ready,
        )
        .await;
    assert_eq!(
        local.status.endpoint.as_deref(),
        Some(laptop.endpoint().as_str())
    );
    assert_ne!(local.status.endpoint, second.status.endpoint);

    let of_local = decide(&local).await;
    let of_second = decide(&second).await;
    for (database, its_own, of_the_other) in [
        ("loans_db", &of_local, &of_second),
        ("loans_db_second", &of_second, &of_local),
    ] {
        assert!(
            database::application(&laptop, database, its_own)
                .await
                .is_some()
        );
        assert_eq!(
            database::application(&laptop, database, of_the_other).await,
            None
        );
    }

    let load = Load::start(&laptop.endpoint(), 20).await;
    fs::remove_file(second_file).unwrap();
    processes::gone(&all_pids(&second), BOUND).await;
    wait_until_not_shown(&laptop, "second").await;
    load.run_for(Duration::from_secs(3)).await;

    let after = laptop.platform().await;
    assert_eq!(all_pids(&after), all_pids(&local));
    assert!(after.is_ready(), "{:#?}", after.status.conditions);
    let load = load.all();
    assert_eq!(load.failed, 0, "{load}\n{:#?}", load.failures);
}

/// Applies for a loan at the platform's own endpoint, and returns the application's id.
async fn decide(platform: &PlatformObject) -> String {
    let endpoint = platform.status.endpoint.as_deref().expect("an endpoint");
    let (status, answer) = Client::new(endpoint).await.apply("ada").await.unwrap();
    assert_eq!(status, 200, "{answer}");
    answer["applicationId"].as_str().expect("an id").to_owned()
}

fn all_pids(platform: &PlatformObject) -> Vec<u32> {
    platform.status.services.iter().flat_map(pids).collect()
}

async fn wait_until_not_shown(laptop: &Laptop, name: &str) {
    let started = Instant::now();
    while laptop
        .platforms()
        .await
        .iter()
        .any(|it| it.metadata.name.as_deref() == Some(name))
    {
        assert!(started.elapsed() < BOUND, "{name} is still shown");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
