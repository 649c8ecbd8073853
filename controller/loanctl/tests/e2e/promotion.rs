//! A harmless change proves good and stays.

use schema::status::{HistoryKind, Phase};

use crate::command::{loanctl, run};
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

    let unchanged = plan(&laptop, &spec).await;
    assert_eq!(unchanged.code, Some(0), "{}", unchanged.text);
    assert!(unchanged.text.contains("No changes"), "{}", unchanged.text);
    let edit = spec.with("maxBackoff: 100ms", "maxBackoff: 120ms");
    let planned = plan(&laptop, &edit).await;
    assert_eq!(planned.code, Some(2), "{}", planned.text);
    for part in [
        "local: generation 1 → 2",
        "~ settings of scoring",
        "live: running tasks take it, no deployment",
        "services.scoring.clients.provider.retry.maxBackoff: 100ms → 120ms",
        "A new revision, which bakes.",
        "scoring-failures: ScoringFailureRatio > 20",
    ] {
        assert!(planned.text.contains(part), "{part}: {}", planned.text);
    }

    laptop.save(&edit);
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

/// What `loanctl plan` says.
struct Planned {
    code: Option<i32>,
    text: String,
}

/// Plans `spec`, which lies beside the specs directory, where the controller does not look.
async fn plan(laptop: &Laptop, spec: &Spec) -> Planned {
    let file = laptop.state().with_file_name("planned.yaml");
    spec.save(&file);
    let mut command = loanctl(&["plan"]);
    command.arg(&file).arg("--store").arg(laptop.state());
    let output = run(command).await;
    let said = [output.stdout, output.stderr].concat();
    Planned {
        code: output.status.code(),
        text: String::from_utf8(said).unwrap(),
    }
}

fn is_good(platform: &engine::board::PlatformObject) -> bool {
    let scoring = &platform.status.scoring;
    platform.phase() == Phase::Succeeded
        && scoring.live_revision == scoring.last_good_revision
        && platform.status.observed_generation == platform.metadata.generation
}
