//! The controller is killed at random moments of rollouts and rollbacks, over and over: the end is the
//! same as if it had never been.

use std::time::Duration;

use engine::board::PlatformObject;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rustix::process::Signal;
use schema::revision::RevisionDigest;
use schema::status::{HistoryKind, Phase};

use crate::admin;
use crate::laptop::Laptop;
use crate::load::Load;
use crate::spec::Spec;
use crate::view::View;

/// Kills in a run of the test; `TORTURE_CRASHES` asks for more.
const CRASHES: usize = 3;
/// Kills within one edit, at most.
const CRASHES_PER_EDIT: usize = 5;
/// Enough for the alarm's sample guard, and little for the machine.
const PER_SECOND: u32 = 20;
/// Bound of a change that is judged, with restarts in between.
const JUDGED: Duration = Duration::from_secs(300);

/// Where in the life of a change the controller is killed, up to so many milliseconds after.
const MOMENTS: [(Moment, u64); 5] = [
    (Moment::Edited, 1_500),
    (Moment::Baking, 15_000),
    (Moment::Fired, 400),
    (Moment::TakenBack, 300),
    (Moment::Verifying, 8_000),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The edit was saved.
    Edited,
    /// The change is being watched.
    Baking,
    /// Its alarm fires.
    Fired,
    /// It is being taken back.
    TakenBack,
    /// It is expected that its alarm clears.
    Verifying,
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_random_moments_of_rollouts_and_rollbacks_change_nothing_in_the_end() {
    let crashes = number("TORTURE_CRASHES").unwrap_or(CRASHES);
    let seed = number("TORTURE_SEED").unwrap_or_else(|| usize::from(rand::random::<u16>()));
    println!("{crashes} kills; the same moments again: TORTURE_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed as u64);
    let mut torture = Torture::begin().await;
    let mut left = crashes;
    for edit in 0.. {
        if left == 0 {
            break;
        }
        let kills = left.min(CRASHES_PER_EDIT);
        // Every third change is a harmless one.
        if edit % 3 == 2 {
            torture.harmless_change(edit, kills, &mut random).await;
        } else {
            torture.bad_change(edit, kills, &mut random).await;
        }
        left -= kills;
    }
}

/// A number from the environment, where `make torture` puts it.
fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

struct Torture {
    laptop: Laptop,
    /// The spec whose revision is known to be good.
    good: Spec,
    _load: Load,
}

impl Torture {
    async fn begin() -> Self {
        let good = Spec::new()
            .with("evaluationPeriods: 2", "evaluationPeriods: 1")
            .with("datapointsToAlarm: 2", "datapointsToAlarm: 1")
            .with("bakeTime: 55s", "bakeTime: 45s")
            .with(
                "    retryToken: \"\"",
                "    maxAutomaticRollbacks: {count: 100, interval: 24h}",
            );
        let laptop = Laptop::with(&good).await;
        let load = Load::start(&laptop.endpoint(), PER_SECOND).await;
        laptop
            .wait("the first revision to prove good", |it| {
                it.phase() == Phase::Succeeded
            })
            .await;
        Self {
            laptop,
            good,
            _load: load,
        }
    }

    /// A change that is to be taken back, whatever happens to the controller meanwhile.
    async fn bad_change(&mut self, edit: usize, kills: usize, random: &mut StdRng) {
        let before = self.laptop.platform().await;
        let bad = self
            .good
            .with("mode: Enabled", "mode: ForcedOpen")
            .with("maxWaitDurationInOpenState: 60s", &differing(edit));
        self.laptop.save(&bad);
        for _ in 0..kills {
            let (moment, within_ms) = MOMENTS.choose(random).expect("there are some");
            let delay_ms = random.random_range(0..*within_ms);
            self.kill(&before, *moment, delay_ms).await;
        }
        let after = self
            .laptop
            .wait_within(JUDGED, "the bad change to be taken back", |it| {
                has_new_quarantined(&before, it) && it.phase() == Phase::RolledBack
            })
            .await;
        assert_as_without_crashes(&before, &after);
        self.assert_settings_of(&before).await;
        self.go_back().await;
    }

    /// A change that is to be promoted, whatever happens to the controller meanwhile.
    async fn harmless_change(&mut self, edit: usize, kills: usize, random: &mut StdRng) {
        let before = self.laptop.platform().await;
        let next = self
            .good
            .with("maxWaitDurationInOpenState: 60s", &differing(edit));
        self.laptop.save(&next);
        for _ in 0..kills {
            let delay_ms = random.random_range(0..20_000);
            self.kill(&before, Moment::Baking, delay_ms).await;
        }
        let after = self
            .laptop
            .wait_within(JUDGED, "the harmless change to be promoted", |it| {
                it.phase() == Phase::Succeeded && it.generation() > before.generation()
            })
            .await;
        let scoring = &after.status.scoring;
        assert_eq!(scoring.live_revision, scoring.last_good_revision);
        assert_ne!(scoring.live_revision, live(&before));
        assert_eq!(
            scoring.quarantined.len(),
            before.status.scoring.quarantined.len()
        );
        self.go_back().await;
    }

    /// Kills the controller `delay_ms` after `moment`, or after it is over where it was missed.
    async fn kill(&mut self, before: &PlatformObject, moment: Moment, delay_ms: u64) {
        let seen = self
            .laptop
            .wait_within(JUDGED, "the next moment to kill", |it| {
                it.generation() > before.generation() && has_come(moment, it)
            })
            .await;
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        println!(
            "killed {delay_ms} ms after {moment:?}, seen {:?}",
            seen.phase()
        );
        self.laptop.end(Signal::KILL).await;
        self.laptop.start();
    }

    /// The spec of before is saved again: what is live and what is asked for are the same.
    async fn go_back(&self) {
        let asked_for = self.laptop.platform().await.generation();
        self.laptop.save(&self.good);
        self.laptop
            .wait_within(JUDGED, "the platform to be ready and good", |it| {
                let scoring = &it.status.scoring;
                it.generation() > asked_for
                    && it.is_ready()
                    && scoring.live_revision == scoring.last_good_revision
            })
            .await;
    }

    /// Every replica of scoring has the settings that were in force `before`.
    async fn assert_settings_of(&self, before: &PlatformObject) {
        let wanted = before.service("scoring").settings_revision.clone();
        let now = self.laptop.wait("scoring's tasks to be back", |it| {
            it.service("scoring").running == 2
        });
        for document in admin::settings(now.await.service("scoring")).await {
            assert_eq!(document["revision"].as_str(), wanted.as_deref());
        }
    }
}

/// A setting that makes each edit a revision of its own.
fn differing(edit: usize) -> String {
    format!("maxWaitDurationInOpenState: {}s", 61 + edit)
}

/// Whether `moment` has come, or has passed.
fn has_come(moment: Moment, platform: &PlatformObject) -> bool {
    let phase = platform.phase();
    let is_over = matches!(phase, Phase::RolledBack | Phase::Succeeded);
    match moment {
        Moment::Edited => true,
        Moment::Baking => phase != Phase::Preflight && phase != Phase::Applying,
        Moment::Fired | Moment::TakenBack => is_over || is_being_taken_back(phase),
        Moment::Verifying => is_over || phase == Phase::Verifying,
    }
}

const fn is_being_taken_back(phase: Phase) -> bool {
    matches!(phase, Phase::RollingBack | Phase::Verifying)
}

fn live(platform: &PlatformObject) -> Option<RevisionDigest> {
    platform.status.scoring.live_revision.clone()
}

fn has_new_quarantined(before: &PlatformObject, after: &PlatformObject) -> bool {
    after.status.scoring.quarantined.len() > before.status.scoring.quarantined.len()
}

/// The good revision is live, the bad one is out and was never promoted, and each step stands in the
/// history once.
fn assert_as_without_crashes(before: &PlatformObject, after: &PlatformObject) {
    assert_eq!(live(after), live(before), "the good revision is live");
    let out = &after.status.scoring.quarantined;
    assert_eq!(out.len(), before.status.scoring.quarantined.len() + 1);
    let bad = &out.last().expect("it was taken back").revision;
    assert_ne!(Some(bad), live(before).as_ref());
    let of_bad = |kind| {
        let entries = after.entries(kind).into_iter();
        let named =
            |it: &&schema::status::HistoryEntry| [&it.from, &it.to].contains(&&Some(bad.0.clone()));
        entries.filter(named).count()
    };
    assert_eq!(of_bad(HistoryKind::Promoted), 0);
    assert_eq!(of_bad(HistoryKind::RolloutStarted), 1);
    assert_eq!(of_bad(HistoryKind::RollbackStarted), 1);
    assert_eq!(of_bad(HistoryKind::RolledBack), 1);
}
