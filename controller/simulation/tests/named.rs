//! Scenarios by name.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use engine::state::PlatformState;
use schema::LoanPlatformSpec;
use schema::names::ServiceName;
use schema::platform::{BreakerMode, DeletionPolicy};
use schema::status::Phase;
use schema::units::Whole;
use simulation::{Climate, Crash, Missed, Script, Traffic};

/// An edit under which most calls fail as soon as there is load.
fn retries_multiply(spec: &mut LoanPlatformSpec) {
    spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(10);
}

/// A platform whose first revision is known to be good.
async fn proven(climate: &Climate, controllers: usize) -> Result<Script, Missed> {
    let mut script = Script::begin(climate, controllers).unwrap();
    script.reaches(Phase::Succeeded).await?;
    Ok(script)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_change_that_multiplies_retries_is_taken_back() {
    let mut script = proven(&Climate::calm(1), 1).await.unwrap();
    script.edit("ten attempts", retries_multiply);
    script.reaches(Phase::RolledBack).await.unwrap();
    let scoring = script.state().unwrap().scoring;
    assert_eq!(scoring.live(), scoring.last_good());
    assert_eq!(scoring.quarantine.len(), 1, "it is kept out");
}

#[tokio::test(start_paused = true)]
async fn a_change_that_looks_good_by_rejecting_everything_is_taken_back() {
    let mut script = proven(&Climate::calm(1), 1).await.unwrap();
    script.edit("the breaker is held open", |spec| {
        let breaker = &mut spec.services.scoring.clients.provider.circuit_breaker;
        breaker.mode = BreakerMode::ForcedOpen;
    });
    script.reaches(Phase::RolledBack).await.unwrap();
    let scoring = script.state().unwrap().scoring;
    assert_eq!(scoring.live(), scoring.last_good());
}

#[tokio::test(start_paused = true)]
async fn a_bake_at_so_little_traffic_that_every_datapoint_is_suppressed_is_inconclusive() {
    let mut script = proven(&Climate::calm(1), 1).await.unwrap();
    // Fifteen calls in ten seconds; the alarm wants twenty. In a bake there are samples enough.
    script.traffic(Traffic::Steady(1.5));
    script.edit("ten attempts", retries_multiply);
    script.reaches(Phase::Inconclusive).await.unwrap();
    script.passes(seconds(3_600)).await.unwrap();
    assert_eq!(script.phase(), Some(Phase::Inconclusive));
}

#[tokio::test(start_paused = true)]
async fn the_only_spec_of_a_bucket_removed_is_believed_after_two_listings() {
    let mut script = proven(&Climate::calm(1), 1).await.unwrap();
    script.edit("it goes with its file", |spec| {
        spec.deletion_policy = DeletionPolicy::Delete;
    });
    script.passes(seconds(120)).await.unwrap();

    script.remove_spec();
    script.passes(seconds(90)).await.unwrap();
    assert!(script.state().unwrap().removed_at.is_none());
    assert!(script.has_service(ServiceName::Scoring));

    script.passes(seconds(300)).await.unwrap();
    assert!(
        !script.has_service(ServiceName::Scoring),
        "{}",
        script.trace()
    );
    assert!(script.state().is_none(), "nothing is remembered of it");
}

#[tokio::test(start_paused = true)]
async fn a_spec_that_is_back_before_it_is_believed_to_be_gone_loses_nothing() {
    let mut script = proven(&Climate::calm(1), 1).await.unwrap();
    script.edit("it goes with its file", |spec| {
        spec.deletion_policy = DeletionPolicy::Delete;
    });
    script.passes(seconds(120)).await.unwrap();
    let before = script.platform_calls();
    script.remove_spec();
    script.passes(seconds(100)).await.unwrap();
    script.put_spec_back();
    script.passes(seconds(600)).await.unwrap();
    assert_eq!(script.platform_calls(), before, "{}", script.trace());
}

#[tokio::test(start_paused = true)]
async fn a_paused_lease_holder_that_wakes_up_after_another_has_rolled_back_changes_nothing() {
    let mut script = proven(&Climate::calm(1), 2).await.unwrap();
    let paused = script.leader().unwrap();
    script.edit("ten attempts", retries_multiply);
    script.reaches(Phase::Baking).await.unwrap();

    script.pause_within_a_round(paused, seconds(900));
    script.reaches(Phase::RolledBack).await.unwrap();
    assert_ne!(script.leader(), Some(paused));

    let (calls, made) = (script.platform_calls(), script.calls_of(paused));
    script.passes(seconds(1_200)).await.unwrap();
    assert_eq!(script.platform_calls(), calls, "{}", script.trace());
    assert_eq!(script.calls_of(paused), made, "{}", script.trace());
    assert_eq!(script.phase(), Some(Phase::RolledBack));
}

/// The script up to the moment at which the alarm has fired, and nothing was decided yet.
async fn about_to_roll_back() -> Result<Script, Missed> {
    let mut script = proven(&Climate::calm(1), 1).await?;
    script.edit("ten attempts", retries_multiply);
    script.reaches(Phase::Baking).await?;
    while !script.has_fired("scoring-failures") {
        script.passes(seconds(5)).await?;
    }
    Ok(script)
}

/// What must come out the same: where it ended, on which revision, and what is kept out.
fn ending(state: &PlatformState) -> (Phase, bool, Vec<(bool, u64)>, usize) {
    let scoring = &state.scoring;
    let quarantine = scoring.quarantine.iter();
    (
        scoring.phase,
        scoring.live() == scoring.last_good(),
        quarantine.map(|it| (it.convicted, it.attempt)).collect(),
        scoring.rollbacks.len(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_every_call_of_a_rollback_ends_the_same() {
    let mut undisturbed = about_to_roll_back().await.unwrap();
    let before = undisturbed.calls_of(0);
    undisturbed.reaches(Phase::RolledBack).await.unwrap();
    let calls = undisturbed.calls_of(0) - before;
    let wanted = ending(&undisturbed.state().unwrap());
    assert!(calls >= 4, "{calls} calls are too few for a rollback");

    for n in 1..=calls {
        for crash in [Crash::Before, Crash::After] {
            let mut script = about_to_roll_back().await.unwrap();
            script.crash_at(0, n, crash);
            script.reaches(Phase::RolledBack).await.unwrap();
            let found = ending(&script.state().unwrap());
            assert_eq!(found, wanted, "call {n}, {crash:?}: {}", script.trace());
        }
    }
}
