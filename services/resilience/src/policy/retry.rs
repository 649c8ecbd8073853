//! The attempts of one call, and whether there is another.

use std::future::Future;
use std::time::{Duration, Instant};

use super::attempt::AttemptError;
use super::clock::Clock;
use super::{Attempt, Layers, Retries, RetryConfig};
use crate::classify::Classified;
use crate::deadline::Deadline;
use crate::error::CallError;
use crate::observe::Event;

/// Why there is no further attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GiveUp {
    /// As many as allowed were made.
    NoneLeft,
    /// It could not have a useful time before the deadline.
    TooLate,
    /// All calls together made too many.
    BudgetExhausted,
}

impl Layers {
    /// Makes attempts, at most `max_attempts`, until one brings an answer.
    pub(super) async fn attempts<T, E, F, Sent>(
        &self,
        deadline: Deadline,
        send: F,
        clock: &mut Clock,
    ) -> Result<T, CallError<E>>
    where
        E: Classified,
        F: Fn(Attempt) -> Sent,
        Sent: Future<Output = Result<T, E>>,
    {
        let mut last = None;
        let mut made = 0;
        loop {
            let error = match self.attempt(made + 1, deadline, &send, clock).await {
                Ok(answer) => return Ok(answer),
                // A refused retry says less than the failure it would have mended.
                Err(error @ (AttemptError::Refused(_) | AttemptError::TooLate)) => {
                    return Err(call_error(last.unwrap_or(error), made));
                }
                Err(error) => error,
            };
            made += 1;
            let Some(pause) = self.pause_before_retry(&error, made, deadline, clock.now()) else {
                return Err(call_error(error, made));
            };
            last = Some(error);
            tokio::time::sleep(pause).await;
            clock.read();
        }
    }

    /// The pause before the next attempt, or nothing if there is none.
    fn pause_before_retry<E: Classified>(
        &self,
        error: &AttemptError<E>,
        made: u32,
        deadline: Deadline,
        now: Instant,
    ) -> Option<Duration> {
        if !error.is_transient() {
            return None;
        }
        // Settings that changed since the last attempt apply to the next.
        let config = self.in_force.load().config.retry;
        let decision = self
            .retries()
            .next(&config, made, error.retry_after(), deadline, now);
        if decision == Err(GiveUp::BudgetExhausted) {
            self.tell(Event::BudgetExhausted);
        }
        decision.ok()
    }
}

impl Retries {
    /// The pause before the attempt that follows `made` ones. The budget is asked last, so that
    /// nothing is paid for a retry that is not made.
    fn next(
        &mut self,
        config: &RetryConfig,
        made: u32,
        retry_after: Option<Duration>,
        deadline: Deadline,
        now: Instant,
    ) -> Result<Duration, GiveUp> {
        if made >= config.max_attempts {
            return Err(GiveUp::NoneLeft);
        }
        let pause = config
            .backoff
            .pause(made, &mut self.random)
            .max(retry_after.unwrap_or_default());
        let useful = pause.saturating_add(config.min_attempt_time);
        if useful >= deadline.remaining(now) {
            return Err(GiveUp::TooLate);
        }
        if !self.budget.withdraw(now) {
            return Err(GiveUp::BudgetExhausted);
        }
        Ok(pause)
    }
}

fn call_error<E>(error: AttemptError<E>, attempts: u32) -> CallError<E> {
    match error {
        AttemptError::Refused(refused) => CallError::BreakerOpen {
            retry_after: refused.retry_after,
        },
        AttemptError::TooLate | AttemptError::TimedOut => CallError::TimedOut { attempts },
        AttemptError::Failed(source) => CallError::Failed { attempts, source },
    }
}
