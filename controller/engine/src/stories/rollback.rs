use schema::names::ServiceName;
use schema::platform::{DesiredCount, Image};
use schema::status::{AlarmState, HistoryKind, Phase};
use schema::units::Whole;

use super::story::Story;
use crate::ports::DeploymentState;

fn bad_change(story: &mut Story) {
    story.edits(|spec| spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(10));
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
}

fn taken_back() -> Story {
    let mut story = Story::with_a_good_revision();
    bad_change(&mut story);
    story.alarm_fires(63.5);
    story.settles();
    story.alarm_clears();
    story.settles();
    story
}

#[test]
fn a_change_that_makes_its_alarm_fire_is_taken_back_and_explained() {
    let story = taken_back();
    assert_eq!(story.phase(), Phase::RolledBack);
    assert_eq!(story.live().as_ref(), story.state.scoring.last_good());
    assert_ne!(story.live(), Some(story.wanted()));

    let started = story
        .state
        .history
        .iter()
        .find(|entry| entry.kind == HistoryKind::RollbackStarted);
    let evidence = started.unwrap().evidence.clone().unwrap();
    assert_eq!(evidence.alarm.unwrap().0, "scoring-failures");
    assert_eq!(
        (evidence.value, evidence.threshold),
        (Some(63.5), Some(20.0))
    );
    assert_eq!(
        evidence.fields[0].path,
        "services.scoring.clients.provider.retry.maxAttempts"
    );

    let quarantined = &story.state.status.scoring.quarantined[0];
    assert!(quarantined.convicted);
    assert_eq!(quarantined.revision, story.wanted());
    assert_eq!(
        story.ready(),
        ("False".to_owned(), "Quarantined".to_owned())
    );
}

#[test]
fn invariant_12_what_was_taken_back_stays_out_until_the_retry_token_changes() {
    let mut story = taken_back();
    story.edits(|spec| spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(2));
    story.settles();
    assert_eq!(story.ready().0, "True");

    story.edits(|spec| spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(10));
    story.settles();
    assert_eq!(
        story.ready(),
        ("False".to_owned(), "Quarantined".to_owned())
    );
    assert!(
        story
            .condition("Stalled")
            .unwrap()
            .contains("rollout.retryToken")
    );
    assert_eq!(story.history().last(), Some(&HistoryKind::Refused));

    story.edits(|spec| spec.rollout.retry_token = "again".to_owned());
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
}

#[test]
fn quarantine_survives_a_restart_of_the_controller() {
    let mut story = taken_back();
    story.controller_restarts();
    story.settles();
    assert_eq!(
        story.ready(),
        ("False".to_owned(), "Quarantined".to_owned())
    );
    assert_ne!(story.live(), Some(story.wanted()));
}

#[test]
fn a_rollback_goes_on_after_a_restart_at_any_moment() {
    for turns in 0..6 {
        let mut story = Story::with_a_good_revision();
        let good = story.live();
        bad_change(&mut story);
        story.alarm_fires(63.5);
        story.seconds_pass(turns);
        story.controller_restarts();
        story.settles();
        assert_eq!(story.live(), good, "restarted after {turns} turns");
        let rollbacks = story
            .history()
            .into_iter()
            .filter(|k| *k == HistoryKind::RollbackStarted);
        assert_eq!(rollbacks.count(), 1, "restarted after {turns} turns");
    }
}

#[test]
fn an_alarm_that_clears_between_two_looks_still_convicts() {
    let mut story = Story::with_a_good_revision();
    bad_change(&mut story);
    story.alarm_fires(63.5);
    story.alarm_clears();
    story.settles();
    assert_eq!(story.phase(), Phase::RolledBack);
}

#[test]
fn an_alarm_that_fired_before_the_change_does_not_convict_it() {
    let mut story = Story::with_a_good_revision();
    story.alarm_fires(63.5);
    story.alarm_clears();
    story.seconds_pass(5);
    bad_change(&mut story);
    story.is_watched_with_traffic();
    assert_eq!(story.phase(), Phase::Succeeded);
}

#[test]
fn attribution_is_weak_when_the_alarm_was_not_ok_at_the_start() {
    let mut story = Story::with_a_good_revision();
    story.alarm().state = AlarmState::InsufficientData;
    bad_change(&mut story);
    story.alarm_fires(63.5);
    story.settles();
    assert!(!story.state.scoring.quarantine[0].convicted);
    assert_eq!(story.live().as_ref(), story.state.scoring.last_good());
}

#[test]
fn invariant_10_attribution_is_weak_when_something_else_was_changed_mid_bake() {
    let mut story = Story::with_a_good_revision();
    bad_change(&mut story);
    story.edits(|spec| spec.services.loan_api.image = Image("loan-api:2".to_owned()));
    story.settles();
    story.alarm_fires(63.5);
    story.settles();
    assert!(!story.state.scoring.quarantine[0].convicted);
}

#[test]
fn invariant_10_attribution_is_weak_when_the_alarm_was_edited_meanwhile() {
    let mut story = Story::with_a_good_revision();
    bad_change(&mut story);
    let now = story.now;
    story.alarm().configured_at = now;
    story.alarm_fires(63.5);
    story.settles();
    assert!(!story.state.scoring.quarantine[0].convicted);
}

#[test]
fn a_rollback_that_does_not_clear_its_alarm_is_unconfirmed_and_goes_no_further() {
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    bad_change(&mut story);
    story.alarm_fires(63.5);
    story.seconds_pass(120);
    assert_eq!(story.phase(), Phase::RollbackUnconfirmed);
    assert_eq!(story.live(), good);
    assert!(
        !story.state.scoring.quarantine[0].convicted,
        "it may not have been the cause"
    );
}

#[test]
fn invariant_08_a_rollback_never_lowers_a_count() {
    let mut story = Story::with_a_good_revision();
    bad_change(&mut story);
    story.edits(|spec| spec.services.scoring.desired_count = Some(DesiredCount::new(6)));
    story.settles();
    story.alarm_fires(63.5);
    story.settles();
    assert_eq!(
        story
            .service(schema::names::ServiceName::Scoring)
            .desired_count,
        6
    );
}

#[test]
fn too_many_rollbacks_hold_new_changes_for_a_person() {
    let mut story = Story::with_a_good_revision();
    for attempts in [10, 9, 8] {
        story.edits(|spec| {
            spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(attempts);
        });
        story.settles();
        story.alarm_fires(63.5);
        story.settles();
        story.alarm_clears();
        story.settles();
    }
    story.edits(|spec| spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(3));
    story.settles();
    assert_eq!(story.phase(), Phase::Paused);
    assert!(
        story
            .condition("Stalled")
            .unwrap()
            .contains("maxAutomaticRollbacks")
    );
}

#[test]
fn a_second_edit_during_a_bake_does_not_switch_the_guard_off() {
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    bad_change(&mut story);
    let bad = story.wanted();
    story.alarm_fires(63.5);
    story.edits(|spec| spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(9));
    story.settles();
    assert_eq!(story.live(), good);
    assert_eq!(
        story.state.scoring.quarantine[0].revision, bad,
        "the one in force is to blame"
    );
    story.alarm_clears();
    story.settles();
    assert_eq!(
        story.phase(),
        Phase::Baking,
        "the newer one has its turn afterwards"
    );
}

#[test]
fn a_bad_change_is_taken_back_while_a_newer_one_waits_to_begin() {
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    bad_change(&mut story);
    let bad = story.wanted();
    story.service(ServiceName::Auth).deployment.state = DeploymentState::InProgress;
    story.edits(|spec| spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(9));
    story.settles();
    assert_eq!(story.phase(), Phase::Preflight);
    story.alarm_fires(63.5);
    story.settles();
    assert_eq!(story.live(), good);
    assert_eq!(story.state.scoring.quarantine[0].revision, bad);
}

#[test]
fn going_back_to_a_change_that_was_being_watched_watches_it_on() {
    let mut story = Story::with_a_good_revision();
    bad_change(&mut story);
    story.service(ServiceName::Auth).deployment.state = DeploymentState::InProgress;
    story.edits(|spec| spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(9));
    story.settles();
    story.edits(|spec| spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(10));
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    assert_eq!(story.live(), Some(story.wanted()));
    story.is_watched_with_traffic();
    assert_eq!(story.phase(), Phase::Succeeded);
}

#[test]
fn a_revision_that_stays_out_does_not_ride_in_on_a_change_that_waits() {
    let mut story = taken_back();
    let good = story.live();
    story.service(ServiceName::Auth).deployment.state = DeploymentState::InProgress;
    story.edits(|spec| spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(3));
    story.settles();
    assert_eq!(story.phase(), Phase::Preflight);
    story.edits(|spec| spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(10));
    story.settles();
    story.service(ServiceName::Auth).deployment.state = DeploymentState::Completed;
    story.settles();
    assert_eq!(story.live(), good);
    assert_eq!(
        story.ready(),
        ("False".to_owned(), "Quarantined".to_owned())
    );
    story.edits(|spec| spec.services.auth.desired_count = Some(DesiredCount::new(2)));
    story.settles();
    assert_eq!(
        story.service(ServiceName::Auth).desired_count,
        2,
        "the rest goes on"
    );
}

#[test]
fn the_image_does_not_wait_for_ever_for_tasks_that_take_no_settings() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| {
        spec.services.scoring.image = Image("scoring:2".to_owned());
        spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(10);
    });
    story.settles();
    story.tasks_ignore_their_settings = true;
    story.alarm_fires(63.5);
    story.seconds_pass(30);
    assert_eq!(story.scoring_image(), "scoring:1");
    assert_eq!(story.phase(), Phase::RollingBack);
    story.seconds_pass(600);
    assert_eq!(story.phase(), Phase::RollbackFailed);
    assert_eq!(
        story.ready(),
        ("False".to_owned(), "RollbackFailed".to_owned())
    );

    story.tasks_ignore_their_settings = false;
    story.alarm_clears();
    story.settles();
    assert_eq!(story.phase(), Phase::RolledBack, "it goes on being tried");
}

#[test]
fn a_service_that_is_put_right_while_a_change_is_judged_makes_its_verdict_weak() {
    let mut story = Story::with_a_good_revision();
    story.changes_retries(9);
    story.begins_to_apply();
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    story.service(ServiceName::Auth).desired_count = 5;
    story.turn();
    story.alarm_fires(60.0);
    story.settles();
    let taken_back = story.state.scoring.quarantine.last().unwrap();
    assert!(
        !taken_back.convicted,
        "auth was changed meanwhile: {taken_back:?}"
    );
}
