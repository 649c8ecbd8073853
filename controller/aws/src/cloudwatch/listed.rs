//! What a listing told of: it stands for the next look at each platform that rests.
//!
//! A listing reads all that those looks would read, and costs as many calls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::ports::{ObservedAlarm, Seen, Urgency};
use jiff::Timestamp;
use schema::names::PlatformName;
use tokio::time::Instant;

use super::registry::LISTED_AFTER;

/// How long it may stand for a look: a resync, and the time for which a look waits for others. Whatever moves
/// meanwhile is told by hints, which make the look one that asks.
const STANDS_FOR: Duration = Duration::from_secs(330);

/// Alarms that were listed, and whose platforms were not looked at since.
#[derive(Debug, Default)]
pub(super) struct Listed(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    seen_at: Timestamp,
    until: Option<Instant>,
    alarms: BTreeMap<PlatformName, Vec<ObservedAlarm>>,
    /// When this process last changed an alarm of a platform.
    changed: BTreeMap<PlatformName, Instant>,
}

impl Listed {
    /// Keeps `alarms`, seen at `seen_at` by a listing that began at `began_at`, but for those of platforms that were
    /// changed so late that the listing need not show it.
    pub(super) fn keep(&self, alarms: Vec<ObservedAlarm>, seen_at: Timestamp, began_at: Instant) {
        let mut kept = self.lock();
        kept.changed.retain(|_, at| *at + LISTED_AFTER > began_at);
        kept.alarms.clear();
        for alarm in alarms {
            let platform = &alarm.definition.platform;
            if !kept.changed.contains_key(platform) {
                let platform = platform.clone();
                kept.alarms.entry(platform).or_default().push(alarm);
            }
        }
        kept.seen_at = seen_at;
        kept.until = Some(began_at + STANDS_FOR);
    }

    /// What was listed of `platforms`, for a look with `urgency`: once, and not for one that is more urgent than a
    /// resync.
    pub(super) fn take(
        &self,
        platforms: &BTreeSet<PlatformName>,
        urgency: Urgency,
        now: Instant,
    ) -> Option<Seen<ObservedAlarm>> {
        let mut kept = self.lock();
        if kept.until.is_none_or(|until| now >= until) {
            kept.alarms.clear();
            return None;
        }
        let found: Vec<_> = platforms
            .iter()
            .filter_map(|it| kept.alarms.remove(it))
            .collect();
        let serves = urgency == Urgency::Resync && found.len() == platforms.len();
        serves.then(|| Seen {
            at: kept.seen_at,
            found: found.into_iter().flatten().collect(),
        })
    }

    /// This process changes an alarm of `platform`.
    pub(super) fn changed(&self, platform: &PlatformName, now: Instant) {
        let mut kept = self.lock();
        kept.alarms.remove(platform);
        kept.changed.insert(platform.clone(), now);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use engine::ports::AlarmSource;
    use schema::signals::Signal;
    use schema::status::AlarmState;

    use super::super::samples;
    use super::*;

    fn alarm() -> ObservedAlarm {
        ObservedAlarm {
            definition: samples::definition(AlarmSource::Signal {
                signal: Signal::ScoringFailureRatio,
                service: None,
            }),
            state: AlarmState::Ok,
            since: Timestamp::UNIX_EPOCH,
            configured_at: Timestamp::UNIX_EPOCH,
            value: None,
            last_firing: None,
            judged_since: Timestamp::UNIX_EPOCH,
            muted: false,
        }
    }

    fn platforms() -> BTreeSet<PlatformName> {
        [alarm().definition.platform].into()
    }

    fn listed(began_at: Instant) -> Listed {
        let listed = Listed::default();
        listed.keep(vec![alarm()], Timestamp::UNIX_EPOCH, began_at);
        listed
    }

    #[tokio::test(start_paused = true)]
    async fn a_listing_stands_for_one_look_at_each_platform_that_rests() {
        let now = Instant::now();
        let listed = listed(now);
        let seen = listed.take(&platforms(), Urgency::Resync, now).unwrap();
        assert_eq!(seen.found, [alarm()]);
        assert_eq!(listed.take(&platforms(), Urgency::Resync, now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn it_stands_for_no_look_where_something_moves_nor_for_one_after_that() {
        let now = Instant::now();
        let listed = listed(now);
        for urgency in [Urgency::Edit, Urgency::Resync] {
            assert_eq!(listed.take(&platforms(), urgency, now), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_old_or_was_changed_since_is_looked_at() {
        let now = Instant::now();
        let late = now + STANDS_FOR;
        assert_eq!(listed(now).take(&platforms(), Urgency::Resync, late), None);
        let listed = listed(now);
        listed.changed(&alarm().definition.platform, now);
        assert_eq!(listed.take(&platforms(), Urgency::Resync, now), None);
        listed.keep(vec![alarm()], Timestamp::UNIX_EPOCH, now);
        assert_eq!(listed.take(&platforms(), Urgency::Resync, now), None);
    }
}
