use schema::names::ServiceName;
use schema::platform::{Image, OnInconclusive};
use schema::status::{AlarmState, HistoryKind, Phase};
use schema::units::Whole;

use super::story::{ALARM, Story};
use crate::plan::Action;
use crate::ports::{DeploymentState, ServiceChange};

fn harmless(story: &mut Story) {
    story.edits(|spec| spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(3));
}

#[test]
fn a_harmless_change_is_promoted_when_its_bake_is_over() {
    let mut story = Story::with_a_good_revision();
    harmless(&mut story);
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    assert_eq!(story.ready(), ("False".to_owned(), "Baking".to_owned()));
    story.is_watched_with_traffic();
    assert_eq!(story.phase(), Phase::Succeeded);
    assert_eq!(story.state.scoring.last_good(), Some(&story.wanted()));
    assert_eq!(story.ready().0, "True");
    let promoted = story.state.history.last().unwrap();
    assert_eq!(promoted.kind, HistoryKind::Promoted);
    let fields = &promoted.evidence.as_ref().unwrap().fields;
    assert_eq!(
        fields[0].to_string(),
        "services.scoring.clients.provider.retry.maxAttempts: 2 → 3"
    );
}

#[test]
fn counts_and_thresholds_are_not_a_scoring_change() {
    let mut story = Story::with_a_good_revision();
    let live = story.live();
    story.edits(|spec| {
        spec.services.scoring.desired_count = Some(Whole::new(4));
        spec.alarms[0].threshold = 30.0;
    });
    story.settles();
    assert_eq!(story.live(), live);
    assert_eq!(story.phase(), Phase::Succeeded);
    assert_eq!(story.calls.len(), 2);
}

#[test]
fn a_bake_without_samples_is_inconclusive_and_can_be_approved() {
    let mut story = Story::with_a_good_revision();
    harmless(&mut story);
    story.settles();
    story.world.evidence = crate::ports::BakeEvidence::default();
    story.seconds_pass(400);
    assert_eq!(
        story.phase(),
        Phase::Baking,
        "it waits for samples up to maxBakeTime"
    );
    story.seconds_pass(250);
    assert_eq!(story.phase(), Phase::Inconclusive);
    assert_eq!(
        story.ready(),
        ("False".to_owned(), "Inconclusive".to_owned())
    );

    let digest = story.wanted();
    story.edits(|spec| spec.rollout.approve = digest.short().to_owned());
    story.turn();
    assert_eq!(story.phase(), Phase::Succeeded);
    assert_eq!(story.state.scoring.last_good(), Some(&digest));
}

#[test]
fn invariant_11_suppressed_datapoints_do_not_pass_a_bake_however_many_calls_there_were() {
    let mut story = Story::with_a_good_revision();
    harmless(&mut story);
    story.settles();
    story.has_traffic();
    story.world.evidence.judged_datapoints.clear();
    story.seconds_pass(200);
    assert_eq!(story.phase(), Phase::Baking);
    let waiting_on = story.state.status.scoring.waiting_on.clone().unwrap();
    assert!(
        waiting_on.contains(&format!("alarm {ALARM} has judged 0 of 3")),
        "{waiting_on}"
    );
}

#[test]
fn an_inconclusive_bake_is_taken_back_where_the_spec_asks_for_it() {
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    story.edits(|spec| {
        spec.rollout.on_inconclusive = OnInconclusive::Rollback;
        spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(3);
    });
    story.settles();
    story.world.evidence = crate::ports::BakeEvidence::default();
    story.seconds_pass(700);
    assert_eq!(story.live(), good);
    let entry = story.state.scoring.quarantine.last().unwrap();
    assert!(!entry.convicted, "no alarm spoke against it");
}

#[test]
fn a_change_waits_while_a_gating_alarm_already_fires() {
    let mut story = Story::with_a_good_revision();
    story.alarm_fires(50.0);
    story.seconds_pass(5);
    harmless(&mut story);
    story.settles();
    assert_eq!(story.phase(), Phase::Preflight);
    assert!(story.calls.is_empty());
    story.alarm_clears();
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
}

#[test]
fn the_image_goes_first_on_the_old_settings() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| {
        spec.services.scoring.image = Image("scoring:2".to_owned());
        spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(3);
    });
    story.settles();
    let deployed = story
        .calls
        .iter()
        .position(|call| matches!(call, Action::Service(ServiceChange::Deploy { .. })));
    let written = story
        .calls
        .iter()
        .position(|call| matches!(call, Action::PutSettings { .. }));
    assert!(deployed.unwrap() < written.unwrap());
    assert_eq!(story.phase(), Phase::Baking);
}

#[test]
fn an_image_that_does_not_start_is_taken_back_and_convicted() {
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    story.broken_image = Some("scoring:broken");
    story.changes_image("scoring:broken");
    story.settles();
    assert_eq!(story.live(), good);
    assert_eq!(story.scoring_image(), "scoring:1");
    let entry = story.state.scoring.quarantine.last().unwrap();
    assert!(entry.convicted && entry.reason.contains("exited with code 101"));
}

#[test]
fn other_changes_of_the_same_edit_go_first_and_settle() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| {
        spec.services.loan_api.image = Image("loan-api:2".to_owned());
        spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(3);
    });
    story.turn();
    story.service(ServiceName::LoanApi).deployment.state = DeploymentState::InProgress;
    story.settles();
    assert_eq!(story.phase(), Phase::Preflight);
    story.service(ServiceName::LoanApi).deployment.state = DeploymentState::Completed;
    story.settles();
    assert_eq!(
        story.phase(),
        Phase::Preflight,
        "its alarms have a window to speak of it first"
    );
    story.seconds_pass(45);
    assert_eq!(story.phase(), Phase::Baking);
}

#[test]
fn invariant_09_a_newer_change_during_a_bake_goes_back_to_the_last_known_good() {
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    harmless(&mut story);
    story.settles();
    let middle = story.wanted();
    story.edits(|spec| spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(4));
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    story.alarm_fires(80.0);
    story.settles();
    assert_eq!(story.live(), good);
    assert_ne!(
        story.live(),
        Some(middle),
        "the unbaked one in the middle is no place to go back to"
    );
}

#[test]
fn withdrawing_a_change_mid_bake_goes_back_and_keeps_nothing_out() {
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    harmless(&mut story);
    story.settles();
    story.edits(|spec| spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(2));
    story.settles();
    assert_eq!(story.live(), good);
    assert!(story.state.scoring.quarantine.is_empty());
    assert_eq!(story.ready().0, "True");
}

#[test]
fn a_first_revision_under_a_firing_alarm_waits_for_it_to_clear() {
    let mut story = Story::begins();
    story.settles();
    story.has_traffic();
    story.alarm_fires(90.0);
    story.seconds_pass(200);
    assert_eq!(story.phase(), Phase::Baking);
    assert!(
        story
            .state
            .status
            .scoring
            .waiting_on
            .clone()
            .unwrap()
            .contains("nothing to go back to")
    );
    story.alarm_clears();
    story.seconds_pass(75);
    assert_eq!(story.phase(), Phase::Succeeded);
}

#[test]
fn a_gating_alarm_is_not_edited_while_it_judges() {
    let mut story = Story::with_a_good_revision();
    harmless(&mut story);
    story.settles();
    story.calls.clear();
    story.edits(|spec| spec.alarms[0].threshold = 1.0);
    story.settles();
    assert!(story.calls.is_empty());
    assert_eq!(story.alarm().state, AlarmState::Ok);
    story.is_watched_with_traffic();
    assert!((story.alarm().definition.threshold - 1.0).abs() < f64::EPSILON);
}

#[test]
fn a_bake_does_not_pass_while_a_gating_alarm_fires() {
    let mut story = Story::with_a_good_revision();
    harmless(&mut story);
    story.settles();
    // It fires, but says that it did so before the change began.
    story.alarm().state = AlarmState::Alarm;
    story.is_watched_with_traffic();
    assert_eq!(story.phase(), Phase::Baking);
    story.alarm_clears();
    story.settles();
    assert_eq!(story.phase(), Phase::Succeeded);
}

#[test]
fn a_quiet_platform_is_not_written_for_ever_while_its_first_alarm_fires() {
    let mut story = Story::begins();
    story.settles();
    story.has_traffic();
    story.alarm_fires(90.0);
    story.seconds_pass(5);
    let before = serde_json::to_value(&story.state.scoring).unwrap();
    story.seconds_pass(50);
    assert_eq!(serde_json::to_value(&story.state.scoring).unwrap(), before);
}

#[test]
fn a_scoring_change_can_mend_scoring_itself() {
    let mut story = Story::with_a_good_revision();
    story.service(ServiceName::Scoring).deployment.state = DeploymentState::InProgress;
    story.turn();
    story.changes_image("scoring:2");
    story.settles();
    assert_eq!(story.scoring_image(), "scoring:2");
}
