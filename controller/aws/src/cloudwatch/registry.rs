//! The registry: which alarms there are, by their names in `CloudWatch`.
//!
//! Looking alarms up by name takes a hundredth of the calls that listing an account takes, so they are listed
//! now and then only, to find those that were made by hand. That one was removed shows when it is looked up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schema::names::PlatformName;
use schema::platform::AlarmName;
use tokio::time::Instant;

use super::names;

/// How often all alarms are listed. More often, and a thousand platforms' listings would take a good part of what
/// their looks take.
const LISTED_EVERY: Duration = Duration::from_secs(3_600);
/// How soon the alarms of so many platforms are first listed where it is known from before what there is: by then
/// each had its first look, which takes as many calls again. Those of fewer are listed as much sooner.
const FIRST_LISTED_AFTER: Duration = Duration::from_secs(600);
const MANY: u32 = 1_000;
/// An alarm written this shortly before a listing began may not be in it yet.
pub(super) const LISTED_AFTER: Duration = Duration::from_secs(60);

/// The names of the controller's alarms.
#[derive(Debug, Default)]
pub(super) struct Registry {
    /// When they are next to be listed; absent: at once.
    due: Option<Instant>,
    was_listed: bool,
    /// By name in `CloudWatch`, with when this process wrote it, if it did.
    names: BTreeMap<PlatformName, BTreeMap<String, Option<Instant>>>,
}

impl Registry {
    /// Whether it is time to list all alarms before `platforms` are looked at. Until they were listed once, of a
    /// platform that nothing is known of it is not even known that it has none.
    pub(super) fn is_stale(&self, platforms: &BTreeSet<PlatformName>, now: Instant) -> bool {
        let is_strange = |platform| !self.was_listed && !self.names.contains_key(platform);
        self.due.is_none_or(|due| now >= due) || platforms.iter().any(is_strange)
    }

    /// These alarms were there before this process began.
    pub(super) fn recall(
        &mut self,
        known: &BTreeMap<PlatformName, BTreeSet<AlarmName>>,
        now: Instant,
    ) {
        for (platform, alarms) in known {
            let names = self.names.entry(platform.clone()).or_default();
            for alarm in alarms {
                let name = names::in_cloudwatch(platform, alarm);
                names.entry(name).or_default();
            }
        }
        let many = u32::try_from(known.len()).map_or(MANY, |count| count.min(MANY));
        self.due
            .get_or_insert(now + FIRST_LISTED_AFTER * many / MANY);
    }

    /// Takes in the names of all alarms there are, of a listing that began at `began_at`.
    pub(super) fn listed<'a>(&mut self, all: impl Iterator<Item = &'a str>, began_at: Instant) {
        let mut before = std::mem::take(&mut self.names);
        for alarms in before.values_mut() {
            let is_young = |written: &Instant| *written + LISTED_AFTER > began_at;
            alarms.retain(|_, written| written.as_ref().is_some_and(is_young));
        }
        before.retain(|_, alarms| !alarms.is_empty());
        self.names = before;
        for name in all {
            if let Some((platform, _)) = names::of_cloudwatch(name) {
                let alarms = self.names.entry(platform).or_default();
                alarms.entry(name.to_owned()).or_default();
            }
        }
        self.due = Some(began_at + LISTED_EVERY);
        self.was_listed = true;
    }

    /// This process wrote an alarm.
    pub(super) fn written(&mut self, platform: &PlatformName, name: String, now: Instant) {
        let alarms = self.names.entry(platform.clone()).or_default();
        alarms.insert(name, Some(now));
    }

    /// This process removed an alarm.
    pub(super) fn removed(&mut self, platform: &PlatformName, name: &str) {
        if let Some(alarms) = self.names.get_mut(platform) {
            alarms.remove(name);
        }
    }

    /// The names of the alarms of `platforms`.
    pub(super) fn of(&self, platforms: &BTreeSet<PlatformName>) -> Vec<String> {
        let known = platforms.iter().filter_map(|it| self.names.get(it));
        known.flat_map(BTreeMap::keys).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(name: &str) -> PlatformName {
        name.try_into().unwrap()
    }

    fn names(registry: &Registry) -> Vec<String> {
        registry.of(&["east", "west"].map(platform).into())
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_listed_at_first_and_every_hour() {
        let mut registry = Registry::default();
        let (start, east) = (Instant::now(), BTreeSet::from([platform("east")]));
        assert!(registry.is_stale(&east, start));
        registry.listed(std::iter::empty(), start);
        assert!(!registry.is_stale(&east, start + Duration::from_secs(3_599)));
        assert!(registry.is_stale(&east, start + Duration::from_secs(3_600)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_from_before_need_not_be_searched_for_at_once() {
        let mut registry = Registry::default();
        let start = Instant::now();
        let others = (0..999).map(|it| (platform(&format!("p{it}")), BTreeSet::new()));
        let alarms = BTreeSet::from([AlarmName("a".to_owned())]);
        let known = others.chain([(platform("east"), alarms)]);
        registry.recall(&known.collect(), start);
        assert_eq!(names(&registry), ["LoanPlatform/east/a"]);

        let (east, new) = ([platform("east")].into(), [platform("new")].into());
        assert!(!registry.is_stale(&east, start + Duration::from_secs(599)));
        assert!(registry.is_stale(&east, start + Duration::from_secs(600)));
        assert!(registry.is_stale(&new, start), "of it nothing is known");
        registry.listed(std::iter::empty(), start);
        assert!(!registry.is_stale(&new, start), "it has none");
    }

    #[tokio::test(start_paused = true)]
    async fn a_listing_finds_what_was_made_or_removed_by_hand() {
        let mut registry = Registry::default();
        let start = Instant::now();
        let first = ["LoanPlatform/east/a", "LoanPlatform/west/b", "billing"];
        registry.listed(first.into_iter(), start);
        assert_eq!(
            names(&registry),
            ["LoanPlatform/east/a", "LoanPlatform/west/b"]
        );
        let second = ["LoanPlatform/east/c", "LoanPlatform/west/b"];
        registry.listed(second.into_iter(), start + LISTED_EVERY);
        assert_eq!(
            names(&registry),
            ["LoanPlatform/east/c", "LoanPlatform/west/b"]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_just_written_outlives_a_listing_that_lacks_it() {
        let mut registry = Registry::default();
        let start = Instant::now();
        let name = || "LoanPlatform/east/a".to_owned();
        registry.written(&platform("east"), name(), start);
        registry.listed(std::iter::empty(), start + Duration::from_secs(59));
        assert_eq!(names(&registry), [name()]);
        registry.listed(std::iter::empty(), start + Duration::from_secs(61));
        assert_eq!(names(&registry), [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_removed_is_not_asked_for() {
        let mut registry = Registry::default();
        registry.written(
            &platform("east"),
            "LoanPlatform/east/a".to_owned(),
            Instant::now(),
        );
        registry.removed(&platform("east"), "LoanPlatform/east/a");
        assert_eq!(names(&registry), [""; 0]);
    }
}
