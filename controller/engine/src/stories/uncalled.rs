//! Changes that have begun and whose first call is still to be made.

use schema::names::ServiceName;
use schema::platform::Mode;
use schema::revision::RevisionDigest;
use schema::status::{HistoryKind, Phase};
use schema::units::Whole;

use super::story::Story;
use crate::ports::DeploymentState;
use crate::state::Cause;

fn whose_call_waits() -> Story {
    let mut story = Story::with_a_good_revision();
    story.calls_wait = true;
    story.changes_image("scoring:2");
    story.begins_to_apply();
    story
}

#[test]
fn a_change_whose_call_waits_for_quotas_is_not_taken_back_for_that() {
    let mut story = whose_call_waits();
    story.seconds_pass(3_600);
    assert_eq!(story.phase(), Phase::Applying, "an hour in the queue");
    story.calls_wait = false;
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    assert!(story.state.scoring.quarantine.is_empty());
}

#[test]
fn what_fires_before_the_first_call_of_a_change_convicts_nobody_and_has_it_wait() {
    let mut story = whose_call_waits();
    let good = story.state.scoring.last_good().cloned();
    story.seconds_pass(120);
    story.alarm_fires(80.0);
    story.seconds_pass(120);
    assert_eq!(story.phase(), Phase::Preflight);
    assert_eq!(story.live(), good);
    assert!(story.waits_on().contains("scoring-failures already fires"));
    assert!(story.state.scoring.quarantine.is_empty());
    let holds = story
        .state
        .history
        .iter()
        .filter(|it| it.kind == HistoryKind::Held);
    let holds: Vec<&str> = holds.map(|held| held.reason.as_str()).collect();
    assert_eq!(holds, ["NotBegun"], "once");

    story.alarm_clears();
    story.calls_wait = false;
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    assert_eq!(story.live(), Some(story.wanted()));
}

#[test]
fn a_firing_that_came_and_went_before_the_first_call_is_not_the_changes() {
    let mut story = whose_call_waits();
    story.alarm_fires(80.0);
    story.alarm_clears();
    story.seconds_pass(60);
    story.calls_wait = false;
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    assert!(story.state.scoring.quarantine.is_empty());
}

#[test]
fn an_edit_before_the_first_call_replaces_the_change_as_if_it_had_not_begun() {
    let mut story = whose_call_waits();
    story.changes_image("scoring:3");
    story.settles();
    story.alarm_fires(80.0);
    story.settles();
    assert!(story.state.scoring.quarantine.is_empty());
    story.alarm_clears();
    story.calls_wait = false;
    // What was about to be called counts as what else was changed, and has time to show.
    story.seconds_pass(160);
    assert_eq!(story.phase(), Phase::Succeeded);
    assert_eq!(story.scoring_image(), "scoring:3");
}

#[test]
fn what_fires_while_a_second_change_waits_for_its_call_is_laid_to_the_one_in_force() {
    let (mut story, in_force) = a_second_change_whose_call_waits();
    story.alarm_fires(80.0);
    story.settles();
    let convicted = &story.state.scoring.quarantine[0];
    assert_eq!(convicted.revision, in_force);
    assert_eq!(story.state.scoring.quarantine.len(), 1);
}

#[test]
fn a_firing_that_came_and_went_while_a_second_change_waited_is_laid_to_the_one_in_force() {
    let (mut story, in_force) = a_second_change_whose_call_waits();
    story.alarm_fires(80.0);
    story.alarm_clears();
    story.turn();
    assert_eq!(story.state.scoring.quarantine[0].revision, in_force);
    story.settles();
    let scoring = &story.state.scoring;
    assert_eq!(scoring.settings.as_ref(), scoring.last_good());
}

/// With the revision in force, which has not proved good.
fn a_second_change_whose_call_waits() -> (Story, RevisionDigest) {
    let mut story = Story::with_a_good_revision();
    story.changes_retries(10);
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    let in_force = story.live().unwrap();
    story.calls_wait = true;
    story.changes_image("scoring:2");
    story.begins_to_apply();
    story.seconds_pass(20);
    (story, in_force)
}

#[test]
fn a_mode_that_forbids_changes_holds_one_whose_call_waits() {
    for mode in [Mode::Suspend, Mode::Observe] {
        let mut story = whose_call_waits();
        story.edits(|spec| spec.mode = mode);
        story.settles();
        story.calls_wait = false;
        story.settles();
        assert_eq!(story.phase(), Phase::Preflight, "{mode:?}");
        assert_eq!(story.scoring_image(), "scoring:1");
        story.edits(|spec| spec.mode = Mode::Enforce);
        story.settles();
        assert_eq!(story.phase(), Phase::Baking, "{mode:?}");
    }
}

#[test]
fn blind_looks_and_restarts_have_it_wait() {
    let mut story = whose_call_waits();
    for _ in 0..3 {
        story.world.blind = Some("503".to_owned());
        story.turn();
        assert_eq!(story.phase(), Phase::Preflight);
        story.world.blind = None;
        story.controller_restarts();
        story.begins_to_apply();
    }
    story.calls_wait = false;
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
}

#[test]
fn what_somebody_deploys_by_hand_before_the_first_call_convicts_nobody() {
    let mut story = whose_call_waits();
    story.somebody_deploys("scoring:by-hand");
    story.alarm_fires(80.0);
    story.settles();
    assert!(story.state.scoring.quarantine.is_empty());
}

#[test]
fn the_retry_token_in_force_at_the_first_call_is_the_one_it_is_tried_under() {
    let mut story = whose_call_waits();
    story.edits(|spec| spec.rollout.retry_token = "again".to_owned());
    story.settles();
    story.calls_wait = false;
    story.settles();
    story.alarm_fires(80.0);
    story.settles();
    story.alarm_clears();
    story.settles();
    assert_eq!(
        story.ready(),
        ("False".to_owned(), "Quarantined".to_owned())
    );
}

#[test]
fn what_ecs_takes_back_before_the_first_call_is_the_one_that_was_on_its_way() {
    let mut story = Story::with_a_good_revision();
    story.changes_image("scoring:2");
    story.begins_to_apply();
    story.service(ServiceName::Scoring).deployment.state = DeploymentState::InProgress;
    story.calls_wait = true;
    story.changes_image("scoring:3");
    story.turn();
    story.begins_to_apply();
    let innocent = story.wanted();
    story.ecs_goes_back_to("scoring:1");
    story.settles();
    let quarantined = &story.state.scoring.quarantine;
    assert!(
        quarantined.iter().all(|it| it.revision != innocent),
        "{quarantined:?}"
    );
}

#[test]
fn case_13_what_could_not_be_taken_back_goes_on_being_tried_while_its_successors_call_waits() {
    let mut story = Story::with_a_good_revision();
    story.changes_image("scoring:2");
    story.settles();
    story.alarm_fires(80.0);
    story.seconds_pass(2);
    assert_eq!(story.scoring_image(), "scoring:1", "it was asked for");
    story.service(ServiceName::Scoring).deployment.state = DeploymentState::Failed {
        reason: "exited with code 1".to_owned(),
    };
    story.settles();
    assert_eq!(story.phase(), Phase::RollbackFailed);

    story.changes_image("scoring:3");
    story.alarm_clears();
    story.calls_wait = true;
    story.begins_to_apply();
    story.seconds_pass(60);
    story.alarm_fires(80.0);
    story.settles();
    assert_eq!(story.phase(), Phase::RollbackFailed);
    let next = story.state.scoring.next.as_ref();
    assert_eq!(next.map(|it| &it.candidate), Some(&story.wanted()));
    let quarantined = story.state.scoring.quarantine.clone();
    assert!(quarantined.iter().all(|it| it.revision != story.wanted()));

    story.alarm_clears();
    story.calls_wait = false;
    story.settles();
    assert_eq!(story.scoring_image(), "scoring:3");
}

#[test]
fn what_is_taken_back_is_taken_back_for_itself_only() {
    let (mut story, _) = a_second_change_whose_call_waits();
    story.calls_wait = false;
    story.broken_image = Some("scoring:2");
    story.settles();
    let cause = &story.state.scoring.change.as_ref().unwrap().verdict;
    assert_eq!(
        cause.as_ref().map(|it| &it.cause),
        Some(&Cause::DeploymentFailed)
    );
    assert!(story.state.scoring.standing.is_none());
}

#[test]
fn while_its_call_waits_nothing_is_told_twice() {
    let mut story = whose_call_waits();
    let told = story.history().len();
    story.seconds_pass(600);
    assert_eq!(story.history().len(), told);
}

#[test]
fn what_ecs_took_back_is_not_deployed_again_while_its_successor_cannot_begin() {
    let mut story = Story::with_a_good_revision();
    story.changes_image("scoring:2");
    story.begins_to_apply();
    story.service(ServiceName::Scoring).deployment.state = DeploymentState::InProgress;
    story.rehearsal_obstacle = Some("there is no such image".to_owned());
    story.changes_image("scoring:mistyped");
    story.settles();
    story.ecs_goes_back_to("scoring:1");
    story.calls.clear();
    story.settles();
    assert_eq!(story.calls, []);
    assert_eq!(story.scoring_image(), "scoring:1");
    let convicted = &story.state.scoring.quarantine;
    assert_eq!(convicted.len(), 1, "{convicted:?}");
}

#[test]
fn an_image_that_ecs_went_back_to_is_not_the_one_that_failed() {
    let mut story = Story::with_a_good_revision();
    story.changes_image("scoring:2");
    story.begins_to_apply();
    story.service(ServiceName::Scoring).deployment.state = DeploymentState::InProgress;
    story.calls_wait = true;
    story.changes_image("scoring:1");
    story.changes_retries(7);
    story.begins_to_apply();
    story.ecs_goes_back_to("scoring:1");
    story.settles();
    let innocent = story.wanted();
    let quarantined = &story.state.scoring.quarantine;
    assert!(
        quarantined.iter().all(|it| it.revision != innocent),
        "{quarantined:?}"
    );
}

#[test]
fn a_token_under_which_it_stays_out_does_not_let_it_in_while_its_call_waits() {
    let mut story = Story::with_a_good_revision();
    story.changes_image("scoring:2");
    story.settles();
    story.alarm_fires(80.0);
    story.settles();
    story.alarm_clears();
    story.settles();
    story.calls_wait = true;
    story.edits(|spec| spec.rollout.retry_token = "again".to_owned());
    story.begins_to_apply();
    story.edits(|spec| spec.rollout.retry_token = String::new());
    story.calls_wait = false;
    story.settles();
    assert_eq!(story.scoring_image(), "scoring:1");
    assert_eq!(
        story.ready(),
        ("False".to_owned(), "Quarantined".to_owned())
    );
}

#[test]
fn what_fires_after_a_hold_before_the_call_is_somebody_elses() {
    let mut story = Story::with_a_good_revision();
    story.changes_image("scoring:2");
    story.begins_to_apply();
    story.service(ServiceName::Scoring).deployment.state = DeploymentState::InProgress;
    story.turn();
    story.somebody_deploys("scoring:by-hand");
    story.settles();
    assert_eq!(story.phase(), Phase::Paused);
    story.calls_wait = true;
    story.edits(|spec| spec.rollout.min_samples = Whole::new(60));
    story.settles();
    assert_eq!(story.phase(), Phase::Applying);
    story.alarm_fires(80.0);
    story.settles();
    assert!(story.state.scoring.quarantine.is_empty());
    story.alarm_clears();
    story.calls_wait = false;
    story.settles();
    assert_eq!(story.scoring_image(), "scoring:2");
    assert_eq!(story.phase(), Phase::Baking);
}
