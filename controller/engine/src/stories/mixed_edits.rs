//! Edits that change several things at once: each part has its turn, and each is judged for itself.

use schema::names::ServiceName;
use schema::platform::Image;
use schema::status::{HistoryKind, Phase};
use schema::units::Whole;

use super::story::Story;
use crate::plan::Action;
use crate::ports::{BakeEvidence, ServiceChange};

/// Scoring's image and its settings change in one edit.
fn changes_both_halves(story: &mut Story) {
    story.edits(|spec| {
        spec.services.scoring.image = Image("scoring:2".to_owned());
        spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(10);
    });
}

fn writes_of_scoring_settings(story: &Story) -> usize {
    let writes = |call: &&Action| match call {
        Action::PutSettings { document, .. } => document.service == ServiceName::Scoring,
        _ => false,
    };
    story.calls.iter().filter(writes).count()
}

#[test]
fn an_image_and_a_settings_change_in_one_edit_fail_in_the_image_half() {
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    story.broken_image = Some("scoring:2");
    changes_both_halves(&mut story);
    story.settles();
    assert_eq!(story.live(), good);
    assert_eq!(story.scoring_image(), "scoring:1");
    assert_eq!(
        writes_of_scoring_settings(&story),
        0,
        "the settings half never had its turn"
    );
    assert!(story.state.scoring.quarantine[0].convicted);
}

#[test]
fn an_image_and_a_settings_change_in_one_edit_fail_in_the_settings_half() {
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    changes_both_halves(&mut story);
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
    story.calls.clear();
    story.alarm_fires(63.5);
    story.settles();
    assert_eq!(story.live(), good, "both halves are taken back");
    let position = |wanted: fn(&Action) -> bool| story.calls.iter().position(wanted).unwrap();
    let settings = position(|call| matches!(call, Action::PutSettings { .. }));
    let image = position(|call| matches!(call, Action::Service(ServiceChange::Deploy { .. })));
    assert!(settings < image, "what takes effect in seconds goes first");
}

#[test]
fn a_new_image_of_the_loan_api_is_not_blamed_on_the_retries_of_the_same_edit() {
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    story.edits(|spec| {
        spec.services.loan_api.image = Image("loan-api:2".to_owned());
        spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(3);
    });
    story.seconds_pass(20);
    assert_eq!(
        story.service(ServiceName::LoanApi).template.image.0,
        "loan-api:2"
    );
    assert_eq!(story.phase(), Phase::Preflight, "its effects show first");
    story.alarm_fires(63.5);
    story.seconds_pass(120);
    assert_eq!(story.phase(), Phase::Preflight);
    assert_eq!(story.live(), good);
    assert!(
        story.state.scoring.quarantine.is_empty(),
        "the retries never had their turn"
    );
    assert!(
        story.waits_on().contains("already fires"),
        "{}",
        story.waits_on()
    );

    story.edits(|spec| spec.services.loan_api.image = Image("loan-api:1".to_owned()));
    story.settles();
    story.alarm_clears();
    story.seconds_pass(60);
    assert_eq!(
        story.phase(),
        Phase::Baking,
        "with the culprit gone they have it"
    );
}

#[test]
fn a_revision_that_is_merely_held_stays_out_when_it_is_submitted_again() {
    let mut story = Story::with_a_good_revision();
    let good = story.live();
    story.changes_retries(10);
    story.settles();
    story.alarm_fires(63.5);
    story.seconds_pass(200);
    assert_eq!(story.phase(), Phase::RollbackUnconfirmed);
    assert!(!story.state.scoring.quarantine[0].convicted);
    story.alarm_clears();
    for _ in 0..2 {
        story.changes_retries(2);
        story.settles();
        story.changes_retries(10);
        story.settles();
        assert_eq!(story.live(), good);
        assert_eq!(
            story.ready(),
            ("False".to_owned(), "Quarantined".to_owned())
        );
        assert_eq!(story.history().last(), Some(&HistoryKind::Refused));
    }
    story.edits(|spec| spec.rollout.retry_token = "again".to_owned());
    story.settles();
    assert_eq!(story.phase(), Phase::Baking);
}

#[test]
fn a_known_good_revision_on_a_quiet_platform_is_promoted_by_approve() {
    let mut story = Story::with_a_good_revision();
    let first = story.wanted();
    story.changes_retries(3);
    story.settles();
    story.is_watched_with_traffic();
    assert_eq!(story.phase(), Phase::Succeeded);

    story.changes_retries(2);
    assert_eq!(story.wanted(), first, "it was good before");
    story.settles();
    story.world.evidence = BakeEvidence::default();
    story.seconds_pass(700);
    assert_eq!(
        story.phase(),
        Phase::Inconclusive,
        "a quiet night proves nothing, not even then"
    );
    story.edits(|spec| spec.rollout.approve = first.short().to_owned());
    story.settles();
    assert_eq!(story.phase(), Phase::Succeeded);
    assert_eq!(story.state.scoring.last_good(), Some(&first));
    assert_eq!(story.ready().0, "True");
}
