//! How many requests one client may make.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use schema::platform::RateLimit;
use service_kit::Problem;

use crate::authentication::ClientId;
use http::StatusCode;

/// Limits requests per client. Clients come from auth, which knows a bounded number of them.
#[derive(Default)]
pub(crate) struct RateLimiter {
    limited: Mutex<Option<Limited>>,
    clock: DefaultClock,
}

struct Limited {
    limit: RateLimit,
    limiter: Arc<DefaultKeyedRateLimiter<ClientId>>,
}

impl RateLimiter {
    /// Limits by `limit` from now on; what clients have used so far is kept only under the same one.
    pub(crate) fn reconfigure(&self, limit: Option<RateLimit>) {
        let mut limited = self.limited.lock().unwrap_or_else(PoisonError::into_inner);
        if limited.as_ref().map(|limited| limited.limit) != limit {
            *limited = limit.and_then(Limited::new);
        }
    }

    /// Lets a request of `client` in, or says when to come back.
    pub(crate) fn admit(&self, client: &ClientId) -> Result<(), Problem> {
        let limiter = {
            let limited = self.limited.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(limited) = limited.as_ref() else {
                return Ok(());
            };
            Arc::clone(&limited.limiter)
        };
        limiter.check_key(client).map_err(|refused| {
            Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "RATE_LIMITED",
                "too many requests; slow down",
            )
            .retry_after(refused.wait_time_from(self.clock.now()))
        })
    }
}

impl Limited {
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
        let [greedy, modest] = ["greedy", "modest"].map(|id| ClientId(id.to_owned()));
        assert!(limiter.admit(&greedy).is_ok());
        assert!(limiter.admit(&greedy).is_ok());
        let refused = limiter.admit(&greedy).unwrap_err();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(
            refused
                .into_response()
                .headers()
                .contains_key("retry-after")
        );
        assert!(limiter.admit(&modest).is_ok());
        limiter.reconfigure(None);
        assert!(limiter.admit(&greedy).is_ok());
    }
}
