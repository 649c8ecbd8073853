//! One attempt behind the breaker, within its time.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout_at;

use super::clock::{self, Clock};
use super::{InForce, Layers, PolicyConfig};
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
        clock: &mut Clock,
    ) -> Result<T, AttemptError<E>>
    where
        E: Classified,
        F: Fn(Attempt) -> Sent,
        Sent: Future<Output = Result<T, E>>,
    {
        let started = clock.now();
        let remaining = deadline.remaining(started);
        if remaining.is_zero() {
            return Err(AttemptError::TooLate);
        }
        let (guard, in_force) = self
            .pass_breaker(number, started)
            .map_err(AttemptError::Refused)?;
        let config = &in_force.config;
        let time_left = config.attempt_timeout.min(remaining);
        self.tell(Event::Attempt { number });
        let sent = send(Attempt {
            number,
            target: Arc::clone(&in_force.target),
            time_left,
        });
        let result = timeout_at((started + time_left).into(), sent)
            .await
            .map_or(Err(AttemptError::TimedOut), |answer| {
                answer.map_err(AttemptError::Failed)
            });
        if matches!(result, Err(AttemptError::TimedOut)) {
            self.tell(Event::AttemptTimedOut);
        }
        let ended = clock.read();
        let settled = Settled {
            outcome: outcome(&result, time_left, config),
            elapsed: ended.saturating_duration_since(started),
            retry_after: result.as_ref().err().and_then(AttemptError::retry_after),
        };
        guard.settle(&settled, ended);
        result
    }

    /// A permit of the breaker for attempt `number`, with the settings that its result will be judged by.
    fn pass_breaker(
        &self,
        number: u32,
        now: Instant,
    ) -> Result<(PermitGuard<'_>, Arc<InForce>), Refused> {
        let told = self.breaker.acquire(now, || self.in_force.load_full());
        self.tell_moved(told.moved);
        match told.answer {
            Ok((permit, in_force)) => {
                if number == 1 {
                    // What the breaker refuses earns no retry: a dependency that comes back weak would meet a
                    // store of them.
                    self.retries().budget.record_call(now);
                }
                if permit.overrules_refusal() {
                    self.tell(Event::BreakerWouldReject);
                }
                let permit = Some(permit);
                Ok((
                    PermitGuard {
                        layers: self,
                        permit,
                    },
                    in_force,
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
    fn settle(mut self, settled: &Settled, now: Instant) {
        let Some(permit) = self.permit.take() else {
            return;
        };
        let told = self.layers.breaker.settle(permit, settled, now);
        self.layers.tell_moved(told.moved);
    }
}

impl Drop for PermitGuard<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.layers.breaker.give_back(permit, clock::read());
        }
    }
}
