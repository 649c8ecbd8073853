//! Quotas: token buckets, as AWS throttles.

use jiff::Timestamp;

use crate::timeline::between;

/// A token bucket that the rest of the account draws from too.
#[derive(Clone, Debug)]
pub(crate) struct Quota {
    burst: f64,
    refill_per_second: f64,
    tokens: f64,
    at: Timestamp,
}

impl Quota {
    pub(crate) const fn new(burst: f64, refill_per_second: f64, at: Timestamp) -> Self {
        Self {
            burst,
            refill_per_second,
            tokens: burst,
            at,
        }
    }

    /// Takes a token, while everyone else takes `others_percent` of the refill. Whether there was one.
    pub(crate) fn take(&mut self, now: Timestamp, others_percent: f64) -> bool {
        let left = self.refill_per_second * (1.0 - others_percent / 100.0);
        let gained = between(self.at, now).as_secs_f64() * left;
        self.tokens = (self.tokens + gained).clamp(0.0, self.burst);
        self.at = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

/// The buckets of one account.
///
/// Source: Amazon ECS API Reference, "Request throttling"; CloudWatch service quotas.
#[derive(Clone, Debug)]
pub(crate) struct Quotas {
    pub(crate) modify_services: Quota,
    pub(crate) read_services: Quota,
    pub(crate) put_alarms: Quota,
    pub(crate) describe_alarms: Quota,
    pub(crate) get_metrics: Quota,
}

impl Quotas {
    pub(crate) const fn of_an_account(at: Timestamp) -> Self {
        Self {
            modify_services: Quota::new(50.0, 5.0, at),
            read_services: Quota::new(100.0, 20.0, at),
            put_alarms: Quota::new(3.0, 3.0, at),
            describe_alarms: Quota::new(9.0, 9.0, at),
            get_metrics: Quota::new(500.0, 500.0, at),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::timeline::{after, beginning};

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_refill() {
        let start = beginning();
        let mut quota = Quota::new(3.0, 1.0, start);
        let at_once: Vec<bool> = (0..4).map(|_| quota.take(start, 0.0)).collect();
        assert_eq!(at_once, [true, true, true, false]);
        assert!(quota.take(after(start, Duration::from_secs(1)), 0.0));
        assert!(!quota.take(after(start, Duration::from_secs(2)), 100.0));
    }
}
