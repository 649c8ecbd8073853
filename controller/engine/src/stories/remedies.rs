use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use schema::names::ServiceName;
use schema::platform::{
    Alarm, AlarmAction, AlarmName, BreakerMode, DesiredCount, Mode, OnInconclusive,
};
use schema::settings::ServiceSettings;
use schema::status::{Actor, AlarmState, HistoryEntry, HistoryKind, Phase};
use schema::units::Whole;
use serde_json::{Value, json};

use super::story::Story;
use crate::desired::definition;
use crate::plan::Action;
use crate::ports::{Firing, ObservedAlarm};

const CPU: &str = "loan-api-cpu";
const STUCK: &str = "received-too-old";

fn alarm(name: &str, actions: Value) -> Alarm {
    let mut alarm = json!({
        "name": name,
        "signal": "CpuUtilization",
        "service": "loanApi",
        "threshold": 80.0,
    });
    let Value::Object(actions) = actions else {
        panic!("actions and their parameters")
    };
    alarm.as_object_mut().unwrap().extend(actions);
    serde_json::from_value(alarm).unwrap()
}

fn scale_out() -> Alarm {
    let parameters = json!({
        "service": "loanApi", "step": 1, "maxCount": 4, "cooldown": "30s", "for": "2m",
    });
    alarm(
        CPU,
        json!({ "onAlarm": ["ScaleOut"], "scaleOut": parameters }),
    )
}

fn hold_open() -> Alarm {
    let parameters = json!({ "service": "scoring", "client": "provider", "for": "1m" });
    alarm(
        STUCK,
        json!({ "onAlarm": ["ForceBreakerOpen"], "forceBreakerOpen": parameters }),
    )
}

/// A settled platform with one more alarm.
fn with(alarm: Alarm) -> Story {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| spec.alarms.push(alarm));
    story.settles();
    story.calls.clear();
    story
}

fn fires(story: &mut Story, name: &str) {
    let firing = Firing {
        at: story.now,
        value: Some(91.0),
        first_breach_at: None,
        last_breach_at: None,
    };
    let alarm = found(story, name);
    alarm.state = AlarmState::Alarm;
    alarm.since = firing.at;
    alarm.last_firing = Some(firing);
}

fn found<'a>(story: &'a mut Story, name: &str) -> &'a mut ObservedAlarm {
    let name = AlarmName(name.to_owned());
    story.world.alarms.get_mut(&name).unwrap()
}

fn tasks(story: &Story, service: ServiceName) -> u32 {
    story.world.services[&service].desired_count
}

fn loan_api(story: &Story) -> u32 {
    tasks(story, ServiceName::LoanApi)
}

fn provider_breaker(story: &Story) -> BreakerMode {
    let found = &story.world.settings[&ServiceName::Scoring];
    let Some(ServiceSettings::Scoring(settings)) =
        found.document.as_ref().map(|document| &document.settings)
    else {
        panic!("of scoring")
    };
    settings.provider.circuit_breaker.mode
}

fn entries(story: &Story, kind: HistoryKind) -> Vec<&HistoryEntry> {
    let history = story.state.history.iter();
    let of_kind = history.filter(|entry| entry.kind == kind);
    of_kind.map(Arc::as_ref).collect()
}

fn count(story: &Story, kind: HistoryKind) -> usize {
    entries(story, kind).len()
}

fn bakes(story: &mut Story) {
    story.edits(|spec| spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(10));
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
}

#[test]
fn scale_out_adds_a_step_and_goes_back_when_its_time_is_over() {
    let mut story = with(scale_out());
    fires(&mut story, CPU);
    story.settles();
    assert_eq!(loan_api(&story), 3);
    let shown = &story.state.status.remedies[0];
    assert_eq!(
        (shown.alarm.0.as_str(), story.ready().0.as_str()),
        (CPU, "True")
    );
    assert_eq!(shown.action, "loan-api has 3 tasks at least");
    assert_eq!(shown.until, shown.since + SignedDuration::from_mins(2));

    story.seconds_pass(120);
    assert_eq!(loan_api(&story), 2);
    assert!(story.state.status.remedies.is_empty());
    let steps = story.history();
    assert!(steps.ends_with(&[HistoryKind::RemedyStarted, HistoryKind::RemedyEnded,]));
}

#[test]
fn a_remedy_says_the_temporary_value_and_the_specs() {
    let mut story = with(scale_out());
    fires(&mut story, CPU);
    story.turn();
    let started = entries(&story, HistoryKind::RemedyStarted)[0].clone();
    let evidence = started.evidence.unwrap();
    assert_eq!(
        (started.by, evidence.alarm.unwrap().0.as_str()),
        (Actor::Alarm, CPU)
    );
    assert_eq!(
        (evidence.value, evidence.threshold),
        (Some(91.0), Some(80.0))
    );
    assert_eq!(
        evidence.fields[0].to_string(),
        "services.loanApi.desiredCount: 2 → 3"
    );
    assert!(
        started.message.contains("gets 3 tasks instead of 2"),
        "{}",
        started.message
    );

    story.seconds_pass(120);
    let ended = entries(&story, HistoryKind::RemedyEnded)[0].clone();
    assert_eq!(ended.by, Actor::Controller);
    assert!(
        ended
            .message
            .contains("services.loanApi.desiredCount: 3 → 2"),
        "{}",
        ended.message
    );
}

#[test]
fn a_firing_is_reacted_to_once_whatever_restarts() {
    let mut story = with(scale_out());
    fires(&mut story, CPU);
    for _ in 0..5 {
        story.controller_restarts();
        story.seconds_pass(10);
    }
    assert_eq!(
        (loan_api(&story), count(&story, HistoryKind::RemedyStarted)),
        (3, 1)
    );

    // Nor when the alarm or its last firing is not to be seen for a while.
    let name = AlarmName(CPU.to_owned());
    let seen = story.world.alarms.remove(&name).unwrap();
    story.world.blind = Some("throttled".to_owned());
    story.seconds_pass(2);
    story.world.blind = None;
    story.seconds_pass(2);
    story.world.alarms.insert(name, seen);
    let firing = found(&mut story, CPU).last_firing.take();
    story.seconds_pass(2);
    found(&mut story, CPU).last_firing.clone_from(&firing);
    story.seconds_pass(2);
    assert_eq!(count(&story, HistoryKind::RemedyStarted), 1);

    // Nor when an older one is shown after a newer one.
    fires(&mut story, CPU);
    story.seconds_pass(2);
    let started = count(&story, HistoryKind::RemedyStarted);
    found(&mut story, CPU).last_firing = firing;
    story.seconds_pass(40);
    assert_eq!(count(&story, HistoryKind::RemedyStarted), started);
    assert_eq!(loan_api(&story), 4);
}

#[test]
fn each_firing_adds_a_step_up_to_the_most_that_the_alarm_allows() {
    let mut story = with(scale_out());
    for wanted in [3, 4, 4] {
        fires(&mut story, CPU);
        story.seconds_pass(40);
        assert_eq!(loan_api(&story), wanted);
    }
    // The last firing added nothing, and made it last longer.
    story.seconds_pass(70);
    assert_eq!(loan_api(&story), 4);
    story.seconds_pass(20);
    assert_eq!(loan_api(&story), 2);
}

#[test]
fn within_the_cooldown_nothing_is_added() {
    let mut story = with(scale_out());
    fires(&mut story, CPU);
    story.seconds_pass(20);
    fires(&mut story, CPU);
    story.seconds_pass(20);
    assert_eq!(loan_api(&story), 3);
}

#[test]
fn a_cooldown_outlasts_the_remedy() {
    let mut long = scale_out();
    long.scale_out.as_mut().unwrap().cooldown = schema::units::Span::from_millis(300_000);
    let mut story = with(long);
    fires(&mut story, CPU);
    story.seconds_pass(130);
    fires(&mut story, CPU);
    story.settles();
    assert_eq!(loan_api(&story), 2);
    let why = story.state.history.last().unwrap();
    assert_eq!(why.reason, "ScaleOutInCooldown");
}

#[test]
fn a_scaling_range_is_raised_from_below_and_never_left() {
    let mut story = with(scale_out());
    let range = json!({ "minCapacity": 2, "maxCapacity": 3, "targetCpuUtilization": 60 });
    story.edits(|spec| {
        spec.services.loan_api.desired_count = None;
        spec.services.loan_api.scaling = serde_json::from_value(range).unwrap();
    });
    story.settles();
    for _ in 0..2 {
        fires(&mut story, CPU);
        story.seconds_pass(40);
        assert_eq!(loan_api(&story), 3);
        let scaling = story.service(ServiceName::LoanApi).scaling.unwrap();
        assert_eq!(
            (scaling.min_capacity.get(), scaling.max_capacity.get()),
            (3, 3)
        );
    }
    story.seconds_pass(120);
    let scaling = story.service(ServiceName::LoanApi).scaling.unwrap();
    assert_eq!(
        (scaling.min_capacity.get(), scaling.max_capacity.get()),
        (2, 3)
    );
}

#[test]
fn a_count_that_the_spec_leaves_open_goes_back_to_what_it_was() {
    let mut story = with(scale_out());
    story.edits(|spec| spec.services.loan_api.desired_count = None);
    story.settles();
    fires(&mut story, CPU);
    story.settles();
    assert_eq!(loan_api(&story), 3);
    story.seconds_pass(120);
    assert_eq!(loan_api(&story), 2);
    assert!(story.state.remedies.is_empty());
}

#[test]
fn a_count_that_somebody_has_changed_meanwhile_is_left_alone() {
    let mut story = with(scale_out());
    story.edits(|spec| spec.services.loan_api.desired_count = None);
    story.settles();
    fires(&mut story, CPU);
    story.settles();
    story.service(ServiceName::LoanApi).desired_count = 7;
    story.seconds_pass(120);
    assert_eq!(loan_api(&story), 7);
    assert!(story.state.remedies.is_empty());
}

#[test]
fn a_breaker_is_held_open_and_let_go_without_another_scoring_revision() {
    let mut story = with(hold_open());
    let live = story.live();
    fires(&mut story, STUCK);
    story.settles();
    assert_eq!(provider_breaker(&story), BreakerMode::ForcedOpen);
    assert_eq!(
        story.state.status.remedies[0].action,
        "scoring's breaker for its provider is held open"
    );
    assert_eq!((story.live(), story.phase()), (live, Phase::Succeeded));

    story.seconds_pass(68);
    assert_eq!(provider_breaker(&story), BreakerMode::Enabled);
}

#[test]
fn what_fires_while_a_breaker_is_held_open_does_not_prolong_that() {
    let mut story = with(hold_open());
    fires(&mut story, STUCK);
    story.settles();
    story.seconds_pass(28);
    fires(&mut story, STUCK);
    story.seconds_pass(40);
    assert_eq!(provider_breaker(&story), BreakerMode::Enabled);
    let reasons = story
        .state
        .history
        .iter()
        .map(|entry| entry.reason.as_str());
    assert!(reasons.clone().any(|it| it == "BreakerIsHeldOpen"));

    // Once it was tried again, a firing speaks for itself.
    fires(&mut story, STUCK);
    story.settles();
    assert_eq!(provider_breaker(&story), BreakerMode::ForcedOpen);
}

#[test]
fn a_breaker_is_let_go_although_alarms_cannot_be_read() {
    let mut story = with(hold_open());
    fires(&mut story, STUCK);
    story.settles();
    story.world.blind = Some("throttled".to_owned());
    story.seconds_pass(60);
    assert_eq!(provider_breaker(&story), BreakerMode::Enabled);
}

#[test]
fn someone_is_told_once_of_every_firing() {
    let mut story = with(alarm(CPU, json!({ "onAlarm": ["Notify"] })));
    for _ in 0..2 {
        fires(&mut story, CPU);
        story.settles();
    }
    let told = entries(&story, HistoryKind::Notified);
    assert_eq!(told.len(), 2);
    assert!(
        told[0].message.contains("91.00 > 80"),
        "{}",
        told[0].message
    );
    let evidence = told[0].evidence.clone().unwrap();
    assert!(evidence.fired_at.is_some() && told[0].by == Actor::Alarm);
    assert!(story.calls.is_empty());
}

#[test]
fn an_alarm_that_is_muted_when_it_fires_is_never_reacted_to() {
    let mut story = with(scale_out());
    found(&mut story, CPU).muted = true;
    fires(&mut story, CPU);
    story.settles();
    found(&mut story, CPU).muted = false;
    story.settles();
    assert_eq!(loan_api(&story), 2);
}

#[test]
fn a_firing_from_before_the_platform_was_known_is_not_reacted_to() {
    let mut story = Story::begins();
    story.edits(|spec| spec.alarms.push(scale_out()));
    let before = story.now - SignedDuration::from_secs(1);
    let found = ObservedAlarm {
        definition: definition(&story.state.platform, &scale_out()).unwrap(),
        state: AlarmState::Alarm,
        since: before,
        configured_at: Timestamp::UNIX_EPOCH,
        value: Some(91.0),
        last_firing: Some(Firing {
            at: before,
            value: Some(91.0),
            first_breach_at: None,
            last_breach_at: None,
        }),
        judged_since: Timestamp::UNIX_EPOCH,
        muted: false,
    };
    story.world.alarms.insert(AlarmName(CPU.to_owned()), found);
    story.settles();
    assert_eq!(loan_api(&story), 2);
    fires(&mut story, CPU);
    story.settles();
    assert_eq!(loan_api(&story), 3);
}

#[test]
fn a_firing_that_nobody_saw_until_its_remedy_would_be_over_is_only_told() {
    let mut story = with(hold_open());
    fires(&mut story, STUCK);
    story.now += SignedDuration::from_mins(5);
    story.settles();
    assert_eq!(provider_breaker(&story), BreakerMode::Enabled);
    assert_eq!(
        story.state.history.last().unwrap().reason,
        "ForceBreakerOpenTooLate"
    );
}

#[test]
fn a_remedy_mid_bake_makes_the_verdict_weak() {
    let mut story = with(scale_out());
    bakes(&mut story);
    fires(&mut story, CPU);
    story.turn();
    story.alarm_fires(63.5);
    story.settles();
    assert!(!story.state.scoring.quarantine[0].convicted);
    assert_eq!(story.live().as_ref(), story.state.scoring.last_good());
}

#[test]
fn the_end_of_a_remedy_mid_bake_makes_the_verdict_weak() {
    let mut story = with(hold_open());
    fires(&mut story, STUCK);
    story.seconds_pass(40);
    bakes(&mut story);
    story.seconds_pass(20);
    assert_eq!(count(&story, HistoryKind::RemedyEnded), 1);
    story.alarm_fires(63.5);
    story.settles();
    assert!(!story.state.scoring.quarantine[0].convicted);
}

#[test]
fn the_firing_that_convicts_a_change_is_not_weakened_by_its_own_remedy() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| {
        spec.alarms[0].on_alarm.push(AlarmAction::ScaleOut);
        spec.alarms[0].scale_out = scale_out().scale_out;
    });
    story.settles();
    bakes(&mut story);
    story.alarm_fires(63.5);
    story.settles();
    assert!(story.state.scoring.quarantine[0].convicted);
    assert_eq!(story.live().as_ref(), story.state.scoring.last_good());
    assert_eq!(loan_api(&story), 3);
    assert_eq!(count(&story, HistoryKind::Suspected), 0);
}

#[test]
fn a_rollback_goes_before_what_remedies_do_and_lowers_no_count() {
    let mut story = with(scale_out());
    fires(&mut story, CPU);
    story.seconds_pass(60);
    bakes(&mut story);
    story.tasks_ignore_their_settings = true;
    story.alarm_fires(63.5);
    story.turn();
    assert_eq!(story.phase(), Phase::RollingBack);
    story.calls.clear();
    story.seconds_pass(60);
    assert_eq!(
        loan_api(&story),
        3,
        "its time is over, and the rollback is not"
    );
    story.tasks_ignore_their_settings = false;
    story.settles();
    assert_eq!((story.phase(), loan_api(&story)), (Phase::Verifying, 2));
}

#[test]
fn scoring_gets_its_tasks_when_the_rollback_is_done() {
    let mut alarm = scale_out();
    alarm.scale_out.as_mut().unwrap().service = ServiceName::Scoring;
    let mut story = with(alarm);
    bakes(&mut story);
    story.tasks_ignore_their_settings = true;
    story.alarm_fires(63.5);
    fires(&mut story, CPU);
    story.settles();
    assert_eq!(story.phase(), Phase::RollingBack);
    assert_eq!(tasks(&story, ServiceName::Scoring), 2);
    story.tasks_ignore_their_settings = false;
    story.settles();
    assert_eq!(story.phase(), Phase::Verifying);
    assert_eq!(tasks(&story, ServiceName::Scoring), 3);
}

#[test]
fn the_calls_of_a_rollback_come_before_all_others() {
    let mut story = with(scale_out());
    bakes(&mut story);
    story.alarm_fires(63.5);
    fires(&mut story, CPU);
    story.edits(|spec| spec.alarms.push(hold_open()));
    story.calls.clear();
    story.turn();
    let is_settings = |action: &Action| matches!(action, Action::PutSettings { .. });
    let others = story.calls.iter().position(|action| !is_settings(action));
    assert_eq!(
        (others, story.calls.len()),
        (Some(2), 4),
        "{:?}",
        story.calls
    );
}

#[test]
fn observe_says_what_would_be_done_and_does_nothing() {
    let mut story = with(scale_out());
    story.edits(|spec| spec.mode = Mode::Observe);
    story.settles();
    for _ in 0..3 {
        fires(&mut story, CPU);
        story.seconds_pass(60);
    }
    assert!(story.calls.is_empty() && story.state.remedies.is_empty());
    let told = entries(&story, HistoryKind::Notified);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].message.contains("Mode is Observe") && told[0].message.contains("3 tasks"),
        "{}",
        told[0].message
    );
}

#[test]
fn suspend_goes_on_guarding() {
    let mut story = with(scale_out());
    story.edits(|spec| spec.mode = Mode::Suspend);
    story.settles();
    fires(&mut story, CPU);
    story.settles();
    assert_eq!(loan_api(&story), 3);
    story.seconds_pass(120);
    assert_eq!(loan_api(&story), 2);
}

#[test]
fn edits_that_take_the_action_away_end_its_remedy_at_once() {
    type Edit = fn(&mut schema::LoanPlatformSpec);
    let edits: [Edit; 3] = [
        |spec| drop(spec.alarms.pop()),
        |spec| {
            let alarm = spec.alarms.last_mut().unwrap();
            alarm.on_alarm.clear();
            alarm.scale_out = None;
        },
        |spec| {
            let alarm = spec.alarms.last_mut().unwrap();
            alarm.scale_out.as_mut().unwrap().service = ServiceName::Auth;
        },
    ];
    for edit in edits {
        let mut story = with(scale_out());
        fires(&mut story, CPU);
        story.settles();
        assert_eq!(loan_api(&story), 3);
        story.edits(edit);
        story.settles();
        assert_eq!(loan_api(&story), 2);
        let ended = entries(&story, HistoryKind::RemedyEnded);
        assert_eq!(ended[0].reason, "ActionRemoved");
    }
}

#[test]
fn a_service_that_goes_away_takes_its_remedy_along() {
    let mut alarm = scale_out();
    alarm.scale_out.as_mut().unwrap().service = ServiceName::ScoreProvider;
    let mut story = with(alarm);
    fires(&mut story, CPU);
    story.settles();
    assert_eq!(tasks(&story, ServiceName::ScoreProvider), 2);
    story.edits(|spec| {
        spec.services.score_provider = None;
        spec.alarms[1].scale_out.as_mut().unwrap().service = ServiceName::Auth;
    });
    story.settles();
    assert!(story.state.remedies.is_empty());
    assert!(
        !story
            .world
            .services
            .contains_key(&ServiceName::ScoreProvider)
    );
}

#[test]
fn an_edit_above_the_remedy_counts() {
    let mut story = with(scale_out());
    fires(&mut story, CPU);
    story.settles();
    story.edits(|spec| spec.services.loan_api.desired_count = Some(DesiredCount::new(6)));
    story.settles();
    assert_eq!(loan_api(&story), 6);
    story.seconds_pass(120);
    assert_eq!(loan_api(&story), 6);
}

#[test]
fn two_alarms_may_lay_their_steps_on_each_other() {
    let other = "loan-api-late";
    let mut story = with(scale_out());
    let mut second = scale_out();
    second.name = AlarmName(other.to_owned());
    story.edits(|spec| {
        spec.alarms.push(second);
        spec.services.loan_api.desired_count = None;
    });
    story.settles();
    fires(&mut story, CPU);
    story.seconds_pass(60);
    fires(&mut story, other);
    story.seconds_pass(50);
    assert_eq!(loan_api(&story), 4);
    story.seconds_pass(20);
    assert_eq!(
        loan_api(&story),
        4,
        "the first is over, the second holds on"
    );
    story.seconds_pass(60);
    assert_eq!(loan_api(&story), 2);
}

#[test]
fn case_08_an_alarm_after_the_bake_names_the_suspects_and_takes_nothing_back() {
    let mut story = Story::with_a_good_revision();
    bakes(&mut story);
    story.is_watched_with_traffic();
    assert_eq!(story.phase(), Phase::Succeeded);
    let live = story.live();
    story.edits(|spec| spec.services.auth.desired_count = Some(DesiredCount::new(2)));
    story.settles();
    story.seconds_pass(60);
    story.calls.clear();
    story.alarm_fires(63.5);
    story.settles();

    assert_eq!((story.live(), story.phase()), (live, Phase::Succeeded));
    assert!(story.calls.is_empty());
    let suspected = entries(&story, HistoryKind::Suspected);
    assert_eq!((suspected.len(), suspected[0].by), (1, Actor::Alarm));
    let evidence = suspected[0].evidence.clone().unwrap();
    let fields: Vec<String> = evidence.fields.iter().map(ToString::to_string).collect();
    assert_eq!(
        fields,
        [
            "services.auth.desiredCount: 1 → 2",
            "services.scoring.clients.provider.retry.maxAttempts: 2 → 10",
        ]
    );
    for field in &fields {
        assert!(
            suspected[0].message.contains(field.as_str()),
            "{}",
            suspected[0].message
        );
    }
    assert!(suspected[0].message.contains("specs/local.yaml"));
}

#[test]
fn an_alarm_long_after_every_change_says_that_nothing_was_changed() {
    let mut story = Story::with_a_good_revision();
    story.now += SignedDuration::from_hours(25);
    story.turn();
    story.alarm_fires(63.5);
    story.settles();
    let suspected = entries(&story, HistoryKind::Suspected);
    assert!(
        suspected[0].message.contains("nothing was changed"),
        "{}",
        suspected[0].message
    );
}

#[test]
fn a_change_that_was_taken_back_is_no_suspect_later() {
    let mut story = Story::with_a_good_revision();
    bakes(&mut story);
    story.alarm_fires(63.5);
    story.settles();
    story.alarm_clears();
    story.settles();
    assert_eq!(story.phase(), Phase::RolledBack);
    assert_eq!(count(&story, HistoryKind::Suspected), 0);
    story.alarm_fires(63.5);
    story.settles();
    let suspected = entries(&story, HistoryKind::Suspected);
    assert_eq!(suspected.len(), 1);
    assert!(
        !suspected[0].message.contains("maxAttempts"),
        "{}",
        suspected[0].message
    );
}

#[test]
fn remedies_are_suspects_too() {
    let mut story = with(hold_open());
    fires(&mut story, STUCK);
    story.settles();
    story.alarm_fires(100.0);
    story.settles();
    let suspected = entries(&story, HistoryKind::Suspected);
    assert!(
        suspected[0]
            .message
            .contains("circuitBreaker.mode: Enabled → ForcedOpen"),
        "{}",
        suspected[0].message
    );
}

#[test]
fn an_inconclusive_bake_is_still_judged_and_names_no_suspects() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| spec.rollout.on_inconclusive = OnInconclusive::Pause);
    bakes(&mut story);
    story.world.evidence.scoring_calls = 0;
    story.seconds_pass(620);
    assert_eq!(story.phase(), Phase::Inconclusive);
    story.alarm_fires(63.5);
    story.settles();
    assert_eq!(count(&story, HistoryKind::Suspected), 0);
    assert_ne!(story.live(), Some(story.wanted()));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Fires,
    Passes(i64),
    Restarts,
    CannotBeRead(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Fires),
        4 => (1..60_i64).prop_map(Step::Passes),
        1 => Just(Step::Restarts),
        1 => any::<bool>().prop_map(Step::CannotBeRead),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_happens_the_count_stays_in_its_bounds_and_comes_back(
        steps in prop::collection::vec(step(), 1..12),
    ) {
        let mut story = with(scale_out());
        let mut firings = 0;
        for step in steps {
            match step {
                Step::Fires => {
                    fires(&mut story, CPU);
                    firings += 1;
                }
                Step::Passes(seconds) => story.seconds_pass(seconds),
                Step::Restarts => story.controller_restarts(),
                Step::CannotBeRead(now) => story.world.blind = now.then(|| "throttled".to_owned()),
            }
            prop_assert!((2..=4).contains(&loan_api(&story)));
        }
        story.world.blind = None;
        story.seconds_pass(130);
        prop_assert_eq!(loan_api(&story), 2);
        prop_assert!(count(&story, HistoryKind::RemedyStarted) <= firings);
    }
}

#[test]
fn a_rollback_is_unconfirmed_when_its_alarm_fires_anew_each_time_a_breaker_is_let_go() {
    let mut story = Story::with_a_good_revision();
    let hold_open = hold_open();
    story.edits(|spec| {
        spec.alarms[0].on_alarm.push(AlarmAction::ForceBreakerOpen);
        spec.alarms[0].force_breaker_open = hold_open.force_breaker_open;
    });
    story.settles();
    bakes(&mut story);
    story.alarm_fires(63.5);
    for _ in 0..3 {
        // Held open for a minute, which silences the alarm; then let go, and it fires before its time to clear.
        story.seconds_pass(50);
        story.alarm().state = AlarmState::InsufficientData;
        story.seconds_pass(50);
        story.alarm_fires(63.5);
    }
    story.settles();
    assert_eq!(story.phase(), Phase::RollbackUnconfirmed);
    assert!(!story.state.scoring.quarantine[0].convicted);
    let problem = entries(&story, HistoryKind::RollbackProblem);
    assert!(problem[0].message.contains("has fired anew since"));
}
