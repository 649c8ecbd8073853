//! Our breaker and our whole policy.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use resilience::{
    BreakerConfig, BreakerState, CallError, Classified, Counters, Deadline, FailureClass, Outcome,
    Policy, PolicyConfig, Settled, SharedBreaker,
};

use crate::measure::{Contender, finish};

/// A failure of the dependency.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("down")]
pub(crate) struct Down;

impl Classified for Down {
    fn class(&self) -> FailureClass {
        FailureClass::Transient
    }
}

/// The breaker with its default settings: failures in a row, both rates over an exact window of 30 s.
pub(crate) fn breaker() -> Contender {
    let breaker = Arc::new(SharedBreaker::new(BreakerConfig::default(), 7));
    Contender::new("ours: window of 30 s, one clock read", move || {
        let now = Instant::now();
        let (permit, ()) = breaker.acquire(now, || ()).answer.unwrap();
        let settled = Settled {
            outcome: black_box(Outcome::Success),
            elapsed: Duration::ZERO,
            retry_after: None,
        };
        breaker.settle(permit, &settled, now);
    })
}

fn open_for_long() -> BreakerConfig {
    let long = Duration::from_secs(3_600);
    BreakerConfig {
        wait_duration_in_open_state: long,
        max_wait_duration_in_open_state: long,
        ..BreakerConfig::default()
    }
}

pub(crate) fn open_breaker() -> Contender {
    let breaker = Arc::new(SharedBreaker::new(open_for_long(), 7));
    while breaker.state() == BreakerState::Closed {
        let now = Instant::now();
        let (permit, ()) = breaker.acquire(now, || ()).answer.unwrap();
        let failure = Settled {
            outcome: Outcome::Failure,
            elapsed: Duration::ZERO,
            retry_after: None,
        };
        breaker.settle(permit, &failure, now);
    }
    Contender::new("ours: breaker, clock read included", move || {
        let refused = breaker.acquire(Instant::now(), || ()).answer;
        black_box(refused).unwrap_err();
    })
}

fn observed(config: PolicyConfig) -> Policy {
    Policy::observed(config, 7, Arc::new(Counters::default()))
}

/// A policy's refusal, which is more than its breaker's: bulkhead, deadline, two events told.
pub(crate) fn rejecting_policy() -> Contender {
    let mut config = PolicyConfig::new("http://scores.example");
    config.breaker = open_for_long();
    config.retry.max_attempts = 1;
    let policy = observed(config);
    let call = move || {
        let call = policy.call(Deadline::NONE, |_| async { Err::<(), _>(Down) });
        finish(call).unwrap_err()
    };
    while !matches!(call(), CallError::BreakerOpen { .. }) {}
    Contender::new("whole policy around it", move || {
        black_box(call());
    })
}

/// All layers with their default settings, all events counted.
pub(crate) fn policy() -> Contender {
    let policy = observed(PolicyConfig::new("http://scores.example"));
    Contender::new("ours: Policy::call", move || {
        let deadline = Deadline::after(Instant::now(), Duration::from_secs(1));
        let call = policy.call(deadline, |attempt| async move {
            black_box(&attempt.target);
            Ok::<u32, Down>(712)
        });
        finish(call).unwrap();
    })
}
