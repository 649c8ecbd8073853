//! Weather: which faults a world has, and when the APIs are down.

use std::ops::Range;
use std::time::Duration;

use crate::dice::Dice;

/// An API family of the simulated cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Api {
    /// Services and tasks.
    Ecs,
    /// Alarms and metrics.
    CloudWatch,
    /// Documents.
    S3,
}

impl Api {
    /// Every family.
    pub const ALL: [Self; 3] = [Self::Ecs, Self::CloudWatch, Self::S3];
}

/// How unreliable a world is. Percentages are of calls.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Calls that fail for no reason.
    pub errors: f64,
    /// Calls that take seconds.
    pub slow: f64,
    /// Mutating calls that take effect and whose answer is lost.
    pub lost_answers: f64,
    /// Matching document writes that are refused as conflicts all the same (S3's 409).
    pub spurious_conflicts: f64,
    /// Looks at services that show them as they were some seconds ago.
    pub stale_reads: f64,
    /// Listings that miss what was written within the last seconds, or leave a file out once.
    pub lagging_lists: f64,
    /// Calls at which the controller crashes.
    pub crashes: f64,
    /// Share of the API quotas that the rest of the account uses up.
    pub others_load: f64,
    /// Deployments of sound images that ECS rolls back all the same.
    pub unlucky_deployments: f64,
    /// Outages: which API, from when, for how long.
    pub outages: Vec<Outage>,
    /// When the rest of the account uses up all of the quota for changes of services: they are shown, and every
    /// call that changes one is throttled.
    pub rushes: Vec<Range<Duration>>,
}

/// A time in which every call to an API fails.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    /// Which.
    pub api: Api,
    /// When it begins, from the world's beginning.
    pub from: Duration,
    /// When it is over.
    pub until: Duration,
}

impl Faults {
    /// Whether calls to `api` all fail when the world has existed for `passed`.
    #[must_use]
    pub fn is_down(&self, api: Api, passed: Duration) -> bool {
        self.outages
            .iter()
            .any(|outage| outage.api == api && (outage.from..outage.until).contains(&passed))
    }

    /// Whether calls that change services are all throttled when the world has existed for `passed`.
    #[must_use]
    pub fn is_rush(&self, passed: Duration) -> bool {
        self.rushes.iter().any(|rush| rush.contains(&passed))
    }

    /// Whether any API does not do its work, or did not within `grace`.
    #[must_use]
    pub fn disturbs(&self, passed: Duration, grace: Duration) -> bool {
        let outages = self.outages.iter().map(|it| (it.from, it.until));
        let rushes = self.rushes.iter().map(|it| (it.start, it.end));
        outages
            .chain(rushes)
            .any(|(from, until)| (from..until + grace).contains(&passed))
    }

    /// Faults drawn class by class: some worlds have none, some nearly all.
    #[must_use]
    pub fn drawn(dice: &mut Dice, active: Duration) -> Self {
        let mut some = |chance: f64, least: f64, most: f64| {
            if dice.happens(chance) {
                dice.level(least, most)
            } else {
                0.0
            }
        };
        let mut faults = Self {
            errors: some(50.0, 0.1, 3.0),
            slow: some(40.0, 0.1, 2.0),
            lost_answers: some(40.0, 0.1, 4.0),
            spurious_conflicts: some(40.0, 0.1, 4.0),
            stale_reads: some(50.0, 5.0, 60.0),
            lagging_lists: some(50.0, 1.0, 20.0),
            crashes: some(50.0, 0.02, 0.4),
            others_load: some(20.0, 50.0, 99.0),
            unlucky_deployments: some(30.0, 1.0, 15.0),
            outages: Vec::new(),
            rushes: Vec::new(),
        };
        let outages = if dice.happens(50.0) {
            dice.between(1..=4)
        } else {
            0
        };
        faults.outages = (0..outages).map(|_| outage(dice, active)).collect();
        faults
    }
}

/// Rushes of some worlds.
#[must_use]
pub(crate) fn rushes(dice: &mut Dice, active: Duration) -> Vec<Range<Duration>> {
    let count = if dice.happens(40.0) {
        dice.between(1..=6)
    } else {
        0
    };
    let rush = |_| {
        let from = active.mul_f64(dice.level(0.02, 0.95));
        from..from + dice.pause(60_000..=1_800_000)
    };
    (0..count).map(rush).collect()
}

fn outage(dice: &mut Dice, active: Duration) -> Outage {
    let api = dice.pick(&Api::ALL).copied().unwrap_or(Api::S3);
    let from = active.mul_f64(dice.level(0.02, 0.95));
    let until = from + dice.pause(20_000..=900_000);
    Outage { api, from, until }
}
