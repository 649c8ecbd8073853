//! How many requests one of many may make: a client, or the one client there is.

use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use http::StatusCode;
use schema::platform::RateLimit;

use crate::problem::Problem;

/// Limits requests per `K`. Whoever uses it sees to it that there is a bounded number of them.
pub struct RateLimiter<K: Hash + Eq + Clone> {
    limited: Mutex<Option<Limited<K>>>,
    clock: DefaultClock,
}

struct Limited<K: Hash + Eq + Clone> {
    limit: RateLimit,
    limiter: Arc<DefaultKeyedRateLimiter<K>>,
}

impl<K: Hash + Eq + Clone> Default for RateLimiter<K> {
    fn default() -> Self {
        Self {
            limited: Mutex::default(),
            clock: DefaultClock::default(),
        }
    }
}

impl<K: Hash + Eq + Clone> RateLimiter<K> {
    /// Limits by `limit` from now on, or not at all; what has been used so far is kept only under the same one.
    pub fn reconfigure(&self, limit: Option<RateLimit>) {
        let mut limited = self.limited.lock().unwrap_or_else(PoisonError::into_inner);
        if limited.as_ref().map(|limited| limited.limit) != limit {
            *limited = limit.and_then(Limited::new);
        }
    }

    /// Lets a request of `key` in.
    ///
    /// # Errors
    /// 429 that says when to come back.
    pub fn admit(&self, key: &K) -> Result<(), Problem> {
        let limiter = {
            let limited = self.limited.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(limited) = limited.as_ref() else {
                return Ok(());
            };
            Arc::clone(&limited.limiter)
        };
        limiter.check_key(key).map_err(|refused| {
            Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "RATE_LIMITED",
                "too many requests; slow down",
            )
            .retry_after(refused.wait_time_from(self.clock.now()))
        })
    }
}

impl<K: Hash + Eq + Clone> fmt::Debug for RateLimiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter").finish_non_exhaustive()
    }
}

impl<K: Hash + Eq + Clone> Limited<K> {
    /// Nothing for a rate or burst of zero, which settings do not allow.
    fn new(limit: RateLimit) -> Option<Self> {
        let rate = NonZeroU32::new(limit.requests_per_second.get())?;
        let burst = NonZeroU32::new(limit.burst.get())?;
        let quota = Quota::per_second(rate).allow_burst(burst);
        Some(Self {
            limit,
            limiter: Arc::new(DefaultKeyedRateLimiter::dashmap(quota)),
        })
    }
}

#[cfg(test)]
mod tests {
    use schema::units::Whole;

    use super::*;

    #[test]
    fn a_client_past_its_burst_is_told_when_to_come_back_and_others_are_not_affected() {
        let limiter = RateLimiter::default();
        limiter.reconfigure(Some(RateLimit {
            requests_per_second: Whole::new(1),
            burst: Whole::new(2),
        }));
        assert!(limiter.admit(&"greedy").is_ok());
        assert!(limiter.admit(&"greedy").is_ok());
        let refused = limiter.admit(&"greedy").unwrap_err();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(
            refused
                .into_response()
                .headers()
                .contains_key("retry-after")
        );
        assert!(limiter.admit(&"modest").is_ok());
        limiter.reconfigure(None);
        assert!(limiter.admit(&"greedy").is_ok());
    }
}
