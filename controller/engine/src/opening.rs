//! The first looks of a term: what rested when the last one ended need not be looked at all at once.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use schema::names::PlatformName;
use tokio::time::Instant;

use crate::accept::content_digest;
use crate::jitter;
use crate::ports::Urgency;
use crate::specs::SpecEntry;
use crate::state::PlatformState;
use crate::touched::urgency_of_looking;

/// Platforms whose first looks take as long as this, measured by a resync. Fewer take as much less.
const MANY: u32 = 1_000;
/// A quarter more than a resync: so nobody notices that a term began, although first looks ask for more than others.
const RESYNCS: f64 = 1.25;

/// Platforms that rested, and when they have their first look.
#[derive(Debug, Default)]
pub struct Opening {
    /// When the first of all looks could have been. Until then documents are read, and how long that takes must not
    /// make the looks any denser.
    began: OnceLock<Instant>,
    resting: Mutex<BTreeMap<PlatformName, Resting>>,
}

/// A platform that rested.
#[derive(Debug)]
struct Resting {
    /// After the first look could have been.
    due: Duration,
    seen_digest: String,
}

impl Opening {
    /// The first looks at `platforms`, by their saved states. Those that were on their way have theirs at once.
    #[must_use]
    pub fn of(platforms: &[PlatformState], resync: Duration) -> Self {
        let many = u32::try_from(platforms.len()).map_or(MANY, |count| count.min(MANY));
        let length = resync.mul_f64(RESYNCS) * many / MANY;
        let resting = platforms.iter().filter(|state| is_at_rest(state));
        let resting = resting.map(|state| {
            let due = length.mul_f64(jitter::share(&state.platform));
            let seen_digest = state.seen_digest.clone();
            (state.platform.clone(), Resting { due, seen_digest })
        });
        Self {
            began: OnceLock::new(),
            resting: Mutex::new(resting.collect()),
        }
    }

    /// How long the first look at the platform of `entry` can wait; nothing once it need not. One whose spec was
    /// edited does not wait, nor one that something was said about.
    pub(crate) fn wait(&self, entry: &SpecEntry, was_touched: bool) -> Option<Duration> {
        let began = self.began.get_or_init(Instant::now);
        let mut resting = self.lock();
        let known = resting.get(&entry.platform)?;
        let left = known.due.saturating_sub(began.elapsed());
        let is_edited = || known.seen_digest != content_digest(&entry.content);
        if was_touched || left.is_zero() || is_edited() {
            resting.remove(&entry.platform);
            return None;
        }
        Some(left)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PlatformName, Resting>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_at_rest(state: &PlatformState) -> bool {
    state.removed_at.is_none()
        && state.remedies.is_empty()
        && urgency_of_looking(Some(state), None) == Urgency::Resync
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use schema::status::Phase;

    use super::*;
    use crate::specs::SpecContent;

    const RESYNC: Duration = Duration::from_mins(5);

    fn entry(number: u32, problems: &str) -> SpecEntry {
        let content = SpecContent::Invalid {
            problems: problems.to_owned(),
            version: "1".to_owned(),
        };
        SpecEntry::new(name(number), format!("specs/p{number}.yaml"), content)
    }

    fn name(number: u32) -> PlatformName {
        PlatformName::try_from(format!("p{number}").as_str()).unwrap()
    }

    fn state(number: u32) -> PlatformState {
        let mut state = PlatformState::new(name(number), Timestamp::UNIX_EPOCH);
        state.seen_digest = content_digest(&entry(number, "none").content);
        state
    }

    fn waits(opening: &Opening, platforms: u32) -> Vec<Duration> {
        let wait = |number| opening.wait(&entry(number, "none"), false);
        (0..platforms)
            .map(|number| wait(number).unwrap_or_default())
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_platforms_at_rest_are_spread_over_more_than_a_resync_and_few_hardly_wait() {
        let thousand: Vec<PlatformState> = (0..1_000).map(state).collect();
        let waits = waits(&Opening::of(&thousand, RESYNC), 1_000);
        let in_the_first_minute = waits.iter().filter(|wait| wait.as_secs() < 60).count();
        assert!((120..200).contains(&in_the_first_minute));
        assert!(waits.iter().all(|wait| *wait <= RESYNC.mul_f64(RESYNCS)));

        let alone = Opening::of(&[state(1)], RESYNC).wait(&entry(1, "none"), false);
        assert!(alone.unwrap_or_default() < Duration::from_millis(300));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_when_its_time_has_come() {
        let states: Vec<PlatformState> = (0..1_000).map(state).collect();
        let opening = Opening::of(&states, RESYNC);
        assert!(opening.wait(&entry(7, "none"), false).is_some());
        tokio::time::advance(RESYNC.mul_f64(RESYNCS)).await;
        assert_eq!(opening.wait(&entry(7, "none"), false), None);
    }

    #[tokio::test(start_paused = true)]
    async fn however_long_documents_are_read_first_the_looks_are_spread() {
        let states: Vec<PlatformState> = (0..1_000).map(state).collect();
        let opening = Opening::of(&states, RESYNC);
        tokio::time::advance(RESYNC).await;
        let waits = waits(&opening, 1_000);
        let at_once = waits.iter().filter(|wait| wait.is_zero()).count();
        assert!(at_once < 10, "{at_once}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_moved_was_edited_or_spoken_of_does_not_wait() {
        let mut states: Vec<PlatformState> = (0..1_000).map(state).collect();
        states[3].scoring.phase = Phase::Baking;
        let opening = Opening::of(&states, RESYNC);
        assert_eq!(opening.wait(&entry(3, "none"), false), None);
        assert_eq!(opening.wait(&entry(4, "another"), false), None);
        assert_eq!(opening.wait(&entry(5, "none"), true), None);
        assert_eq!(
            opening.wait(&entry(5, "none"), false),
            None,
            "it was looked at"
        );
        assert_eq!(
            opening.wait(&entry(5_000, "none"), false),
            None,
            "a new one"
        );
    }
}
