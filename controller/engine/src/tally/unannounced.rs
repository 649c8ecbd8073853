//! Changes that were found although no hint had told of them.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// How far apart a hint and the look that found its change may be. Hints take seconds, at times a minute; a look
/// may be faster, and one that a hint led to may come before the change shows.
const GRACE: Duration = Duration::from_secs(60);

/// Changes of subjects `K`, and hints about them. Pure: the time is an argument.
#[derive(Debug)]
pub(super) struct Unannounced<K> {
    told: BTreeMap<K, Instant>,
    found: BTreeMap<K, Instant>,
    missed: u64,
}

impl<K> Default for Unannounced<K> {
    fn default() -> Self {
        Self {
            told: BTreeMap::new(),
            found: BTreeMap::new(),
            missed: 0,
        }
    }
}

impl<K: Ord> Unannounced<K> {
    /// A hint told of `subject`.
    pub(super) fn tell(&mut self, subject: K, now: Instant) {
        self.settle(now);
        self.found.remove(&subject);
        self.told.insert(subject, now);
    }

    /// A look found `subject` changed.
    pub(super) fn find(&mut self, subject: K, now: Instant) {
        self.settle(now);
        if !self.told.contains_key(&subject) {
            self.found.entry(subject).or_insert(now);
        }
    }

    /// There is no `subject` any more.
    pub(super) fn forget(&mut self, subject: &K) {
        self.told.remove(subject);
        self.found.remove(subject);
    }

    /// Changes that no hint told of, and that none will tell of any more.
    pub(super) fn missed(&mut self, now: Instant) -> u64 {
        self.settle(now);
        self.missed
    }

    fn settle(&mut self, now: Instant) {
        let is_recent = |at: &Instant| now.duration_since(*at) < GRACE;
        self.told.retain(|_, at| is_recent(at));
        let waiting = self.found.len();
        self.found.retain(|_, at| is_recent(at));
        self.missed += (waiting - self.found.len()) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is missed at the end, of what happened at these seconds.
    fn missed(told: &[u64], found: &[u64]) -> u64 {
        let start = Instant::now();
        let at = |seconds: &u64| start + Duration::from_secs(*seconds);
        let mut events: Vec<(Instant, bool)> = told.iter().map(|it| (at(it), true)).collect();
        events.extend(found.iter().map(|it| (at(it), false)));
        events.sort_unstable();
        let mut subject = Unannounced::default();
        for (at, is_hint) in events {
            if is_hint {
                subject.tell("dev", at);
            } else {
                subject.find("dev", at);
            }
        }
        subject.missed(at(&10_000))
    }

    #[test]
    fn a_change_is_missed_when_no_hint_came_within_a_minute_of_it() {
        for (told, found, expected) in [
            (vec![], vec![100], 1),
            (vec![100], vec![101], 0),
            (vec![159], vec![100], 0),
            (vec![161], vec![100], 1),
            (vec![10], vec![100], 1),
            (vec![], vec![100, 110, 120], 1),
            (vec![], vec![100, 200, 300], 3),
            (vec![201], vec![100, 200], 1),
        ] {
            assert_eq!(missed(&told, &found), expected, "{told:?} {found:?}");
        }
    }

    #[test]
    fn nothing_is_missed_while_a_hint_may_still_come() {
        let start = Instant::now();
        let mut subject = Unannounced::default();
        subject.find("dev", start);
        assert_eq!(subject.missed(start + Duration::from_secs(59)), 0);
        assert_eq!(subject.missed(start + GRACE), 1);
        assert_eq!(subject.missed(start + GRACE * 2), 1);
    }
}
