//! Pauses between attempts.

use std::time::Duration;

use rand::{Rng, RngExt};

/// Exponential backoff with full jitter: a pause is random between nothing and a limit that grows
/// from retry to retry. Callers that failed together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Longest pause before the first retry.
    pub initial: Duration,
    /// Longest pause before any retry.
    pub max: Duration,
    /// Growth of the limit from one retry to the next; 1 keeps it.
    pub multiplier: u32,
}

impl Backoff {
    /// Longest pause before the `retry`th retry, the first being 1.
    #[must_use]
    pub fn limit(&self, retry: u32) -> Duration {
        self.multiplier
            .checked_pow(retry.saturating_sub(1))
            .and_then(|factor| self.initial.checked_mul(factor))
            .map_or(self.max, |limit| limit.min(self.max))
    }

    /// A random pause before the `retry`th retry.
    pub fn pause(&self, retry: u32, random: &mut impl Rng) -> Duration {
        random.random_range(Duration::ZERO..=self.limit(retry))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn the_limit_grows_by_the_multiplier_up_to_the_longest() {
        let backoff = Backoff {
            initial: Duration::from_millis(25),
            max: Duration::from_millis(100),
            multiplier: 2,
        };
        let limits_ms: Vec<_> = (1..=5).map(|n| backoff.limit(n).as_millis()).collect();
        assert_eq!(limits_ms, [25, 50, 100, 100, 100]);
    }

    proptest! {
        #[test]
        fn a_pause_is_within_its_limit(
            initial_ms in 0_u64..10_000, max_ms in 0_u64..60_000, multiplier in 1_u32..=10,
            retry in 1_u32..1_000, seed: u64,
        ) {
            let max = Duration::from_millis(max_ms);
            let backoff = Backoff { initial: Duration::from_millis(initial_ms), max, multiplier };
            let pause = backoff.pause(retry, &mut StdRng::seed_from_u64(seed));
            prop_assert!(pause <= backoff.limit(retry));
            prop_assert!(backoff.limit(retry) <= max);
        }
    }
}
