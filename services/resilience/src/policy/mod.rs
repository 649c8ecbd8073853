//! The layers around a call, and the only place that reads a clock.

mod attempt;
mod clock;
mod config;
mod retry;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, PoisonError};

use rand::SeedableRng;
use rand::rngs::StdRng;

pub use attempt::Attempt;
use clock::Clock;
pub use config::{PolicyConfig, RetryConfig};

use crate::breaker::{BreakerState, SharedBreaker, Transition};
use crate::budget::Budget;
use crate::bulkhead::Bulkhead;
use crate::classify::Classified;
use crate::deadline::Deadline;
use crate::error::CallError;
use crate::observe::{Ending, Event, Observer};
use crate::sync::{ArcSwap, Mutex, MutexGuard};

/// The layers around the calls to one dependency. Cloning shares them.
#[derive(Clone)]
pub struct Policy(Arc<Layers>);

struct Layers {
    in_force: ArcSwap<InForce>,
    bulkhead: Bulkhead,
    breaker: SharedBreaker,
    retries: Mutex<Retries>,
    observer: Arc<dyn Observer>,
}

/// The settings in force.
struct InForce {
    config: Arc<PolicyConfig>,
    /// That of the settings, as attempts share it.
    target: Arc<str>,
}

/// What decides on retries, under a lock that is held for arithmetic only.
struct Retries {
    budget: Budget,
    random: StdRng,
}

impl Policy {
    /// Layers with nothing measured yet, that tell nobody. `seed` makes their jitter repeatable.
    #[must_use]
    pub fn new(config: PolicyConfig, seed: u64) -> Self {
        Self::observed(config, seed, Arc::new(Silence))
    }

    /// Layers with nothing measured yet, that tell `observer` what happens.
    #[must_use]
    pub fn observed(config: PolicyConfig, seed: u64, observer: Arc<dyn Observer>) -> Self {
        Self(Arc::new(Layers {
            bulkhead: Bulkhead::new(config.bulkhead),
            breaker: SharedBreaker::new(config.breaker, seed),
            retries: Mutex::new(Retries {
                budget: Budget::new(config.retry.budget),
                random: StdRng::seed_from_u64(seed),
            }),
            in_force: ArcSwap::from_pointee(config.into()),
            observer,
        }))
    }

    /// Calls the dependency: runs what `send` makes, again where that is allowed, until there is an
    /// answer or the earlier of `deadline` and the policy's own timeout.
    ///
    /// Dropping the returned future drops the attempt under way and gives its permits back.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn call<T, E, F, Sent>(&self, deadline: Deadline, send: F) -> Result<T, CallError<E>>
    where
        E: Classified,
        F: Fn(Attempt) -> Sent,
        Sent: Future<Output = Result<T, E>>,
    {
        let mut report = Report::start(&self.0);
        let timeout = self.0.in_force.load().config.timeout;
        let deadline = deadline.earlier(Deadline::after(report.clock.now(), timeout));
        let result = match self.0.bulkhead.enter() {
            Some(_place) => self.0.attempts(deadline, send, &mut report.clock).await,
            None => {
                self.0.tell(Event::BulkheadRejected);
                Err(CallError::BulkheadFull)
            }
        };
        report.ending = if result.is_ok() {
            Ending::Answered
        } else {
            Ending::Failed
        };
        result
    }

    /// Applies new settings to every attempt that starts from now on, also of calls under way; an
    /// attempt under way keeps its timeout.
    ///
    /// State, counts, the budget and permits that are out stay. But a changed target, timeout,
    /// slow-call duration or mode makes what the breaker measured worthless: its window empties and
    /// open turns into half-open (see [`Breaker::reconfigure`](crate::Breaker::reconfigure)).
    pub fn reconfigure(&self, config: PolicyConfig) {
        let now = clock::read();
        // Held, so that no attempt meets the new settings with the old history.
        let mut breaker = self.0.breaker.hold(now);
        let history = self.0.in_force.load().config.history_under(&config);
        breaker.reconfigure(config.breaker, history, now);
        self.0.retries().budget.reconfigure(config.retry.budget);
        self.0.bulkhead.reconfigure(config.bulkhead);
        self.0.in_force.store(Arc::new(config.into()));
        self.0.tell_moved(breaker.release());
    }

    /// The settings in force.
    #[must_use]
    pub fn config(&self) -> Arc<PolicyConfig> {
        Arc::clone(&self.0.in_force.load().config)
    }

    /// The breaker's state.
    #[must_use]
    pub fn breaker_state(&self) -> BreakerState {
        self.0.breaker.state()
    }

    /// Calls under way.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.0.bulkhead.in_flight()
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("config", &self.config())
            .field("breaker_state", &self.breaker_state())
            .finish_non_exhaustive()
    }
}

impl From<PolicyConfig> for InForce {
    fn from(config: PolicyConfig) -> Self {
        Self {
            target: config.target.as_str().into(),
            config: Arc::new(config),
        }
    }
}

impl Layers {
    fn retries(&self) -> MutexGuard<'_, Retries> {
        self.retries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: Event) {
        self.observer.observe(event);
    }

    fn tell_moved(&self, moved: Option<Transition>) {
        if let Some(transition) = moved {
            self.tell(Event::BreakerMoved(transition));
        }
    }
}

/// Tells how a call ended, also when it is dropped half way.
struct Report<'a> {
    layers: &'a Layers,
    clock: Clock,
    ending: Ending,
}

impl<'a> Report<'a> {
    fn start(layers: &'a Layers) -> Self {
        Self {
            layers,
            clock: Clock::start(),
            ending: Ending::Abandoned,
        }
    }
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        if self.ending == Ending::Abandoned {
            // It was dropped while it waited.
            self.clock.read();
        }
        self.layers.tell(Event::Finished {
            ending: self.ending,
            elapsed: self.clock.elapsed(),
        });
    }
}

/// An observer that takes note of nothing.
struct Silence;

impl Observer for Silence {
    fn observe(&self, _: Event) {}
}
