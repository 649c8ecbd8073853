//! Guessing: a client that was denied too often waits before the next attempt counts.
//!
//! Whoever guesses must not keep the client itself out: the secret that was right last goes on to be verified
//! during a pause too.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Denials in a row that nobody waits for: a person mistypes.
const TOLERATED: u32 = 5;
/// The pause after the next denial. Each one more doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Denials in a row, by client.
#[derive(Debug, Default)]
pub(crate) struct Guessing {
    clients: Mutex<BTreeMap<String, Record>>,
    fingerprints: RandomState,
}

#[derive(Debug, Default)]
struct Record {
    denials: u32,
    paused_until: Option<Instant>,
    /// Fingerprint of the secret that was right last. It lets nobody in: it is verified like any other.
    right: Option<u64>,
}

impl Guessing {
    /// Whether `secret` may be verified for `client` now.
    ///
    /// # Errors
    /// How long to wait, where it may not.
    pub(crate) fn admit(&self, client: &str, secret: &str, now: Instant) -> Result<(), Duration> {
        let clients = self.clients();
        let Some(record) = clients.get(client) else {
            return Ok(());
        };
        let left = record
            .paused_until
            .map(|until| until.saturating_duration_since(now))
            .filter(|left| !left.is_zero());
        match left {
            Some(left) if record.right != Some(self.fingerprints.hash_one(secret)) => Err(left),
            _ => Ok(()),
        }
    }

    /// A secret was wrong.
    pub(crate) fn denied(&self, client: &str, now: Instant) {
        let mut clients = self.clients();
        let record = clients.entry(client.to_owned()).or_default();
        record.denials = record.denials.saturating_add(1);
        let Some(beyond) = record.denials.checked_sub(TOLERATED + 1) else {
            return;
        };
        let pause = 2_u32
            .checked_pow(beyond)
            .and_then(|factor| FIRST_PAUSE.checked_mul(factor))
            .map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE));
        record.paused_until = Some(now + pause);
    }

    /// `secret` was right.
    pub(crate) fn verified(&self, client: &str, secret: &str) {
        let record = Record {
            right: Some(self.fingerprints.hash_one(secret)),
            ..Record::default()
        };
        self.clients().insert(client.to_owned(), record);
    }

    fn clients(&self) -> MutexGuard<'_, BTreeMap<String, Record>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(guessing: &Guessing, times: u32, now: Instant) {
        for _ in 0..times {
            guessing.denied("demo", now);
        }
    }

    #[test]
    fn each_denial_beyond_what_is_tolerated_doubles_the_pause() {
        let (guessing, now) = (Guessing::default(), Instant::now());
        denied(&guessing, TOLERATED, now);
        assert_eq!(guessing.admit("demo", "guess", now), Ok(()));
        for pause in [1, 2, 4, 8].map(Duration::from_secs) {
            denied(&guessing, 1, now);
            assert_eq!(guessing.admit("demo", "guess", now), Err(pause));
            assert_eq!(guessing.admit("demo", "guess", now + pause), Ok(()));
        }
        denied(&guessing, 100, now);
        assert_eq!(guessing.admit("demo", "guess", now), Err(LONGEST_PAUSE));
        assert_eq!(guessing.admit("other", "guess", now), Ok(()));
    }

    #[test]
    fn who_has_been_right_is_not_kept_out_by_who_guesses() {
        let (guessing, now) = (Guessing::default(), Instant::now());
        guessing.verified("demo", "right");
        denied(&guessing, TOLERATED + 1, now);
        assert_eq!(guessing.admit("demo", "right", now), Ok(()));
        assert_eq!(guessing.admit("demo", "guess", now), Err(FIRST_PAUSE));
        guessing.verified("demo", "right");
        assert_eq!(
            guessing.admit("demo", "guess", now),
            Ok(()),
            "it starts over"
        );
    }
}
