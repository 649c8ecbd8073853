//! How long a service waits before it starts a task again.

use std::time::{Duration, Instant};

const FIRST_DELAY: Duration = Duration::from_millis(250);
const MAX_DELAY: Duration = Duration::from_secs(10);
/// A task that was healthy this long had no trouble starting.
const FORGIVEN_AFTER: Duration = Duration::from_secs(30);

/// Delay before the next start: none for the first replacement, then doubling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Backoff {
    in_a_row: u32,
    not_before: Option<Instant>,
}

impl Backoff {
    /// Takes note that a task ended by itself after being healthy for `healthy`.
    pub(crate) fn ended(&mut self, healthy: Duration, now: Instant) {
        if healthy >= FORGIVEN_AFTER {
            self.in_a_row = 0;
        }
        let delay = match self.in_a_row {
            0 => Duration::ZERO,
            // Capped before shifting, so that it cannot overflow.
            n => (FIRST_DELAY * (1 << (n - 1).min(10))).min(MAX_DELAY),
        };
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.not_before = Some(now + delay);
    }

    /// Whether a task may be started.
    pub(crate) fn allows(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|at| now >= at)
    }

    /// When the next start is allowed, where it is not yet.
    pub(crate) fn wakes_at(&self, now: Instant) -> Option<Instant> {
        self.not_before.filter(|at| *at > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_replacement_is_at_once_and_later_ones_wait_up_to_ten_seconds() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        let mut delays = Vec::new();
        for _ in 0..9 {
            backoff.ended(Duration::ZERO, now);
            delays.push(backoff.wakes_at(now).map_or(0, |at| (at - now).as_millis()));
        }
        assert_eq!(
            delays,
            [0, 250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]
        );
    }

    #[test]
    fn half_a_minute_of_health_is_forgiveness() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            backoff.ended(Duration::ZERO, now);
        }
        backoff.ended(FORGIVEN_AFTER, now);
        assert!(backoff.allows(now));
    }
}
