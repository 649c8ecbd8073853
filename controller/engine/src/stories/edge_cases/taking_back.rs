//! Taking a change back when other things go wrong too.

use jiff::SignedDuration;
use schema::names::ServiceName;
use schema::platform::{Image, Mode};
use schema::status::{Actor, HistoryKind, Phase};
use schema::units::Whole;

use super::{baking, baking_an_image, deployments, last_entry};
use crate::ports::{BakeEvidence, DeploymentState, TaskTemplate};
use crate::stories::story::Story;

#[test]
fn case_13_a_target_that_does_not_start_leaves_the_healthier_side_running() {
    let mut story = taken_back_to_a_target_that_does_not_start();
    assert_eq!(story.scoring_image(), "scoring:2");
    assert_eq!(
        story.ready(),
        ("False".to_owned(), "RollbackFailed".to_owned())
    );
    let calls = deployments(&story);
    story.seconds_pass(300);
    assert_eq!(deployments(&story), calls, "it is not tried over and over");

    story.seconds_pass(320);
    assert_eq!(story.scoring_image(), "scoring:1");
    story.alarm_clears();
    story.settles();
    assert_eq!(
        story.phase(),
        Phase::RolledBack,
        "ten minutes later it did start"
    );
}

#[test]
fn case_13_a_newer_edit_that_the_rollback_limit_holds_does_not_end_the_trying() {
    let mut story = taken_back_to_a_target_that_does_not_start();
    story.edits(|spec| spec.rollout.max_automatic_rollbacks.count = Whole::new(1));
    story.changes_retries(3);
    story.settles();
    assert_eq!(story.phase(), Phase::RollbackFailed);
    the_old_image_starts_ten_minutes_later(&mut story);
    assert_eq!(story.phase(), Phase::Paused, "now the edit is held");
}

#[test]
fn case_13_a_newer_edit_that_cannot_begin_does_not_end_the_trying() {
    let mut story = taken_back_to_a_target_that_does_not_start();
    story.changes_retries(3);
    story.settles();
    assert_eq!(story.phase(), Phase::RollbackFailed);
    assert!(story.waits_on().contains("the image before it to start"));
    assert!(story.waits_on().contains("already fires"));
    the_old_image_starts_ten_minutes_later(&mut story);
    assert_eq!(story.phase(), Phase::Baking, "now the edit has its turn");
}

#[test]
fn case_13_a_newer_edit_begins_when_it_can_though_the_old_image_does_not_start() {
    let mut story = taken_back_to_a_target_that_does_not_start();
    story.changes_image("scoring:3");
    story.settles();
    assert_eq!(story.phase(), Phase::RollbackFailed);
    story.alarm_clears();
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    assert_eq!(story.scoring_image(), "scoring:3");
}

#[test]
fn case_13_asking_for_the_old_revision_again_goes_on_trying_it() {
    let mut story = taken_back_to_a_target_that_does_not_start();
    story.changes_image("scoring:1");
    story.settles();
    assert_eq!(story.phase(), Phase::RollbackFailed);
    story.seconds_pass(620);
    story.alarm_clears();
    story.settles();
    assert_eq!(story.live(), Some(story.wanted()));
    assert!(
        story
            .state
            .scoring
            .quarantined(&story.wanted().clone(), "")
            .is_none()
    );
}

fn the_old_image_starts_ten_minutes_later(story: &mut Story) {
    story.seconds_pass(620);
    assert_eq!(story.scoring_image(), "scoring:1");
    story.alarm_clears();
    story.settles();
}

fn taken_back_to_a_target_that_does_not_start() -> Story {
    let mut story = baking_an_image();
    story.alarm_fires(63.5);
    story.seconds_pass(2);
    let found = story.service(ServiceName::Scoring);
    assert_eq!(found.template.image.0, "scoring:1", "it was asked for");
    found.deployment.state = DeploymentState::Failed {
        reason: "exited with code 1".to_owned(),
    };
    story.settles();
    assert_eq!(story.phase(), Phase::RollbackFailed);
    story
}

#[test]
fn case_14_a_rollback_that_helps_nothing_is_unconfirmed_and_goes_no_further_back() {
    let mut story = baking();
    let good = story.state.scoring.last_good().cloned();
    story.alarm_fires(63.5);
    story.seconds_pass(200);
    assert_eq!(story.phase(), Phase::RollbackUnconfirmed);
    assert_eq!(story.live(), good);
    assert!(!story.state.scoring.quarantine[0].convicted);
    assert_eq!(
        last_entry(&story, HistoryKind::RollbackProblem).reason,
        "Unconfirmed"
    );
}

#[test]
fn case_15_a_change_is_tried_under_the_token_that_holds_when_it_begins() {
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    story.alarm_fires(50.0);
    story.changes_retries(10);
    story.settles();
    assert_eq!(story.phase(), Phase::Preflight);
    story.edits(|spec| spec.rollout.retry_token = "changed while it waits".to_owned());
    story.settles();
    story.alarm_clears();
    story.settles();
    story.alarm_fires(63.5);
    story.settles();
    story.alarm_clears();
    story.seconds_pass(300);
    assert_eq!(story.live(), good, "it stays out under that token");
}

#[test]
fn case_15_a_change_that_waits_is_dropped_when_its_token_is_taken_back() {
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    story.changes_retries(10);
    story.settles();
    story.alarm_fires(63.5);
    story.settles();
    story.alarm_clears();
    story.settles();
    story.alarm_fires(50.0);
    story.edits(|spec| spec.rollout.retry_token = "once more".to_owned());
    story.settles();
    assert_eq!(story.phase(), Phase::Preflight);
    story.edits(|spec| spec.rollout.retry_token = String::new());
    story.settles();
    story.alarm_clears();
    story.seconds_pass(100);
    assert_eq!(story.live(), good);
    assert_eq!(
        story.ready(),
        ("False".to_owned(), "Quarantined".to_owned())
    );
}

#[test]
fn case_15_every_revision_that_was_taken_back_stays_out_not_only_the_last() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| spec.rollout.max_automatic_rollbacks.count = Whole::new(10));
    let good = story.live();
    for attempts in [10, 9] {
        story.changes_retries(attempts);
        story.settles();
        story.alarm_fires(63.5);
        story.settles();
        story.alarm_clears();
        story.settles();
    }
    story.changes_retries(10);
    story.settles();
    assert_eq!(story.live(), good);
    assert_eq!(
        story.ready(),
        ("False".to_owned(), "Quarantined".to_owned())
    );
    story.edits(|spec| spec.rollout.retry_token = "once more".to_owned());
    story.settles();
    assert_eq!(
        story.phase(),
        Phase::Baking,
        "a new token lets it try again"
    );
    assert_eq!(
        story.state.scoring.change.as_ref().unwrap().verdict,
        None,
        "the old verdict was another attempt's"
    );
}

#[test]
fn case_16_after_too_many_rollbacks_new_changes_are_held_and_rollbacks_are_not() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| spec.rollout.max_automatic_rollbacks.count = Whole::new(1));
    story.changes_retries(10);
    story.settles();
    story.alarm_fires(63.5);
    story.settles();
    story.alarm_clears();
    story.settles();
    story.changes_retries(9);
    story.settles();
    assert_eq!(story.phase(), Phase::Paused);
    assert_eq!(story.ready(), ("False".to_owned(), "Paused".to_owned()));
    story.now += SignedDuration::from_hours(24);
    story.settles();
    assert_eq!(story.phase(), Phase::Baking, "a day later it may try again");
    let good = story.state.scoring.last_good().cloned();
    story.alarm_fires(63.5);
    story.settles();
    assert_eq!(story.live(), good);
}

#[test]
fn case_20_a_change_is_taken_back_from_every_hold() {
    type Hold = (&'static str, fn(&mut Story));
    let holds: [Hold; 3] = [
        ("inconclusive", |story| {
            story.world.evidence = BakeEvidence::default();
            story.services_report_until_now();
            story.seconds_pass(700);
            assert_eq!(story.phase(), Phase::Inconclusive);
        }),
        ("external change", |story| {
            story.service(ServiceName::Scoring).template.image = Image("scoring:9".to_owned());
            story.settles();
            assert_eq!(story.phase(), Phase::Paused);
        }),
        ("suspended", |story| {
            story.edits(|spec| spec.mode = Mode::Suspend);
            story.settles();
        }),
    ];
    for (name, hold) in holds {
        let mut story = baking();
        let good = story.state.scoring.last_good().cloned();
        hold(&mut story);
        story.alarm_fires(63.5);
        story.settles();
        assert_eq!(story.state.scoring.settings, good, "{name}");
    }
}

#[test]
fn case_21_a_human_deployment_mid_bake_is_seen_and_not_fought() {
    let mut story = baking_an_image();
    story.calls.clear();
    let human = TaskTemplate {
        image: Image("scoring:by-hand".to_owned()),
        ..story.service(ServiceName::Scoring).template.clone()
    };
    story.service(ServiceName::Scoring).template = human.clone();
    story.settles();
    assert_eq!(story.phase(), Phase::Paused);
    assert_eq!(
        story.ready(),
        ("False".to_owned(), "ExternalChange".to_owned())
    );
    assert_eq!(last_entry(&story, HistoryKind::Held).by, Actor::Outside);
    assert!(story.calls.is_empty(), "{:?}", story.calls);
    assert_eq!(story.service(ServiceName::Scoring).template, human);

    story.edits(|spec| spec.services.auth.desired_count = Some(Whole::new(2)));
    story.settles();
    assert_eq!(story.scoring_image(), "scoring:2");
    assert_eq!(story.phase(), Phase::Baking, "the next edit ends the hold");
    story.alarm_fires(63.5);
    story.settles();
    assert!(
        !story.state.scoring.quarantine[0].convicted,
        "the human may be to blame"
    );
}

#[test]
fn case_21_a_human_deployment_is_not_fought_either_while_alarms_cannot_be_read() {
    let mut story = baking_an_image();
    story.calls.clear();
    story.world.blind = Some("rate exceeded".to_owned());
    story.service(ServiceName::Scoring).template.image = Image("scoring:by-hand".to_owned());
    story.settles();
    assert_eq!(story.phase(), Phase::Paused);
    assert!(story.calls.is_empty(), "{:?}", story.calls);
}

#[test]
fn case_21_what_a_human_interrupted_goes_on_with_the_image_first() {
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    story.changes_image("scoring:2");
    story.begins_to_apply();
    story.edits(|spec| spec.mode = Mode::Observe);
    story.settles();
    story.service(ServiceName::Scoring).template.image = Image("scoring:by-hand".to_owned());
    story.settles();
    assert_eq!(story.phase(), Phase::Paused);

    story.edits(|spec| spec.mode = Mode::Enforce);
    story.turn();
    assert_eq!(
        story.state.scoring.settings, good,
        "the new image runs on the old settings first"
    );
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    assert_eq!(story.live(), Some(story.wanted()));
}

#[test]
fn case_21_a_human_who_goes_back_to_the_old_image_is_told_from_ecs() {
    let mut story = baking_an_image();
    let found = story.service(ServiceName::Scoring);
    found.template.image = Image("scoring:1".to_owned());
    found.deployment.id = "by hand".to_owned();
    story.settles();
    assert_eq!(
        story.ready(),
        ("False".to_owned(), "ExternalChange".to_owned())
    );
}

#[test]
fn case_22_the_rollback_of_ecs_itself_is_the_verdict_and_no_second_update_is_made() {
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    story.changes_image("scoring:2");
    story.begins_to_apply();
    story.turn();
    let calls = deployments(&story);
    let found = story.service(ServiceName::Scoring);
    found.template.image = Image("scoring:1".to_owned());
    found.deployment.id = "ecs went back".to_owned();
    found.deployment.state = DeploymentState::RolledBack {
        reason: "tasks failed to start".to_owned(),
    };
    story.settles();
    assert_eq!(story.live(), good);
    assert_eq!(story.phase(), Phase::RolledBack);
    assert_eq!(deployments(&story), calls, "ECS has done it already");
    let entry = &story.state.scoring.quarantine[0];
    assert!(entry.convicted && entry.reason.contains("tasks failed to start"));
    assert_eq!(
        last_entry(&story, HistoryKind::RollbackStarted).by,
        Actor::Runner
    );
}

#[test]
fn case_23_a_crash_at_any_round_of_a_rollback_ends_the_same() {
    for rounds in 0..10 {
        let mut story = baking_an_image();
        let good = story.state.scoring.last_good().cloned();
        story.alarm_fires(63.5);
        story.seconds_pass(rounds);
        story.controller_restarts();
        story.alarm_clears();
        story.settles();
        assert_eq!(story.live(), good, "after {rounds} rounds");
        assert_eq!(story.phase(), Phase::RolledBack, "after {rounds} rounds");
        let kinds = story.history();
        let started = kinds
            .iter()
            .filter(|kind| **kind == HistoryKind::RollbackStarted);
        assert_eq!(started.count(), 1, "after {rounds} rounds");
    }
}
