//! The forecast of an edit, and what then happens.

use std::sync::Arc;

use schema::LoanPlatformSpec;
use schema::platform::{DeletionPolicy, Image, Mode};
use schema::status::Phase;
use schema::units::Whole;

use super::story::Story;
use crate::forecast::{Begins, Edit, Fate, Forecast, as_last_left, forecast};
use crate::specs::{SpecContent, SpecEntry};
use crate::state::PlatformState;

/// A change of a spec.
type Change = fn(&mut LoanPlatformSpec);

/// What the controller would do about the story's spec, edited.
fn foretold(story: &Story, edit: impl FnOnce(&mut LoanPlatformSpec)) -> Forecast {
    let mut spec = story.spec.clone();
    edit(&mut spec);
    foretold_of(&story.state, story, spec)
}

fn foretold_of(state: &PlatformState, story: &Story, spec: LoanPlatformSpec) -> Forecast {
    let entry = SpecEntry::new(
        state.platform.clone(),
        "specs/local.yaml".to_owned(),
        SpecContent::Valid(Arc::new(spec)),
    );
    let world = as_last_left(state, story.now);
    forecast(state, world, &Edit::of(entry).unwrap(), story.now)
}

fn calls(forecast: &Forecast) -> Vec<String> {
    forecast
        .steps()
        .map(|step| step.action.to_string())
        .collect()
}

/// What the story calls for from here on, until its change has proved good.
fn what_happens(story: &mut Story) -> Vec<String> {
    story.calls.clear();
    story.has_traffic();
    story.seconds_pass(300);
    story.calls.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_foretold_of_a_new_platform_is_what_happens() {
    let mut story = Story::begins();
    let nothing = PlatformState::new(story.state.platform.clone(), story.now);
    let forecast = foretold_of(&nothing, &story, story.spec.clone());

    assert_eq!(calls(&forecast), what_happens(&mut story));
    assert_eq!((forecast.from, forecast.generation), (None, 1));
    assert!(matches!(forecast.scoring.unwrap().fate, Fate::First(_)));
    assert_eq!(forecast.waits_on, None);
}

#[test]
fn what_is_foretold_of_an_edit_is_what_happens() {
    let edits: [(&str, Change); 5] = [
        ("a count", |spec| {
            spec.services.loan_api.desired_count = Some(Whole::new(4));
        }),
        ("a live setting of scoring", |spec| {
            spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(4);
        }),
        ("scoring's image", |spec| {
            spec.services.scoring.image = Image("scoring:2".to_owned());
        }),
        ("everything at once", |spec| {
            spec.services.scoring.image = Image("scoring:2".to_owned());
            spec.services.auth.image = Image("auth:2".to_owned());
            spec.services.loan_api.desired_count = Some(Whole::new(1));
            spec.alarms[0].threshold = 10.0;
            spec.dashboard = true;
        }),
        ("a guard that goes", |spec| spec.alarms.clear()),
    ];
    for (what, edit) in edits {
        let mut story = Story::with_a_good_revision();
        let forecast = foretold(&story, edit);
        story.edits(edit);
        assert_eq!(calls(&forecast), what_happens(&mut story), "{what}");
        assert!(forecast.changes_something(), "{what}");
        assert_eq!(forecast.waits_on, None, "{what}");
    }
}

#[test]
fn a_spec_that_says_nothing_new_changes_nothing() {
    let story = Story::with_a_good_revision();
    let forecast = foretold(&story, |_| {});
    assert!(!forecast.changes_something());
    assert_eq!((forecast.from, forecast.generation), (Some(1), 1));
    assert!(forecast.edits.is_empty() && forecast.warnings.is_empty());
}

#[test]
fn a_scoring_change_beside_others_waits_for_them_to_show_their_effects() {
    let story = Story::with_a_good_revision();
    let forecast = foretold(&story, |spec| {
        spec.services.auth.image = Image("auth:2".to_owned());
        spec.services.scoring.image = Image("scoring:2".to_owned());
    });
    let begins: Vec<Begins> = forecast.stages.iter().map(|stage| stage.begins).collect();
    assert!(
        matches!(
            begins.as_slice(),
            [Begins::AtOnce, Begins::AfterSettling(1..)]
        ),
        "{begins:?}"
    );
    let Fate::Bakes(bake) = forecast.scoring.unwrap().fate else {
        panic!("it bakes");
    };
    assert_eq!((bake.bake_ms, bake.samples), (70_000, 50));
    assert_eq!(bake.guards[0].name.0, super::story::ALARM);
}

#[test]
fn a_revision_that_was_taken_back_is_foretold_to_stay_out() {
    let mut story = Story::with_a_good_revision();
    story.changes_retries(9);
    story.begins_to_apply();
    story.settles();
    story.alarm_fires(60.0);
    story.settles();
    story.alarm_clears();
    story.seconds_pass(60);
    assert_eq!(story.phase(), Phase::RolledBack);

    let forecast = foretold(&story, |spec| {
        spec.services.loan_api.desired_count = Some(Whole::new(3));
    });
    assert!(matches!(
        forecast.scoring.as_ref().unwrap().fate,
        Fate::KeptOut(_)
    ));
    assert_eq!(calls(&forecast), ["scale loan-api to 3"]);
    assert!(forecast.warnings[0].contains("is quarantined"));
    let forecast = foretold(&story, |_| {});
    assert!(!forecast.changes_something());

    let forecast = foretold(&story, |spec| spec.rollout.retry_token = "again".to_owned());
    assert!(matches!(forecast.scoring.unwrap().fate, Fate::Bakes(_)));
}

#[test]
fn an_alarm_that_fires_already_is_foretold_to_hold_a_scoring_change() {
    let mut story = Story::with_a_good_revision();
    story.alarm_fires(60.0);
    story.settles();
    let forecast = foretold(&story, |spec| {
        spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(4);
    });
    let Fate::Waits(reason) = forecast.scoring.unwrap().fate else {
        panic!("it waits");
    };
    assert!(reason.contains("already fires"), "{reason}");
    assert!(forecast.stages.is_empty());
    assert!(forecast.warnings[0].contains("fires already"));
}

#[test]
fn a_mode_that_holds_or_only_looks_is_foretold_to_change_nothing() {
    for mode in [Mode::Observe, Mode::Suspend] {
        let story = Story::with_a_good_revision();
        let forecast = foretold(&story, |spec| {
            spec.mode = mode;
            spec.services.auth.image = Image("auth:2".to_owned());
        });
        assert!(forecast.stages.is_empty(), "{mode:?}");
        assert!(
            forecast.warnings[0].contains(&format!("{mode:?}")),
            "{mode:?}"
        );
    }
}

#[test]
fn an_edit_is_warned_of_what_it_risks() {
    let warned =
        |edit: Change| -> Vec<String> { foretold(&Story::with_a_good_revision(), edit).warnings };
    let cases: [(Change, &str); 4] = [
        (
            |spec| spec.services.scoring.desired_count = Some(Whole::new(0)),
            "scoring loses more than half of its capacity: 2 tasks become 0",
        ),
        (
            |spec| spec.alarms[0].threshold = 90.0,
            "alarm scoring-failures judges scoring changes and is edited",
        ),
        (
            |spec| spec.alarms[0].on_alarm.clear(),
            "alarm scoring-failures does not judge scoring changes any more",
        ),
        (
            |spec| spec.deletion_policy = DeletionPolicy::Delete,
            "deletionPolicy becomes Delete",
        ),
    ];
    for (edit, warning) in cases {
        let warnings = warned(edit);
        assert!(
            warnings.iter().any(|it| it.starts_with(warning)),
            "{warnings:?}"
        );
    }
    assert!(warned(|spec| spec.services.auth.desired_count = Some(Whole::new(2))).is_empty());
}

#[test]
fn an_edit_during_a_bake_is_foretold_to_replace_the_change_under_way() {
    let mut story = Story::with_a_good_revision();
    story.changes_retries(4);
    story.has_traffic();
    story.begins_to_apply();
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);

    let edit = |spec: &mut LoanPlatformSpec| {
        spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(5);
    };
    let forecast = foretold(&story, edit);
    assert!(forecast.warnings[0].contains("is under way (Baking)"));
    story.edits(edit);
    assert_eq!(calls(&forecast), what_happens(&mut story));
}

#[test]
fn an_edit_that_ends_a_hold_is_foretold_to_deploy_over_what_somebody_else_had() {
    let mut story = Story::with_a_good_revision();
    story.changes_retries(4);
    story.has_traffic();
    story.begins_to_apply();
    story.settles();
    story.somebody_deploys("scoring:by-hand");
    story.settles();
    assert_eq!(story.phase(), Phase::Paused);

    let edit: Change = |spec| spec.rollout.retry_token = "on".to_owned();
    let forecast = foretold(&story, edit);
    assert!(forecast.changes_something());
    assert!(
        calls(&forecast)[0].starts_with("deploy scoring"),
        "{:?}",
        calls(&forecast)
    );
    story.edits(edit);
    assert_eq!(calls(&forecast), what_happens(&mut story));
}
