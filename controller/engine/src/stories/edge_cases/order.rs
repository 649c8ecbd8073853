//! What goes first, and what a change may go back to.

use schema::names::ServiceName;
use schema::status::Phase;
use schema::units::Whole;

use super::baking;
use crate::observed::RehearsalFinding;
use crate::plan::Action;
use crate::stories::story::Story;

#[test]
fn case_08_an_alarm_after_the_bake_takes_nothing_back() {
    let mut story = Story::with_a_good_revision();
    story.changes_retries(3);
    story.settles();
    story.is_watched_with_traffic();
    let live = story.live();
    story.alarm_fires(63.5);
    story.seconds_pass(60);
    assert_eq!(story.live(), live);
    assert_eq!(story.phase(), Phase::Succeeded);
}

#[test]
fn case_09_a_newer_change_restarts_the_analysis_and_the_target_stays_the_last_known_good() {
    let mut story = baking();
    let good = story.state.scoring.last_good().cloned();
    story.has_traffic();
    story.seconds_pass(60);
    story.changes_retries(9);
    story.settles();
    story.seconds_pass(30);
    assert_eq!(
        story.phase(),
        Phase::Baking,
        "the newer one is watched from the start"
    );
    story.alarm_fires(63.5);
    story.settles();
    assert_eq!(story.live(), good);
}

#[test]
fn case_10_alarms_go_first_and_have_a_window_before_scoring_changes() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| spec.alarms[0].threshold = 30.0);
    story.changes_retries(3);
    story.turn();
    assert!(matches!(story.calls[..], [Action::PutAlarm(_)]));
    story.seconds_pass(40);
    assert_eq!(story.phase(), Phase::Preflight);
    story.seconds_pass(10);
    assert_eq!(story.phase(), Phase::Baking);
}

#[test]
fn case_10_a_gating_alarm_is_not_edited_while_it_judges() {
    let mut story = baking();
    story.calls.clear();
    story.edits(|spec| spec.alarms[0].threshold = 99.0);
    story.settles();
    assert!(story.calls.is_empty());
    story.edits(|spec| spec.alarms.clear());
    story.settles();
    assert!(story.calls.is_empty(), "nor taken away");
    story.alarm_fires(63.5);
    story.settles();
    assert_ne!(story.live(), Some(story.wanted()), "it still judges");
}

#[test]
fn case_11_a_rollback_changes_only_what_the_change_changed() {
    let mut story = baking();
    story.edits(|spec| {
        spec.services.scoring.desired_count = Some(Whole::new(1));
        spec.services.auth.desired_count = Some(Whole::new(3));
    });
    let auth = story.service(ServiceName::Auth).desired_count;
    story.alarm_fires(63.5);
    story.calls.clear();
    story.turn();
    assert_eq!(story.phase(), Phase::RollingBack);
    let written = |call: &Action| matches!(call, Action::PutSettings { .. });
    assert!(written(&story.calls[0]), "the way back comes first");
    assert_eq!(
        story.service(ServiceName::Scoring).desired_count,
        2,
        "no count is lowered"
    );
    assert!(story.service(ServiceName::Auth).desired_count >= auth);
    story.alarm_clears();
    story.settles();
    assert_eq!(
        story.service(ServiceName::Scoring).desired_count,
        1,
        "the edit has its turn then"
    );
}

#[test]
fn case_12_only_a_revision_that_finished_its_bake_with_data_is_a_target() {
    let mut story = Story::begins();
    story.settles();
    story.changes_retries(10);
    story.settles();
    assert!(
        story
            .state
            .scoring
            .change
            .as_ref()
            .unwrap()
            .target
            .is_none()
    );
    story.has_traffic();
    story.alarm_fires(63.5);
    story.seconds_pass(100);
    assert_eq!(
        story.live(),
        Some(story.wanted()),
        "there is nothing to go back to: it is held"
    );
    assert!(story.waits_on().contains("nothing to go back to"));
}

#[test]
fn case_12_a_change_waits_until_both_images_would_start_and_read_both_settings() {
    let mut story = Story::with_a_good_revision();
    story.rehearsal_obstacle = Some("scoring:1 cannot be used: it is not there".to_owned());
    story.changes_retries(3);
    story.settles();
    assert_eq!(story.phase(), Phase::Preflight);
    assert!(story.waits_on().contains("scoring:1 cannot be used"));
    story.rehearsal_obstacle = None;
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
}

#[test]
fn case_12_a_rehearsal_of_another_change_says_nothing() {
    let mut story = Story::with_a_good_revision();
    story.changes_retries(3);
    story.turn();
    let other = RehearsalFinding {
        attempt: 99,
        obstacle: None,
    };
    story.only_rehearsal = Some(other);
    story.settles();
    assert_eq!(story.phase(), Phase::Preflight);
}
