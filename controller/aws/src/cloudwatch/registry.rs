//! The registry: which alarms there are, by their names in `CloudWatch`.
//!
//! Looking alarms up by name takes a hundredth of the calls that listing an account takes, so they are listed
//! now and then only, to find those that were made by hand. That one was removed shows when it is looked up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schema::names::PlatformName;
use tokio::time::Instant;

use super::names;

/// How often all alarms are listed. More often, and a thousand platforms' listings would take a good part of what
/// their looks take.
const LISTED_EVERY: Duration = Duration::from_secs(3_600);
/// An alarm written this shortly before a listing began may not be in it yet.
const LISTED_AFTER: Duration = Duration::from_secs(60);

/// The names of the controller's alarms.
#[derive(Debug, Default)]
pub(super) struct Registry {
    listed_at: Option<Instant>,
    /// By name in `CloudWatch`, with when this process wrote it, if it did.
    names: BTreeMap<PlatformName, BTreeMap<String, Option<Instant>>>,
}

impl Registry {
    /// Whether it is time to list all alarms.
    pub(super) fn is_stale(&self, now: Instant) -> bool {
        self.listed_at
            .is_none_or(|listed_at| now.duration_since(listed_at) >= LISTED_EVERY)
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
        self.listed_at = Some(began_at);
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
        let start = Instant::now();
        assert!(registry.is_stale(start));
        registry.listed(std::iter::empty(), start);
        assert!(!registry.is_stale(start + Duration::from_secs(3_599)));
        assert!(registry.is_stale(start + Duration::from_secs(3_600)));
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
