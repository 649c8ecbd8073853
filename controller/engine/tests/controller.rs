//! The engine on kube-runtime: spec files in, a platform out.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

#[expect(dead_code, reason = "the benchmark uses the rest")]
mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use engine::board::PlatformObject;
use engine::reconcile::reconcile;
use futures::StreamExt;
use kube::runtime::controller::Action;
use schema::platform::Image;
use schema::status::{HistoryKind, Phase};
use support::{TinyWorld, is_ready, reason};

const SPEC: &str = r#"
apiVersion: lending.dev/v1alpha1
kind: LoanPlatform
metadata:
  name: local
spec:
  deletionPolicy: Retain
  services:
    loanApi: {image: "loan-api:1", desiredCount: 2}
    auth: {image: "auth:1", desiredCount: 1}
    scoring:
      image: "scoring:1"
      desiredCount: 2
      clients:
        provider: {url: "http://score-provider:8084"}
    scoreProvider: {image: "score-provider:1", desiredCount: 1}
  decision:
    bands:
      - {riskBand: LOW, minScore: 700, interestRate: "11.90"}
"#;

fn with_auth_count(count: u32) -> String {
    let wanted = format!("\"auth:1\", desiredCount: {count}}}");
    SPEC.replace("\"auth:1\", desiredCount: 1}", &wanted)
}

fn auth_tasks(platform: &PlatformObject) -> Option<u32> {
    let mut services = platform.status.services.iter();
    let auth = services.find(|service| service.name == "auth");
    auth.map(|auth| auth.running)
}

const PATH: &str = "specs/local.yaml";

#[tokio::test]
async fn a_spec_file_becomes_a_platform_that_is_ready() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC);
    let controller = world.runs();
    let platform = controller.sees("local", "ready", is_ready).await;
    assert_eq!(platform.metadata.generation, Some(1));
    assert_eq!(platform.metadata.namespace.as_deref(), Some("default"));
    let services: Vec<(String, u32)> = platform
        .status
        .services
        .iter()
        .map(|s| (s.name.clone(), s.running))
        .collect();
    let expected = [
        ("score-provider", 1),
        ("auth", 1),
        ("scoring", 2),
        ("loan-api", 2),
    ];
    assert_eq!(
        services,
        expected.map(|(name, count)| (name.to_owned(), count))
    );
    controller.stops().await;
}

#[tokio::test]
async fn an_invalid_edit_is_refused_with_its_place_and_fixing_it_clears_it() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC);
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    let mutations = world.mutations();

    world.writes(
        PATH,
        SPEC.replace(
            "\"auth:1\", desiredCount: 1}",
            "\"auth:1\", desiredCount: many}",
        ),
    );
    let refused = controller
        .sees("local", "refused", |it| reason(it) == Some("InvalidSpec"))
        .await;
    let stalled = refused
        .status
        .conditions
        .iter()
        .find(|c| c.type_ == "Stalled")
        .unwrap();
    assert!(
        stalled.message.starts_with("specs/local.yaml:10:43: "),
        "{}",
        stalled.message
    );
    assert_eq!(refused.status.last_good_generation, Some(1));
    assert_eq!(world.mutations(), mutations, "a bad spec harms nothing");

    world.writes(PATH, SPEC);
    let fixed = controller.sees("local", "ready again", is_ready).await;
    assert!(
        fixed
            .status
            .conditions
            .iter()
            .all(|condition| condition.type_ == "Ready")
    );
    controller.stops().await;
}

#[tokio::test]
async fn a_platform_whose_first_spec_is_invalid_is_shown_without_a_spec() {
    let world = Arc::new(TinyWorld::default());
    world.writes(
        PATH,
        SPEC.replace("mode", "x")
            .replace("deletionPolicy: Retain", "mode: Maybe"),
    );
    let controller = world.runs();
    let refused = controller
        .sees("local", "refused", |it| reason(it) == Some("InvalidSpec"))
        .await;
    assert!(refused.spec.is_none());
    assert_eq!(world.mutations(), 0);
    controller.stops().await;
}

#[tokio::test]
async fn a_removed_spec_with_retain_leaves_everything_running() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC);
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    world.removes(PATH);
    controller.sees_removed("local").await;
    assert_eq!(world.service_count(), 4);

    world.writes(PATH, SPEC);
    let back = controller.sees("local", "ready again", is_ready).await;
    assert!(
        back.status
            .history
            .iter()
            .any(|entry| entry.kind == HistoryKind::Removed)
    );
    controller.stops().await;
}

#[tokio::test]
async fn a_removed_spec_with_delete_removes_everything() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC.replace("Retain", "Delete"));
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    world.removes(PATH);
    controller.sees_removed("local").await;
    assert_eq!(world.service_count(), 0);
    assert_eq!(world.paths(), ["lease/controller.json"]);
    controller.stops().await;
}

#[tokio::test]
async fn a_spec_removed_while_the_controller_was_down_is_found_removed() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC.replace("Retain", "Delete"));
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    controller.stops().await;
    world.removes(PATH);
    let controller = world.runs();
    controller
        .sees("local", "shown from memory", |_| true)
        .await;
    controller.sees_removed("local").await;
    assert_eq!(world.service_count(), 0);
    controller.stops().await;
}

#[tokio::test]
async fn a_restart_applies_nothing_twice() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC);
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    controller.stops().await;
    let (mutations, settings) = (world.mutations(), world.paths());

    let controller = world.runs();
    let first = controller.board.rounds();
    controller.sees("local", "ready", is_ready).await;
    let mut rounds = first;
    for _ in 0..5 {
        rounds.changed().await.unwrap();
    }
    assert_eq!(world.mutations(), mutations);
    assert_eq!(world.paths(), settings);
    controller.stops().await;
}

#[tokio::test]
async fn a_world_that_fails_is_told_in_the_conditions_until_it_recovers() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC);
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    world.compute_is_down.store(true, Ordering::Relaxed);
    let failing = controller
        .sees("local", "failing", |it| reason(it) == Some("Retrying"))
        .await;
    let message = &failing.status.conditions[0].message;
    assert_eq!(
        message,
        "cannot read the services for now: no route to host"
    );
    world.compute_is_down.store(false, Ordering::Relaxed);
    controller.sees("local", "ready again", is_ready).await;
    controller.stops().await;
}

#[tokio::test]
async fn two_platforms_live_side_by_side_and_a_bad_one_does_not_disturb_the_other() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC);
    world.writes(
        "specs/other.yaml",
        SPEC.replace("name: local", "name: other"),
    );
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    controller.sees("other", "ready", is_ready).await;
    world.writes("specs/other.yaml", "nonsense");
    controller
        .sees("other", "refused", |it| reason(it) == Some("InvalidSpec"))
        .await;
    assert!(
        controller
            .shows("local")
            .is_some_and(|platform| is_ready(&platform))
    );
    controller.stops().await;
}

#[tokio::test]
async fn a_change_that_does_not_show_is_not_asked_for_in_every_round() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC);
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    let mutations = world.mutations();
    world.ignores_changes.store(true, Ordering::Relaxed);
    world.writes(PATH, with_auth_count(3));
    controller
        .sees("local", "progressing", |it| {
            reason(it) == Some("Progressing")
        })
        .await;
    let mut rounds = controller.board.rounds();
    for _ in 0..20 {
        rounds.changed().await.unwrap();
    }
    assert_eq!(world.mutations() - mutations, 1);

    world.ignores_changes.store(false, Ordering::Relaxed);
    world.writes(PATH, with_auth_count(4));
    let has_four = |it: &PlatformObject| is_ready(it) && it.metadata.generation == Some(3);
    controller.sees("local", "ready with four", has_four).await;
    controller.stops().await;
}

#[tokio::test]
async fn a_file_that_never_was_a_platform_leaves_nothing_behind() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC);
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    world.writes("specs/scratch.yaml", "nonsense");
    controller
        .sees("scratch", "refused", |it| reason(it) == Some("InvalidSpec"))
        .await;
    world.removes("specs/scratch.yaml");
    controller.sees_removed("scratch").await;
    assert!(!world.paths().contains(&"state/scratch.json".to_owned()));
    controller.stops().await;
}

#[tokio::test]
async fn a_removal_interrupted_by_a_restart_is_finished() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC.replace("Retain", "Delete"));
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    world.compute_is_down.store(true, Ordering::Relaxed);
    world.removes(PATH);
    world.state_shows_removal("local").await;
    controller.stops().await;

    world.compute_is_down.store(false, Ordering::Relaxed);
    let controller = world.runs();
    world.is_empty().await;
    assert_eq!(world.paths(), ["lease/controller.json"]);
    controller.stops().await;
}

#[tokio::test]
async fn a_state_that_cannot_be_read_does_not_stop_the_other_platforms() {
    let world = Arc::new(TinyWorld::default());
    world.writes("state/broken.json", "{");
    world.writes(PATH, SPEC);
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    controller.stops().await;
}

#[tokio::test]
async fn what_was_saved_is_not_shown_as_ready_before_the_first_look() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC);
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    controller.stops().await;
    world.compute_is_down.store(true, Ordering::Relaxed);
    let controller = world.runs();
    let shown = controller.sees("local", "shown", |_| true).await;
    assert!(!is_ready(&shown));
    assert!(
        shown
            .status
            .services
            .iter()
            .all(|service| service.running == 0)
    );
    controller.stops().await;
}

#[tokio::test]
async fn invariant_01_what_no_event_told_of_is_found_by_the_resync() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC);
    // No hint ever comes in this world.
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    world.writes(PATH, with_auth_count(3));
    let has_three = |it: &PlatformObject| is_ready(it) && it.metadata.generation == Some(2);
    controller
        .sees("local", "ready with three", has_three)
        .await;
    controller.stops().await;
}

#[tokio::test]
async fn invariant_03_nothing_is_done_whose_record_could_not_be_saved() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC);
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    let mutations = world.mutations();
    world.states_are_read_only.store(true, Ordering::Relaxed);
    world.writes(PATH, with_auth_count(3));
    controller
        .sees("local", "failing", |it| reason(it) == Some("Retrying"))
        .await;
    assert_eq!(world.mutations(), mutations);
    world.states_are_read_only.store(false, Ordering::Relaxed);
    let has_three = |it: &PlatformObject| is_ready(it) && it.metadata.generation == Some(2);
    controller
        .sees("local", "ready with three", has_three)
        .await;
    controller.stops().await;
}

#[tokio::test]
async fn invariant_05_nothing_is_ever_written_to_the_specs() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC);
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    world.writes(PATH, SPEC.replace("\"auth:1\"", "[broken"));
    controller
        .sees("local", "refused", |it| reason(it) == Some("InvalidSpec"))
        .await;
    controller.stops().await;
    let touched = world.touched();
    assert!(!touched.is_empty());
    assert!(
        touched.iter().all(|path| !path.starts_with("specs/")),
        "{touched:?}"
    );
}

#[tokio::test]
async fn invariant_14_services_and_alarms_are_read_in_one_batch_a_round() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC);
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    let mut rounds = controller.board.rounds();
    for _ in 0..5 {
        rounds.changed().await.unwrap();
    }
    let rounds = usize::try_from(*rounds.borrow()).unwrap();
    controller.stops().await;
    let (services, alarms) = &world.looks;
    for looks in [services, alarms] {
        let looks = looks.load(Ordering::Relaxed);
        assert!(looks <= rounds + 1, "{looks} reads in {rounds} rounds");
    }
}

#[tokio::test]
async fn invariant_15_a_platform_that_waits_for_the_world_keeps_no_other_waiting() {
    let world = Arc::new(TinyWorld::default());
    world.nothing_arrives.store(true, Ordering::Relaxed);
    for number in 0..20 {
        let name = format!("p{number}");
        let spec = SPEC.replace("name: local", &format!("name: {name}"));
        world.writes(&format!("specs/{name}.yaml"), spec);
    }
    let controller = world.runs();
    // More platforms than rounds that may be under way at once, and all of them wait.
    for number in 0..20 {
        let waits = |it: &PlatformObject| reason(it) == Some("Progressing");
        controller
            .sees(&format!("p{number}"), "waiting", waits)
            .await;
    }
    controller.stops().await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_no_hint_told_of_is_a_missed_event() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC);
    let (hint, hints) = futures::channel::mpsc::unbounded();
    let controller = world.runs_hinted(hints.boxed());
    controller.sees("local", "ready", is_ready).await;
    for (count, hinted, missed) in [(3, true, 0), (4, false, 1), (5, true, 1), (6, false, 2)] {
        world.writes(PATH, with_auth_count(count));
        if hinted {
            hint.unbounded_send(()).unwrap();
        }
        let follows = |it: &PlatformObject| is_ready(it) && auth_tasks(it) == Some(count);
        controller.sees("local", "as edited", follows).await;
        // Until then a hint may still come.
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(controller.tally.counts().missed_specs, missed, "{count}");
    }
    controller.stops().await;
}

#[tokio::test]
async fn what_the_controller_does_is_counted() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC);
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    let counts = controller.tally.counts();
    assert_eq!((counts.epoch, counts.holds_lease), (1, true));
    assert!(counts.succeeded > 0, "{counts:?}");
    assert!(counts.specs_age.is_some() && counts.platforms_age.is_some());
    assert_eq!(counts.drifted_platforms, 0);

    let observing = with_auth_count(3).replace("deletionPolicy: Retain", "mode: Observe");
    world.writes(PATH, observing);
    let is_second = |it: &PlatformObject| it.metadata.generation == Some(2);
    controller.sees("local", "observed", is_second).await;
    let counts = controller.tally.counts();
    assert_eq!((counts.drifted_platforms, counts.drifted_fields), (1, 1));

    let tally = Arc::clone(&controller.tally);
    controller.stops().await;
    let counts = tally.counts();
    assert!(!counts.holds_lease, "{counts:?}");
    assert_eq!(counts.reconciling, 0, "{counts:?}");
}

#[tokio::test]
async fn a_look_that_is_merely_due_is_given_up_for_an_edit() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC);
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    world.resyncs_linger.store(true, Ordering::Relaxed);
    world.is_looked_at().await;
    world.writes(PATH, with_auth_count(3));
    let has_three = |it: &PlatformObject| it.status.services.iter().any(|it| it.desired == Some(3));
    controller.sees("local", "edited", has_three).await;
    controller.stops().await;
}

#[tokio::test]
async fn a_change_that_begins_to_wait_is_rehearsed_in_the_next_round_at_once() {
    let world = Arc::new(TinyWorld::default());
    world.writes(PATH, SPEC);
    let controller = world.runs();
    controller.sees("local", "ready", is_ready).await;
    controller.stops().await;
    let mut state = world.state("local");
    state.scoring.good = state.scoring.settings.iter().cloned().collect();
    state.scoring.phase = Phase::Succeeded;
    world.remembers(&state);

    let spec = Arc::make_mut(&mut state.accepted.as_mut().unwrap().spec);
    spec.services.scoring.image = Image("scoring:2".to_owned());
    let (context, entry) = (world.context(), world.entry(&state));
    let next = reconcile(Arc::clone(&entry), Arc::clone(&context)).await;
    assert_eq!(next.unwrap(), Action::requeue(Duration::ZERO));
    assert_eq!(world.state("local").scoring.phase, Phase::Preflight);
    let next = reconcile(entry, context).await;
    assert_ne!(next.unwrap(), Action::requeue(Duration::ZERO));
    assert_eq!(world.state("local").scoring.phase, Phase::Applying);
}
