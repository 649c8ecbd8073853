//! The morning that the controller exists for: someone changes scoring's retries overnight, and the
//! provider is flaky and near its capacity.

use std::time::Duration;

use engine::board::PlatformObject;
use jiff::{Timestamp, ToSpan};
use schema::status::{AlarmState, HistoryEntry, HistoryKind, Phase};

use crate::admin;
use crate::laptop::{BOUND, Laptop};
use crate::load::Load;
use crate::spec::Spec;
use crate::view::View;

/// Three quarters of what the provider can take.
pub(crate) const PER_SECOND: u32 = 30;
/// Longest time from the first breach until the old revision is back.
const BACK: Duration = Duration::from_secs(60);
/// Percent without a decision from which a second counts as bad: the alarm's threshold.
const THRESHOLD: f64 = 20.0;
/// Percent of applications that may go without a decision when all is well.
const WELL: f64 = 5.0;

/// What the bad edit changes, in the order of the fields' paths.
pub(crate) const CHANGES: [&str; 7] = [
    "services.scoring.clients.provider.attemptTimeout: 250ms → 50ms",
    "services.scoring.clients.provider.circuitBreaker.mode: Enabled → Disabled",
    "services.scoring.clients.provider.retry.budget.minRetriesPerSecond: 3 → 1000",
    "services.scoring.clients.provider.retry.budget.percent: 20 → 100",
    "services.scoring.clients.provider.retry.initialBackoff: 25ms → 1ms",
    "services.scoring.clients.provider.retry.maxAttempts: 2 → 10",
    "services.scoring.clients.provider.retry.maxBackoff: 100ms → 5ms",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_change_is_taken_back_by_its_alarm_and_stays_out() {
    let good = flaky_morning();
    let laptop = Laptop::with(&good).await;
    let load = Load::start(&laptop.endpoint(), PER_SECOND).await;
    let before = known_good(&laptop).await;

    let edited_at = Timestamp::now();
    laptop.save(&bad(&good));
    laptop
        .wait("the change to be in force", |it| {
            it.phase() == Phase::Baking
        })
        .await;
    let fired = laptop
        .wait("an alarm to convict it", |it| rollback(it).is_some())
        .await;
    laptop
        .wait("the old revision to be back", is_restored)
        .await;
    let back_at = Timestamp::now();

    let first_breach = load
        .first_second_above(THRESHOLD, edited_at)
        .expect("a breach");
    let broken = load.between(first_breach, back_at);
    let took = back_at.duration_since(first_breach);
    println!(
        "before:   {}",
        load.between(edited_at - 10.seconds(), edited_at)
    );
    println!("broken:   {broken}");
    println!(
        "first breach to the old revision live: {:.1} s",
        took.as_secs_f64()
    );
    assert!(
        Duration::try_from(took).unwrap() <= BACK,
        "back after {took:#}"
    );
    assert!(broken.without_decision() > 2.0 * THRESHOLD, "{broken}");
    assert_settings_of(&laptop, &before).await;
    assert_explained(rollback(&fired).expect("a rollback"));

    let confirmed = laptop
        .wait("the alarm to clear", |it| it.phase() == Phase::RolledBack)
        .await;
    assert_eq!(confirmed.entries(HistoryKind::RolledBack).len(), 1);
    let recovered = load.run_for(Duration::from_secs(10)).await;
    println!("restored: {recovered}");
    assert!(recovered.without_decision() < WELL, "{recovered}");
    assert_reported(&laptop, &before);

    stays_out_until_the_token_changes(&laptop, &good).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_alarms_action_the_same_morning_stays_broken() {
    let good = flaky_morning().with("      onAlarm: [RollbackScoring]\n", "");
    let laptop = Laptop::with(&good).await;
    let load = Load::start(&laptop.endpoint(), PER_SECOND).await;
    let before = load.run_for(Duration::from_secs(10)).await;

    laptop.save(&bad(&good));
    let firing = laptop
        .wait("the alarm to fire", |it| {
            it.status
                .alarms
                .iter()
                .any(|alarm| alarm.state == AlarmState::Alarm)
        })
        .await;
    let broken = load.run_for(BACK).await;
    let last = load.run_for(Duration::from_secs(10)).await;

    println!("before:            {before}");
    println!("a minute later on: {broken}");
    println!("and then still:    {last}");
    assert!(before.without_decision() < WELL, "{before}");
    assert!(broken.without_decision() > 2.0 * THRESHOLD, "{broken}");
    assert!(last.without_decision() > 2.0 * THRESHOLD, "{last}");
    let after = laptop.platform().await;
    assert!(rollback(&after).is_none());
    assert_eq!(
        after.status.scoring.live_revision,
        firing.status.scoring.live_revision
    );
}

/// A provider that fails now and then, and has little capacity to spare.
pub(crate) fn flaky_morning() -> Spec {
    Spec::new()
        .with("errorRate: 0", "errorRate: 5")
        .with("capacity: 80", "capacity: 40")
}

/// Short attempts, ten of them with hardly a pause, all the budget, no breaker: valid, and deadly.
pub(crate) fn bad(good: &Spec) -> Spec {
    good.with("attemptTimeout: 250ms", "attemptTimeout: 50ms")
        .with("maxAttempts: 2", "maxAttempts: 10")
        .with("initialBackoff: 25ms", "initialBackoff: 1ms")
        .with("maxBackoff: 100ms", "maxBackoff: 5ms")
        .with("percent: 20", "percent: 100")
        .with("minRetriesPerSecond: 3", "minRetriesPerSecond: 1000")
        .with("mode: Enabled", "mode: Disabled")
}

/// Waits until the first revision has proved good.
pub(crate) async fn known_good(laptop: &Laptop) -> PlatformObject {
    let is_good = |it: &PlatformObject| it.phase() == Phase::Succeeded;
    laptop
        .wait_within(2 * BOUND, "the first revision to prove good", is_good)
        .await
}

fn rollback(platform: &PlatformObject) -> Option<&HistoryEntry> {
    platform
        .entries(HistoryKind::RollbackStarted)
        .last()
        .copied()
}

fn is_restored(platform: &PlatformObject) -> bool {
    matches!(platform.phase(), Phase::Verifying | Phase::RolledBack)
}

/// Every replica of scoring has the settings that were in force `before`.
async fn assert_settings_of(laptop: &Laptop, before: &PlatformObject) {
    let now = laptop.platform().await;
    let live = &before.status.scoring.live_revision;
    assert_eq!(&now.status.scoring.live_revision, live);
    for document in admin::settings(now.service("scoring")).await {
        let revision = document["revision"].as_str();
        assert_eq!(
            revision,
            before.service("scoring").settings_revision.as_deref()
        );
        assert_eq!(document["settings"]["provider"]["retry"]["maxAttempts"], 2);
    }
}

fn assert_explained(entry: &HistoryEntry) {
    let evidence = entry.evidence.as_ref().expect("evidence");
    assert_eq!(
        evidence.alarm.as_ref().map(ToString::to_string).as_deref(),
        Some("scoring-failures")
    );
    assert_eq!(evidence.threshold, Some(THRESHOLD));
    assert!(evidence.value > Some(THRESHOLD), "{evidence:#?}");
    assert!(
        evidence.fired_at.is_some_and(|at| at <= entry.at),
        "{entry:#?}"
    );
    let fields: Vec<String> = evidence.fields.iter().map(ToString::to_string).collect();
    assert_eq!(fields, CHANGES);
}

/// What people read names the alarm, its value, its threshold, and every changed field.
fn assert_reported(laptop: &Laptop, before: &PlatformObject) {
    let saved: PlatformObject = laptop.ask(&["status", "local"]);
    let [held] = &saved.status.scoring.quarantined[..] else {
        panic!("{:#?}", saved.status.scoring)
    };
    assert!(held.convicted, "{held:#?}");
    assert_eq!(
        held.alarm.as_ref().map(ToString::to_string).as_deref(),
        Some("scoring-failures")
    );
    assert_eq!(held.threshold, Some(THRESHOLD));
    assert!(held.value > Some(THRESHOLD), "{held:#?}");
    assert_ne!(
        Some(&held.revision),
        before.status.scoring.live_revision.as_ref()
    );

    let history = laptop.print(&["history", "local"]);
    let value = format!("{:.2}", held.value.unwrap_or_default());
    for told in CHANGES
        .into_iter()
        .chain(["scoring-failures", "threshold 20", &value])
    {
        assert!(history.contains(told), "`{told}` is not told in\n{history}");
    }
}

async fn stays_out_until_the_token_changes(laptop: &Laptop, good: &Spec) {
    let generation = laptop.platform().await.generation();
    laptop.save(good);
    laptop
        .wait("the good spec to be in force again", |it| {
            it.generation() > generation && it.is_ready()
        })
        .await;

    laptop.save(&bad(good));
    let refused = laptop
        .wait("the bad content to be refused", |it| {
            it.generation() > generation + 1 && it.holds("Stalled").is_some()
        })
        .await;
    let (reason, message) = refused.holds("Stalled").expect("stalled");
    assert_eq!(reason, "Quarantined", "{message}");
    assert!(message.contains("retryToken"), "{message}");
    assert!(!refused.entries(HistoryKind::Refused).is_empty());

    laptop.save(&bad(good).with("retryToken: \"\"", "retryToken: again"));
    laptop
        .wait("the change to be tried again", |it| {
            matches!(it.phase(), Phase::Applying | Phase::Baking)
        })
        .await;
}
