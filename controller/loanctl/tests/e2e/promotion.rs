//! A harmless change proves good and stays.

use schema::status::{HistoryKind, Phase};

use crate::laptop::{BOUND, Laptop};
use crate::load::Load;
use crate::spec::Spec;
use crate::view::View;

#[tokio::test(flavor = "multi_thread")]
async fn a_harmless_change_is_promoted() {
    let spec = Spec::new();
    let laptop = Laptop::with(&spec).await;
    let load = Load::start(&laptop.endpoint(), 30).await;
    let first = laptop
        .wait_within(BOUND, "the first revision to prove good", is_good)
        .await;

    laptop.save(&spec.with("maxBackoff: 100ms", "maxBackoff: 120ms"));
    laptop
        .wait("the change to be under way", |it| !is_good(it))
        .await;
    let second = laptop
        .wait_within(BOUND, "the change to prove good", is_good)
        .await;

    let promoted = second.entries(HistoryKind::Promoted);
    let [_, promoted] = promoted[..] else {
        panic!("{promoted:#?}")
    };
    let evidence = promoted.evidence.as_ref().expect("evidence");
    let fields: Vec<String> = evidence.fields.iter().map(ToString::to_string).collect();
    assert_eq!(
        fields,
        ["services.scoring.clients.provider.retry.maxBackoff: 100ms → 120ms"]
    );
    assert!(evidence.samples >= Some(20), "{evidence:#?}");
    assert_ne!(
        second.status.scoring.last_good_revision,
        first.status.scoring.last_good_revision
    );
    assert!(second.is_ready(), "{:#?}", second.status.conditions);
    let load = load.all();
    assert_eq!(load.failed, 0, "{load}\n{:#?}", load.failures);
}

fn is_good(platform: &engine::board::PlatformObject) -> bool {
    let scoring = &platform.status.scoring;
    platform.phase() == Phase::Succeeded
        && scoring.live_revision == scoring.last_good_revision
        && platform.status.observed_generation == platform.metadata.generation
}
