//! Which change an alarm speaks of, and what is decided once.

use jiff::SignedDuration;
use schema::platform::{AlarmName, BreakerMode, OnFiringAlarm};
use schema::status::{AlarmState, Phase};

use super::baking;
use crate::ports::Firing;
use crate::stories::story::{ALARM, Story};

#[test]
fn case_01_an_alarm_convicts_only_the_change_that_its_datapoints_speak_of() {
    for (first_s, last_s, convicted) in [
        (5, 25, true),    // wholly within the change
        (-5, 15, true),   // the first straddles its beginning, the last is within
        (-5, -5, false),  // straddling is all there is
        (-40, 15, false), // the first was over before it began
    ] {
        let mut story = baking();
        let began = story
            .state
            .scoring
            .change
            .as_ref()
            .unwrap()
            .effective_at
            .unwrap();
        story.seconds_pass(40);
        let at = |seconds| began + SignedDuration::from_secs(seconds);
        story.alarm_fires(63.5);
        story.alarm().last_firing = Some(Firing {
            at: at(45),
            value: Some(63.5),
            first_breach_at: Some(at(first_s)),
            last_breach_at: Some(at(last_s)),
        });
        story.settles();
        let entry = &story.state.scoring.quarantine[0];
        assert_eq!(
            entry.convicted, convicted,
            "breaches from {first_s} s to {last_s} s"
        );
    }
}

#[test]
fn case_01_an_alarm_that_does_not_gate_takes_nothing_back() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| {
        let mut other = spec.alarms[0].clone();
        other.name = AlarmName("other".to_owned());
        other.on_alarm.clear();
        spec.alarms.push(other);
    });
    story.seconds_pass(60);
    story.changes_retries(10);
    story.settles();
    story.fires(&AlarmName("other".to_owned()), 99.0);
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
}

#[test]
fn case_02_weak_attribution_takes_the_change_back_and_holds_it_without_a_conviction() {
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    story.alarm().state = AlarmState::InsufficientData;
    story.changes_retries(10);
    story.settles();
    story.alarm_fires(63.5);
    story.settles();
    assert_eq!(story.live(), good);
    assert!(!story.state.scoring.quarantine[0].convicted);
    story.alarm_clears();
    story.seconds_pass(300);
    assert_eq!(story.live(), good, "it is not tried again by itself");
}

/// A change that a person let begin although its alarm fires.
fn begun_while_an_acknowledged_alarm_fires() -> Story {
    let mut story = Story::with_a_good_revision();
    story.alarm_fires(50.0);
    story.edits(|spec| {
        spec.rollout.on_firing_alarm = OnFiringAlarm::Ignore;
        spec.rollout.acknowledge_firing_alarms = vec![AlarmName(ALARM.to_owned())];
    });
    story.changes_retries(10);
    story.settles();
    story
}

#[test]
fn case_05_only_the_named_alarms_are_ignored_and_each_gates_again_once_it_has_cleared() {
    let mut story = begun_while_an_acknowledged_alarm_fires();
    let good = story.state.scoring.last_good().cloned();
    assert_eq!(
        story.phase(),
        Phase::Baking,
        "acknowledged, it does not block"
    );
    story.alarm_clears();
    story.turn();
    story.alarm_fires(80.0);
    story.settles();
    assert_eq!(
        story.state.scoring.live().cloned(),
        good,
        "once clear, it gates again"
    );
    let [held] = &story.state.scoring.quarantine[..] else {
        panic!("it is kept out")
    };
    assert!(!held.convicted, "it was not OK when the change began");
}

#[test]
fn case_05_what_an_acknowledged_alarm_saw_before_it_cleared_does_not_vouch_for_the_change() {
    let mut story = begun_while_an_acknowledged_alarm_fires();
    story.has_traffic();
    story.seconds_pass(200);
    story.alarm_clears();
    story.seconds_pass(65);
    assert_eq!(story.phase(), Phase::Baking, "the bake has begun anew");
    story.seconds_pass(10);
    assert_eq!(story.phase(), Phase::Succeeded);
}

#[test]
fn case_05_an_acknowledged_alarm_that_never_clears_does_not_vouch_for_the_change() {
    let mut story = begun_while_an_acknowledged_alarm_fires();
    story.has_traffic();
    story.seconds_pass(100);
    assert_eq!(
        story.phase(),
        Phase::Baking,
        "it may hide what the change does"
    );
    story.seconds_pass(550);
    assert_eq!(story.phase(), Phase::Inconclusive);
}

#[test]
fn case_05_an_alarm_that_nobody_acknowledged_blocks() {
    let mut story = Story::with_a_good_revision();
    story.alarm_fires(50.0);
    story.edits(|spec| spec.rollout.on_firing_alarm = OnFiringAlarm::Ignore);
    story.changes_retries(10);
    story.settles();
    assert_eq!(story.phase(), Phase::Preflight);
}

#[test]
fn case_06_a_firing_between_two_looks_counts() {
    let mut story = baking();
    story.alarm_fires(63.5);
    story.alarm_clears();
    story.settles();
    assert_eq!(story.phase(), Phase::RolledBack);
}

#[test]
fn case_07_a_decision_is_never_undone_by_an_alarm_that_flaps() {
    let mut story = baking();
    let (good, bad) = (story.state.scoring.last_good().cloned(), story.wanted());
    for _ in 0..5 {
        story.alarm_fires(63.5);
        story.turn();
        story.alarm_clears();
        story.seconds_pass(3);
    }
    story.settles();
    assert_eq!(story.live(), good);
    assert_eq!(story.state.scoring.quarantine.len(), 1);
    assert_eq!(story.state.scoring.quarantine[0].revision, bad);
}

#[test]
fn case_25_times_are_compared_with_the_worlds_own_whatever_the_local_clock_says() {
    // Deciding is handed the world's time with what was found, and no other: a story whose world lives
    // in another year than this machine ends like any other.
    let mut story = Story::begins();
    story.now = "2031-07-01T00:00:00Z".parse().unwrap();
    story.settles();
    story.is_watched_with_traffic();
    story.changes_retries(10);
    story.settles();
    story.alarm_fires(63.5);
    story.settles();
    assert!(story.state.scoring.quarantine[0].convicted);
    let late = story.state.history.iter().skip(1);
    assert!(
        late.into_iter()
            .all(|entry| entry.at.to_string().starts_with("2031"))
    );
}

#[test]
fn case_27_rejecting_everything_is_a_scoring_change_like_any_other() {
    // That its gating signal counts rejections as failures is shown where signals are computed, and
    // with traffic in the simulation.
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    story.edits(|spec| {
        spec.services.scoring.clients.provider.circuit_breaker.mode = BreakerMode::ForcedOpen;
    });
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    story.alarm_fires(100.0);
    story.settles();
    assert_eq!(story.live(), good);
}
