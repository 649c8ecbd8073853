//! What a bake must have seen, and what is made of seeing nothing.

use jiff::SignedDuration;
use schema::names::ServiceName;
use schema::platform::{AlarmName, Image, OnInconclusive};
use schema::status::{Actor, AlarmState, HistoryKind, Phase};

use super::{baking, last_entry};
use crate::ports::BakeEvidence;
use crate::stories::story::{ALARM, Story};

#[test]
fn case_03_without_data_the_bake_clock_stands_still() {
    let mut story = baking();
    story.has_traffic();
    story.alarm().state = AlarmState::InsufficientData;
    story.seconds_pass(200);
    assert_eq!(story.phase(), Phase::Baking);
    assert!(
        story.waits_on().contains("has no data to judge by"),
        "{}",
        story.waits_on()
    );
    story.alarm_clears();
    story.seconds_pass(50);
    assert_eq!(
        story.phase(),
        Phase::Baking,
        "the time without data does not count"
    );
    story.seconds_pass(25);
    assert_eq!(story.phase(), Phase::Succeeded);
}

#[test]
fn case_03_no_traffic_extends_the_bake_and_then_does_what_the_spec_says() {
    let outcomes = [
        (OnInconclusive::Pause, Phase::Inconclusive),
        (OnInconclusive::Rollback, Phase::RolledBack),
        (OnInconclusive::Promote, Phase::Succeeded),
    ];
    for (choice, phase) in outcomes {
        let mut story = Story::with_a_good_revision();
        story.edits(|spec| spec.rollout.on_inconclusive = choice);
        story.changes_retries(3);
        story.settles();
        story.world.evidence = BakeEvidence::default();
        story.services_report_until_now();
        story.alarm().state = AlarmState::InsufficientData;
        story.seconds_pass(400);
        assert_eq!(story.phase(), Phase::Baking, "{choice:?}");
        story.seconds_pass(300);
        assert_eq!(story.phase(), phase, "{choice:?}");
    }
}

#[test]
fn case_03_a_change_that_kills_its_own_metrics_is_taken_back() {
    let mut story = baking();
    let good = story.state.scoring.last_good().cloned();
    let now = story.now;
    story.alarm().state = AlarmState::InsufficientData;
    story.alarm().since = now;
    story.falls_silent(ServiceName::Scoring);
    story.seconds_pass(200);
    assert_eq!(story.live(), good);
    let reason = &story.state.scoring.quarantine[0].reason;
    assert!(
        reason.contains("scoring reports nothing any more"),
        "{reason}"
    );
}

#[test]
fn case_04_a_bake_that_saw_nothing_never_passes() {
    let mut story = baking();
    story.world.evidence = BakeEvidence::default();
    story.services_report_until_now();
    story.seconds_pass(700);
    assert_eq!(story.phase(), Phase::Inconclusive);
    assert_ne!(story.state.scoring.last_good(), Some(&story.wanted()));
}

#[test]
fn case_17_alarms_that_cannot_be_read_hold_everything_and_are_told_of() {
    let mut story = baking();
    story.has_traffic();
    story.world.blind = Some("rate exceeded".to_owned());
    story.seconds_pass(3);
    assert_eq!(
        story.ready(),
        ("False".to_owned(), "AlarmsUnreadable".to_owned())
    );
    assert_eq!(story.condition("Stalled"), None, "it may pass by itself");
    story.seconds_pass(700);
    assert_eq!(
        story.phase(),
        Phase::Baking,
        "it is neither promoted nor taken back"
    );
    assert!(
        story
            .condition("Stalled")
            .unwrap()
            .contains("rate exceeded")
    );
    let told = story
        .history()
        .into_iter()
        .filter(|kind| *kind == HistoryKind::Held);
    assert_eq!(told.count(), 1);

    story.world.blind = None;
    story.alarm_fires(63.5);
    story.alarm_clears();
    story.settles();
    assert_eq!(
        story.phase(),
        Phase::RolledBack,
        "what fired in the gap is found in the history"
    );
}

#[test]
fn case_17_services_are_kept_as_specified_while_alarms_cannot_be_read() {
    let mut story = Story::with_a_good_revision();
    story.world.blind = Some("rate exceeded".to_owned());
    story.world.alarms.clear();
    story.service(ServiceName::Auth).desired_count = 7;
    story.turn();
    assert_eq!(story.service(ServiceName::Auth).desired_count, 1);
    assert_eq!(
        story.calls.len(),
        1,
        "and no alarm is made that may well be there"
    );
}

#[test]
fn case_18_a_gating_alarm_must_be_there_before_a_change_begins() {
    let mut story = Story::with_a_good_revision();
    story.alarms_are_not_made = true;
    story.world.alarms.clear();
    story.changes_retries(3);
    story.seconds_pass(100);
    assert_eq!(story.phase(), Phase::Preflight);
}

#[test]
fn case_18_an_alarm_that_vanishes_mid_bake_leaves_the_change_to_a_person() {
    let mut story = baking();
    story.has_traffic();
    story.world.alarms.clear();
    story.seconds_pass(100);
    assert_eq!(story.phase(), Phase::Inconclusive);
    assert_eq!(last_entry(&story, HistoryKind::Held).reason, "GuardLost");
    assert_eq!(last_entry(&story, HistoryKind::Held).by, Actor::Outside);
    let digest = story.wanted();
    story.edits(|spec| spec.rollout.approve = digest.short().to_owned());
    story.settles();
    assert_eq!(story.state.scoring.last_good(), Some(&digest));
}

#[test]
fn case_18_a_muted_alarm_neither_blocks_nor_convicts_and_is_warned_of() {
    let mut story = Story::with_a_good_revision();
    story.alarm().muted = true;
    story.alarm_fires(50.0);
    story.changes_retries(3);
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    let began = &last_entry(&story, HistoryKind::RolloutStarted).message;
    assert!(began.contains("its actions are switched off"), "{began}");
    story.alarm_fires(90.0);
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
}

#[test]
fn case_18_a_bake_whose_every_alarm_is_muted_proves_nothing() {
    let mut story = baking();
    story.alarm().muted = true;
    story.has_traffic();
    story.seconds_pass(100);
    assert_eq!(story.phase(), Phase::Baking);
    assert!(
        story.waits_on().contains("switched off"),
        "{}",
        story.waits_on()
    );
    story.seconds_pass(600);
    assert_eq!(story.phase(), Phase::Inconclusive);
    story.alarm().muted = false;
    story.settles();
    assert_eq!(story.phase(), Phase::Succeeded, "its data stands");
}

#[test]
fn invariant_11_breaches_too_far_apart_for_the_alarm_to_fire_do_not_pass_a_bake() {
    let mut story = baking();
    story.has_traffic();
    let name = AlarmName(ALARM.to_owned());
    let evidence = &mut story.world.evidence;
    evidence.breaching_datapoints.insert(name.clone(), 3);
    story.seconds_pass(100);
    assert!(
        story.waits_on().contains("3 of 6 datapoints"),
        "{}",
        story.waits_on()
    );
    story.seconds_pass(550);
    assert_eq!(story.phase(), Phase::Inconclusive);
    let evidence = &mut story.world.evidence;
    evidence.judged_datapoints.insert(name, 9);
    story.settles();
    assert_eq!(
        story.phase(),
        Phase::Succeeded,
        "one in three is what the alarm lets pass"
    );
}

#[test]
fn a_first_revision_that_somebody_else_replaces_for_a_while_bakes_anew() {
    let mut story = Story::begins();
    story.settles();
    story.has_traffic();
    story.seconds_pass(50);
    let scoring = story.service(ServiceName::Scoring);
    scoring.template.image = Image("scoring:by-hand".to_owned());
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    story.seconds_pass(50);
    assert_eq!(
        story.phase(),
        Phase::Baking,
        "the time before does not count"
    );
    story.seconds_pass(20);
    assert_eq!(story.phase(), Phase::Succeeded);
}

#[test]
fn case_19_every_gating_alarm_is_looked_at_itself_so_none_hides_another_without_data() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| {
        let mut other = spec.alarms[0].clone();
        other.name = AlarmName("other".to_owned());
        spec.alarms.push(other);
    });
    story.seconds_pass(60);
    story.changes_retries(3);
    story.settles();
    story.has_traffic();
    let other = AlarmName("other".to_owned());
    story
        .world
        .evidence
        .judged_datapoints
        .insert(other.clone(), 6);
    story.world.alarms.get_mut(&other).unwrap().state = AlarmState::InsufficientData;
    story.seconds_pass(100);
    assert_eq!(
        story.phase(),
        Phase::Baking,
        "one that is fine does not speak for the other"
    );
}

#[test]
fn case_24_a_gap_that_the_history_covers_counts_and_one_that_nobody_judged_does_not() {
    for (judged, watched_s) in [(true, 50), (false, 20)] {
        let mut story = baking();
        story.has_traffic();
        story.seconds_pass(9);
        let change = story.state.scoring.change.clone().unwrap();
        let before = change.bake.unwrap().watched_ms;
        story.controller_restarts();
        story.now += SignedDuration::from_secs(29);
        if !judged {
            let now = story.now;
            story.alarm().judged_since = now;
        }
        story.seconds_pass(20);
        let change = story.state.scoring.change.clone().unwrap();
        let watched_ms = change.bake.unwrap().watched_ms - before;
        let about = (watched_s - 1) * 1_000..=watched_s * 1_000;
        assert!(
            about.contains(&watched_ms),
            "judged: {judged}, {watched_ms} ms"
        );
    }
}

#[test]
fn case_24_a_gap_in_which_an_alarm_had_no_data_does_not_count_although_it_has_some_now() {
    let mut story = baking();
    story.has_traffic();
    story.seconds_pass(5);
    let watched_ms = |story: &Story| {
        story
            .state
            .scoring
            .change
            .as_ref()
            .unwrap()
            .bake
            .unwrap()
            .watched_ms
    };
    let before = watched_ms(&story);
    story.now += SignedDuration::from_secs(40);
    story.alarm_clears();
    story.seconds_pass(2);
    let gained = watched_ms(&story) - before;
    assert!(
        gained <= 2_000,
        "it came out of INSUFFICIENT_DATA only just now: {gained} ms"
    );
}

#[test]
fn case_26_the_bake_begins_when_every_task_reports_the_change() {
    let mut story = Story::with_a_good_revision();
    story.tasks_ignore_their_settings = true;
    story.changes_retries(3);
    story.seconds_pass(120);
    assert_eq!(story.phase(), Phase::Applying);
    story.tasks_ignore_their_settings = false;
    story.seconds_pass(3);
    assert_eq!(story.phase(), Phase::Baking);
    let change = story.state.scoring.change.as_ref().unwrap();
    let delay = change
        .effective_at
        .unwrap()
        .duration_since(change.started_at);
    assert!(delay.as_secs() >= 115, "{delay}");
}

#[test]
fn case_26_a_change_that_does_not_reach_every_task_in_time_is_taken_back() {
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    story.tasks_ignore_their_settings = true;
    story.changes_retries(3);
    story.seconds_pass(620);
    assert_eq!(story.state.scoring.settings, good);
    assert!(!story.state.scoring.quarantine[0].convicted);
}
