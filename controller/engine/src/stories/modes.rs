use schema::names::ServiceName;
use schema::platform::{DeletionPolicy, DesiredCount, Mode};
use schema::settings::ServiceSettings;
use schema::status::Phase;
use schema::units::{Span, Whole};

use super::story::Story;

#[test]
fn observe_reports_drift_and_changes_nothing() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| {
        spec.mode = Mode::Observe;
        spec.services.auth.desired_count = Some(DesiredCount::new(4));
    });
    story.settles();
    assert!(story.calls.is_empty());
    assert_eq!(story.ready(), ("False".to_owned(), "Drifted".to_owned()));
    assert!(
        story
            .condition("Ready")
            .unwrap()
            .contains("scale auth to 4")
    );
}

#[test]
fn suspend_holds_new_changes_until_it_ends() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| {
        spec.mode = Mode::Suspend;
        spec.services.auth.desired_count = Some(DesiredCount::new(4));
    });
    story.settles();
    assert!(story.calls.is_empty());
    assert_eq!(story.ready(), ("False".to_owned(), "Suspended".to_owned()));

    story.edits(|spec| spec.mode = Mode::Enforce);
    story.settles();
    assert_eq!(story.calls.len(), 1);
    assert_eq!(story.ready().0, "True");
}

#[test]
fn invariant_08_rollback_is_never_gated_by_suspend_or_observe_chosen_mid_bake() {
    for mode in [Mode::Suspend, Mode::Observe] {
        let mut story = Story::with_a_good_revision();
        let good = story.live().unwrap();
        story.edits(|spec| {
            spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(10);
        });
        story.settles();
        assert_eq!(story.phase(), Phase::Baking);
        story.edits(|spec| spec.mode = mode);
        story.turn();
        story.alarm_fires(60.0);
        story.settles();
        assert_eq!(story.live(), Some(good), "{mode:?}");
        let live = story
            .world
            .settings
            .values()
            .filter_map(|found| found.document.as_ref());
        let good = story.live().unwrap().0;
        for document in live.filter(|document| document.scoring_revision != good) {
            let untouched = matches!(document.service.kebab(), "auth" | "score-provider");
            assert!(
                untouched,
                "{mode:?}: {} is still on the bad revision",
                document.service
            );
        }
    }
}

#[test]
fn what_observe_looked_at_does_not_come_into_force_when_suspend_follows() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| {
        spec.mode = Mode::Observe;
        spec.services.auth.desired_count = Some(DesiredCount::new(4));
    });
    story.settles();
    story.edits(|spec| spec.mode = Mode::Suspend);
    story.settles();
    assert!(story.calls.is_empty());
}

#[test]
fn suspend_alone_leaves_a_platform_ready() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| spec.mode = Mode::Suspend);
    story.settles();
    assert_eq!(story.ready().0, "True");
}

#[test]
fn a_rollback_under_observe_carries_no_other_edit() {
    let mut story = Story::with_a_good_revision();
    story.edits(|spec| {
        spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(10);
    });
    story.settles();
    story.edits(|spec| {
        spec.mode = Mode::Observe;
        spec.services.loan_api.request_deadline = Span::from_millis(900);
    });
    story.turn();
    story.alarm_fires(60.0);
    story.settles();
    let document = story.world.settings[&ServiceName::LoanApi]
        .document
        .clone()
        .unwrap();
    let ServiceSettings::LoanApi(settings) = document.settings else {
        panic!("of loan-api")
    };
    assert_eq!(settings.request_deadline, Span::from_millis(750));
}

#[test]
fn observe_compares_the_newest_spec_although_nothing_was_ever_enforced() {
    let mut story = Story::begins();
    story.calls.clear();
    story.edits(|spec| spec.mode = Mode::Observe);
    story.turn();
    story.edits(|spec| {
        spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(3);
    });
    story.settles();
    assert!(story.calls.is_empty());
    assert_eq!(story.state.scoring.settings, Some(story.wanted()));
    let drift = story.condition("Ready").unwrap();
    for part in [
        "write alarm",
        "write settings",
        "create scoring",
        "create auth",
    ] {
        assert!(drift.contains(part), "{part}: {drift}");
    }
}

#[test]
fn only_a_platform_that_is_enforced_is_deleted_with_its_file() {
    let mut story = Story::with_a_good_revision();
    for (mode, policy) in [
        (Mode::Enforce, DeletionPolicy::Delete),
        (Mode::Suspend, DeletionPolicy::Retain),
        (Mode::Observe, DeletionPolicy::Retain),
    ] {
        story.edits(|spec| {
            spec.mode = mode;
            spec.deletion_policy = DeletionPolicy::Delete;
        });
        story.turn();
        assert_eq!(story.state.deletion_policy(), policy, "{mode:?}");
    }
}
