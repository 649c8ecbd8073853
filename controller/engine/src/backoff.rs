//! Backoff per platform: longer with every failure in a row, forgotten at the first success.
//!
//! kube-runtime leaves this to its users (kube#1916).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use schema::names::PlatformName;

use crate::jitter;

const FIRST_MS: u64 = 250;
const LONGEST_MS: u64 = 60_000;

/// Counts each platform's failures in a row.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: Mutex<BTreeMap<PlatformName, u32>>,
}

impl Backoff {
    /// Counts a failure and returns how long to wait.
    pub fn fail(&self, platform: &PlatformName) -> Duration {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(platform.clone()).or_default();
        let share = jitter::share(&(platform, *count));
        let longest = FIRST_MS
            .saturating_mul(1 << (*count).min(16))
            .min(LONGEST_MS);
        *count += 1;
        // Half of it is certain, so that a failure never retries at once.
        Duration::from_millis(longest).mul_f64(0.5 + share / 2.0)
    }

    /// Forgets the platform's failures.
    pub fn succeed(&self, platform: &PlatformName) {
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(platform);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_to_a_minute_and_starts_over_after_a_success() {
        let backoff = Backoff::default();
        let platform = PlatformName::try_from("local").unwrap();
        let waits: Vec<u128> = (0..10)
            .map(|_| backoff.fail(&platform).as_millis())
            .collect();
        let longest = [
            250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000,
        ];
        for (wait, longest) in waits.iter().zip(longest) {
            assert!((longest / 2..=longest).contains(wait), "{waits:?}");
        }

        backoff.succeed(&platform);
        assert_eq!(backoff.fail(&platform).as_millis(), waits[0]);
    }
}
