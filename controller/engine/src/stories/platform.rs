use schema::names::ServiceName;
use schema::platform::{DesiredCount, Image, Scaling};
use schema::status::{HistoryKind, Phase};
use schema::units::Whole;

use super::story::Story;
use crate::plan::Action;
use crate::ports::{DeploymentState, ServiceChange};
use crate::specs::SpecContent;

fn call_names(story: &Story) -> Vec<String> {
    story.calls.iter().map(ToString::to_string).collect()
}

#[test]
fn a_first_spec_is_made_alarms_first_and_the_loan_api_after_what_it_needs() {
    let mut story = Story::begins();
    story.turn();
    let order: Vec<&str> = story
        .calls
        .iter()
        .map(|call| match call {
            Action::PutAlarm(_) => "alarm",
            Action::PutSettings { .. } => "settings",
            Action::Service(change) => change.service().kebab(),
            _ => "other",
        })
        .collect();
    assert_eq!(order[0], "alarm");
    assert_eq!(order[1..5], ["settings"; 4]);
    assert_eq!(
        order[5..],
        ["score-provider", "auth", "loan-api", "scoring"]
    );
}

#[test]
fn a_first_revision_is_ready_before_its_bake_is_over() {
    let mut story = Story::begins();
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    assert_eq!(story.ready(), ("True".to_owned(), "AsSpecified".to_owned()));
}

#[test]
fn invariant_02_quiet_when_done_no_call_is_made_once_everything_is_as_specified() {
    let mut story = Story::with_a_good_revision();
    story.seconds_pass(300);
    assert!(story.calls.is_empty(), "{:?}", call_names(&story));
}

#[test]
fn a_count_changed_by_hand_is_put_back() {
    let mut story = Story::with_a_good_revision();
    story.service(ServiceName::Auth).desired_count = 5;
    story.settles();
    assert_eq!(call_names(&story), ["scale auth to 1"]);
}

#[test]
fn a_count_the_spec_is_silent_about_is_left_alone() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| spec.services.auth.desired_count = None);
    story.service(ServiceName::Auth).desired_count = 5;
    story.settles();
    assert!(story.calls.is_empty(), "{:?}", call_names(&story));
    assert_eq!(story.service(ServiceName::Auth).desired_count, 5);
}

#[test]
fn what_the_home_of_a_service_keeps_is_repaired_by_its_field() {
    let mut story = Story::with_a_good_revision();
    story.drifts(ServiceName::Auth);
    story.turn();
    let shown = story.condition("Reconciling").unwrap();
    let step = "repair auth (deployments.circuitBreaker is false, wanted true)";
    assert!(shown.contains(step), "{shown}");
    story.settles();
    assert_eq!(call_names(&story), ["repair auth"]);
    assert_eq!(story.ready(), ("True".to_owned(), "AsSpecified".to_owned()));
}

#[test]
fn a_deployment_mends_what_a_repair_would() {
    let mut story = Story::with_a_good_revision();
    story.drifts(ServiceName::Auth);
    story.edits(|spec| spec.services.auth.image = Image("auth:2".to_owned()));
    story.turn();
    assert_eq!(call_names(&story), ["deploy auth from auth:2"]);
}

#[test]
fn a_repair_goes_after_everything_else() {
    let mut story = Story::with_a_good_revision();
    story.drifts(ServiceName::Auth);
    story.edits(|spec| {
        spec.services.loan_api.desired_count = Some(DesiredCount::new(1));
        spec.services.score_provider = None;
    });
    story.turn();
    let calls = call_names(&story);
    assert_eq!(
        calls.last().map(String::as_str),
        Some("repair auth"),
        "{calls:?}"
    );
}

#[test]
fn scoring_is_not_repaired_while_a_change_of_it_is_watched() {
    let mut story = Story::with_a_good_revision();
    story.changes_retries(4);
    story.begins_to_apply();
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    story.calls.clear();
    story.drifts(ServiceName::Scoring);
    story.drifts(ServiceName::Auth);
    story.settles();
    assert_eq!(call_names(&story), ["repair auth"]);

    story.is_watched_with_traffic();
    story.settles();
    assert_eq!(story.phase(), Phase::Succeeded);
    assert_eq!(call_names(&story), ["repair auth", "repair scoring"]);
}

#[test]
fn growing_comes_before_shrinking_in_one_edit() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| {
        spec.services.loan_api.desired_count = Some(DesiredCount::new(1));
        spec.services.auth.desired_count = Some(DesiredCount::new(3));
    });
    story.turn();
    assert_eq!(
        call_names(&story),
        ["scale auth to 3", "scale loan-api to 1"]
    );
}

#[test]
fn a_service_taken_out_of_the_spec_is_removed() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| spec.services.score_provider = None);
    story.settles();
    assert!(matches!(
        story.calls.first(),
        Some(Action::Service(ServiceChange::Delete {
            service: ServiceName::ScoreProvider,
            ..
        }))
    ));
    assert!(
        !story
            .world
            .settings
            .contains_key(&ServiceName::ScoreProvider)
    );
}

#[test]
fn a_deployment_that_fails_stalls_the_platform_and_says_which() {
    let mut story = Story::with_a_good_revision();
    story.service(ServiceName::Auth).deployment.state = DeploymentState::Failed {
        reason: "exited with code 1".to_owned(),
    };
    story.turn();
    assert_eq!(story.ready(), ("False".to_owned(), "Stuck".to_owned()));
    let message = story.condition("Stalled").unwrap();
    assert_eq!(message, "auth cannot run auth:1: exited with code 1");
}

#[test]
fn invariant_06_a_bad_spec_harms_nothing_and_is_shown_with_its_place() {
    let mut story = Story::with_a_good_revision();
    let problems = "specs/local.yaml:7:14: spec.services.auth.cpu: 7 is not allowed".to_owned();
    let bad = SpecContent::Invalid {
        problems: problems.clone(),
        version: "v2".to_owned(),
    };
    story.submit_content(bad);
    story.settles();
    assert!(story.calls.is_empty());
    assert_eq!(
        story.ready(),
        ("False".to_owned(), "InvalidSpec".to_owned())
    );
    assert_eq!(story.condition("Stalled"), Some(problems));
    assert_eq!(story.state.status.observed_generation, Some(2));
    assert_eq!(story.state.status.last_good_generation, Some(1));

    story.edits(|_| ());
    story.settles();
    assert_eq!(story.ready(), ("True".to_owned(), "AsSpecified".to_owned()));
    assert_eq!(story.condition("Stalled"), None);
}

#[test]
fn the_same_bad_edit_is_remembered_once() {
    let mut story = Story::with_a_good_revision();
    for _ in 0..3 {
        let problems = "specs/local.yaml:1:1: broken".to_owned();
        story.submit_content(SpecContent::Invalid {
            problems,
            version: "v2".to_owned(),
        });
        story.turn();
    }
    let refused = story
        .history()
        .into_iter()
        .filter(|kind| *kind == HistoryKind::SpecRefused);
    assert_eq!(refused.count(), 1);
}

#[test]
fn a_change_of_scaling_alone_is_carried_out() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| {
        spec.services.auth.desired_count = None;
        spec.services.auth.scaling = Some(Scaling {
            min_capacity: DesiredCount::new(1),
            max_capacity: DesiredCount::new(5),
            target_cpu_utilization: Whole::new(60),
        });
    });
    story.settles();
    assert_eq!(call_names(&story), ["scale auth to 1, within 1 to 5"]);
    assert_eq!(story.ready().0, "True");
}
