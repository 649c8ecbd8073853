//! One attempt behind the breaker, within its time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{Layers, PolicyConfig};
use crate::breaker::{Permit, Refused, Settled};
use crate::classify::{Classified, FailureClass, Outcome};
use crate::deadline::Deadline;
use crate::observe::Event;

/// What an attempt is told.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Which attempt of its call it is, the first being 1.
    pub number: u32,
    /// What to call: the target in force.
    pub target: Arc<str>,
    /// Time it has before it is dropped.
    pub time_left: Duration,
}

/// Why an attempt brought no answer.
#[derive(Debug)]
pub(super) enum AttemptError<E> {
    /// The breaker did not let it through.
    Refused(Refused),
    /// No time was left to send it.
    TooLate,
    /// It ran out of time.
    TimedOut,
    /// It failed.
    Failed(E),
}

impl<E: Classified> AttemptError<E> {
    /// Whether another attempt may help.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::TimedOut => true,
            Self::Failed(error) => error.class() == FailureClass::Transient,
            Self::Refused(_) | Self::TooLate => false,
        }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Failed(error) => error.retry_after(),
            _ => None,
        }
    }
}

impl Layers {
    /// Makes attempt `number`, and tells the breaker what came of it.
    pub(super) async fn attempt<T, E, F, Sent>(
        &self,
        number: u32,
        deadline: Deadline,
        send: &F,
    ) -> Result<T, AttemptError<E>>
    where
        E: Classified,
        F: Fn(Attempt) -> Sent,
        Sent: Future<Output = Result<T, E>>,
    {
        let started = Instant::now();
        let remaining = deadline.remaining(started.into_std());
        if remaining.is_zero() {
            return Err(AttemptError::TooLate);
        }
        let (guard, config) = self.pass_breaker(started).map_err(AttemptError::Refused)?;
        if number == 1 {
            // What the breaker refuses earns no retry: a dependency that comes back weak would meet a store of them.
            self.retries().budget.record_call(started.into_std());
        }
        let time_left = config.attempt_timeout.min(remaining);
        self.tell(Event::Attempt { number });
        let sent = send(Attempt {
            number,
            target: config.target.as_str().into(),
            time_left,
        });
        let result = timeout_at(started + time_left, sent)
            .await
            .map_or(Err(AttemptError::TimedOut), |answer| {
                answer.map_err(AttemptError::Failed)
            });
        if matches!(result, Err(AttemptError::TimedOut)) {
            self.tell(Event::AttemptTimedOut);
        }
        guard.settle(&Settled {
            outcome: outcome(&result, time_left, &config),
            elapsed: started.elapsed(),
            retry_after: result.as_ref().err().and_then(AttemptError::retry_after),
        });
        result
    }

    /// A permit of the breaker, with the settings that its result will be judged by.
    fn pass_breaker(&self, now: Instant) -> Result<(PermitGuard<'_>, Arc<PolicyConfig>), Refused> {
        let mut breaker = self.breaker();
        let config = self.config.load_full();
        let answer = breaker.acquire(now.into_std());
        let moved = breaker.take_transition();
        drop(breaker);
        self.tell_all(moved.map(Event::BreakerMoved));
        match answer {
            Ok(permit) => {
                if permit.overrules_refusal() {
                    self.tell(Event::BreakerWouldReject);
                }
                let permit = Some(permit);
                Ok((
                    PermitGuard {
                        layers: self,
                        permit,
                    },
                    config,
                ))
            }
            Err(refused) => {
                self.tell(Event::BreakerRejected);
                Err(refused)
            }
        }
    }
}

/// How an attempt counts. One that the caller's deadline cut short is the dependency's failure only
/// if it was slow by then: otherwise hasty callers would open the breaker for all.
fn outcome<T, E: Classified>(
    result: &Result<T, AttemptError<E>>,
    time_left: Duration,
    config: &PolicyConfig,
) -> Outcome {
    match result {
        Ok(_) => Outcome::Success,
        Err(AttemptError::Failed(error)) => error.class().into(),
        Err(AttemptError::TimedOut) => {
            let had_its_time = time_left >= config.attempt_timeout
                || time_left > config.breaker.slow_call_duration_threshold;
            if had_its_time {
                Outcome::Failure
            } else {
                Outcome::Ignored
            }
        }
        Err(AttemptError::Refused(_) | AttemptError::TooLate) => Outcome::Ignored,
    }
}

/// A permit that goes back when the attempt is dropped before it settles.
struct PermitGuard<'a> {
    layers: &'a Layers,
    permit: Option<Permit>,
}

impl PermitGuard<'_> {
    fn settle(mut self, settled: &Settled) {
        let Some(permit) = self.permit.take() else {
            return;
        };
        let mut breaker = self.layers.breaker();
        breaker.settle(permit, settled, Instant::now().into_std());
        let moved = breaker.take_transition();
        drop(breaker);
        self.layers.tell_all(moved.map(Event::BreakerMoved));
    }
}

impl Drop for PermitGuard<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            let now = Instant::now().into_std();
            self.layers.breaker().give_back(permit, now);
        }
    }
}
