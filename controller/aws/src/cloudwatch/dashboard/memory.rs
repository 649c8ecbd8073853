//! What is known of the dashboards there are, and when it is time to ask again.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::ports::DashboardState;
use schema::names::PlatformName;
use tokio::time::Instant;

use super::Digest;

/// How long what was found counts: what people edit by hand is found by then.
const FRESH: Duration = Duration::from_secs(3_600);
/// Pause after a call that failed, or never came back.
const AGAIN_AFTER: Duration = Duration::from_secs(300);
/// A dashboard written this shortly before a listing began may not be in it yet.
const LISTED_AFTER: Duration = Duration::from_secs(60);

/// What to do to know about a dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// List all dashboards.
    List,
    /// Read the dashboard of the platform.
    Read,
    /// Nothing: it is known, or not to be known for now.
    Tell(DashboardState),
}

/// The dashboards of platforms. Bounded by those there are.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Until when they need not be listed.
    listed_until: Option<Instant>,
    /// Whether they ever were: one that is not known is then not there.
    is_listed: bool,
    known: BTreeMap<PlatformName, Known>,
}

/// A dashboard that is there, as far as is known.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Nothing while it was not read.
    body: Option<Digest>,
    /// When it was read or written, or that was tried.
    at: Instant,
    /// Until when it need not be read.
    until: Instant,
}

impl Memory {
    /// What to do to know about the dashboard of `platform`, which is to have the body `wanted`, if any.
    ///
    /// Whoever is told to ask is the only one for some minutes.
    pub(super) fn next(
        &mut self,
        platform: &PlatformName,
        wanted: Option<Digest>,
        now: Instant,
    ) -> Next {
        if self.listed_until.is_none_or(|until| until <= now) {
            self.listed_until = Some(now + AGAIN_AFTER);
            return Next::List;
        }
        let Some(known) = self.known.get_mut(platform) else {
            return Next::Tell(if self.is_listed {
                DashboardState::Absent
            } else {
                DashboardState::Unknown
            });
        };
        let is_due = known.until <= now;
        Next::Tell(match (wanted, known.body) {
            (Some(_), _) if is_due => {
                known.until = now + AGAIN_AFTER;
                return Next::Read;
            }
            (Some(wanted), Some(body)) if wanted == body => DashboardState::AsWanted,
            (Some(_), None) => DashboardState::Unknown,
            (None, None) if !is_due => DashboardState::Unknown,
            _ => DashboardState::Differs,
        })
    }

    /// All dashboards there are, of a listing that began at `began_at`.
    pub(super) fn listed(&mut self, all: impl Iterator<Item = PlatformName>, began_at: Instant) {
        let mut before = std::mem::take(&mut self.known);
        for platform in all {
            let unread = Known {
                body: None,
                at: began_at,
                until: began_at,
            };
            let known = before.remove(&platform).unwrap_or(unread);
            self.known.insert(platform, known);
        }
        before.retain(|_, known| known.body.is_some() && known.at + LISTED_AFTER > began_at);
        self.known.append(&mut before);
        self.is_listed = true;
        self.listed_until = Some(began_at + FRESH);
    }

    /// The dashboard of `platform` was read or written: it has this body, or there is none.
    pub(super) fn found(&mut self, platform: &PlatformName, body: Option<Digest>, now: Instant) {
        let Some(body) = body else {
            self.known.remove(platform);
            return;
        };
        let known = Known {
            body: Some(body),
            at: now,
            until: now + FRESH,
        };
        self.known.insert(platform.clone(), known);
    }

    /// The dashboard of `platform` could not be read, written or removed.
    pub(super) fn failed(&mut self, platform: &PlatformName, now: Instant) {
        let known = Known {
            body: None,
            at: now,
            until: now + AGAIN_AFTER,
        };
        self.known.insert(platform.clone(), known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dev() -> PlatformName {
        "dev".try_into().unwrap()
    }

    fn digest(text: &str) -> Digest {
        Digest::of(&serde_json::json!(text))
    }

    fn listed(platforms: &[&str], now: Instant) -> Memory {
        let mut memory = Memory::default();
        assert_eq!(memory.next(&dev(), None, now), Next::List);
        let platforms = platforms.iter().map(|&it| it.try_into().unwrap());
        memory.listed(platforms, now);
        memory
    }

    #[tokio::test(start_paused = true)]
    async fn all_are_listed_by_one_at_first_and_every_hour() {
        let now = Instant::now();
        let mut memory = Memory::default();
        assert_eq!(memory.next(&dev(), None, now), Next::List);
        let unknown = Next::Tell(DashboardState::Unknown);
        assert_eq!(memory.next(&dev(), None, now), unknown);
        memory.listed(std::iter::empty(), now);
        let absent = Next::Tell(DashboardState::Absent);
        for later in [now, now + FRESH - Duration::from_secs(1)] {
            assert_eq!(memory.next(&dev(), None, later), absent);
            assert_eq!(memory.next(&dev(), Some(digest("a")), later), absent);
        }
        assert_eq!(memory.next(&dev(), None, now + FRESH), Next::List);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_wanted_is_read_every_hour_and_compared() {
        let now = Instant::now();
        let mut memory = listed(&["dev"], now);
        let wanted = Some(digest("a"));
        assert_eq!(memory.next(&dev(), wanted, now), Next::Read);
        memory.found(&dev(), Some(digest("b")), now);
        let differs = Next::Tell(DashboardState::Differs);
        assert_eq!(memory.next(&dev(), wanted, now), differs);
        memory.found(&dev(), wanted, now);
        let as_wanted = Next::Tell(DashboardState::AsWanted);
        assert_eq!(memory.next(&dev(), wanted, now), as_wanted);
        memory.listed(std::iter::once(dev()), now + FRESH);
        assert_eq!(memory.next(&dev(), wanted, now + FRESH), Next::Read);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_not_wanted_is_not_read() {
        let now = Instant::now();
        let mut memory = listed(&["dev"], now);
        let differs = Next::Tell(DashboardState::Differs);
        assert_eq!(memory.next(&dev(), None, now), differs);
        memory.found(&dev(), None, now);
        let absent = Next::Tell(DashboardState::Absent);
        assert_eq!(memory.next(&dev(), None, now), absent);
    }

    #[tokio::test(start_paused = true)]
    async fn what_failed_is_not_tried_again_for_some_minutes() {
        let now = Instant::now();
        let mut memory = listed(&["dev"], now);
        memory.failed(&dev(), now);
        let wanted = Some(digest("a"));
        let unknown = Next::Tell(DashboardState::Unknown);
        assert_eq!(memory.next(&dev(), wanted, now), unknown);
        assert_eq!(memory.next(&dev(), None, now), unknown);
        let later = now + AGAIN_AFTER;
        assert_eq!(memory.next(&dev(), wanted, later), Next::Read);
        let mut memory = listed(&["dev"], now);
        memory.failed(&dev(), now);
        let differs = Next::Tell(DashboardState::Differs);
        assert_eq!(memory.next(&dev(), None, later), differs);
    }

    #[tokio::test(start_paused = true)]
    async fn one_just_written_outlives_a_listing_that_lacks_it() {
        let now = Instant::now();
        let mut memory = listed(&[], now);
        let wanted = Some(digest("a"));
        memory.found(&dev(), wanted, now);
        memory.listed(std::iter::empty(), now + LISTED_AFTER / 2);
        let as_wanted = Next::Tell(DashboardState::AsWanted);
        assert_eq!(memory.next(&dev(), wanted, now + LISTED_AFTER), as_wanted);
        memory.listed(std::iter::empty(), now + LISTED_AFTER * 2);
        let absent = Next::Tell(DashboardState::Absent);
        assert_eq!(memory.next(&dev(), wanted, now + LISTED_AFTER * 2), absent);
    }
}
