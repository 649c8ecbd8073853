//! A circuit breaker that threads share, and seldom wait for each other at.
//!
//! While all is well the one thing that happens to a breaker, very often, is a quick success. That changes no
//! state, so threads count it each on a stripe of its own. Everything else goes by the [`Breaker`] behind the lock,
//! which takes the stripes' counts in first: what it judges is as exact as if each success had gone there.

use std::sync::PoisonError;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use super::{
    Breaker, BreakerConfig, BreakerState, History, Permit, Refused, Settled, Transition, UNMEASURED,
};
use crate::classify::Outcome;
use crate::sync::{AtomicU64, Mutex, MutexGuard, thread_number};
use crate::window::{Reach, Window};

/// Threads that count without meeting each other. More of them share. Models have fewer, and so fewer orders.
const STRIPES: usize = if cfg!(test) { 2 } else { 8 };

/// A [`Breaker`] for many threads at once.
///
/// # Guarantees
/// Those of [`Breaker`]. Each change of state is told once, to the thread that brought it about.
#[derive(Debug)]
pub struct SharedBreaker {
    /// Generation whose attempts pass without asking the breaker: that of a closed one whose last attempt
    /// did not fail. [`UNMEASURED`] while there is none.
    calm: CachePadded<AtomicU64>,
    stripes: [CachePadded<Mutex<Stripe>>; STRIPES],
    breaker: Mutex<Breaker>,
}

/// Quick successes of one generation.
#[derive(Debug)]
struct Stripe {
    /// [`UNMEASURED`] while the breaker itself counts.
    generation: u64,
    slow_beyond: Duration,
    successes: Window<u64>,
}

/// What a breaker says, and the change of state that came with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told<T> {
    /// What it says.
    pub answer: T,
    /// How its state changed.
    pub moved: Option<Transition>,
}

impl SharedBreaker {
    /// A closed breaker. `seed` makes its jitter repeatable.
    #[must_use]
    pub fn new(config: BreakerConfig, seed: u64) -> Self {
        let stripe = || {
            CachePadded::new(Mutex::new(Stripe {
                generation: UNMEASURED,
                slow_beyond: Duration::ZERO,
                successes: Window::new(config.sliding_window, Reach::AtMost),
            }))
        };
        let shared = Self {
            calm: CachePadded::new(AtomicU64::new(UNMEASURED)),
            stripes: std::array::from_fn(|_| stripe()),
            breaker: Mutex::new(Breaker::new(config, seed)),
        };
        drop(Held {
            shared: &shared,
            breaker: shared.lock(),
        });
        shared
    }

    /// Asks to make an attempt, and reads by `read` what belongs to the permit: what
    /// [`Held::reconfigure`] replaced before the permit could be had, and nothing that it will replace.
    ///
    /// # Errors
    /// [`Refused`] while it is open, or half-open with every permit taken.
    pub fn acquire<T>(
        &self,
        now: Instant,
        read: impl Fn() -> T,
    ) -> Told<Result<(Permit, T), Refused>> {
        let calm = self.calm.load(Acquire);
        if calm != UNMEASURED {
            let read = read();
            // Whoever replaces it ends the calm first.
            if self.calm.load(Acquire) == calm {
                let permit = Permit {
                    generation: calm,
                    overrules: false,
                };
                return Told::quietly(Ok((permit, read)));
            }
        }
        let mut held = self.hold(now);
        let answer = held.breaker.acquire(now).map(|permit| (permit, read()));
        held.told(answer)
    }

    /// Counts what an attempt came to. Results of an older state are ignored.
    pub fn settle(&self, permit: Permit, settled: &Settled, now: Instant) -> Told<()> {
        if settled.outcome == Outcome::Ignored {
            self.give_back(permit, now);
            return Told::quietly(());
        }
        if self.counts_calmly(&permit, settled, now) {
            return Told::quietly(());
        }
        let mut held = self.hold(now);
        held.breaker.settle(permit, settled, now);
        held.told(())
    }

    /// Takes back a permit whose attempt was not made or says nothing.
    pub fn give_back(&self, permit: Permit, now: Instant) {
        if self.calm.load(Acquire) != permit.generation {
            self.hold(now).breaker.give_back(permit, now);
        }
    }

    /// The state: of a breaker that only measures, the one it would be in.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        self.lock().state()
    }

    /// Has it for one thread alone, as for new settings: no attempt is let through or counted meanwhile.
    pub fn hold(&self, now: Instant) -> Held<'_> {
        let mut breaker = self.lock();
        // Written under the lock alone.
        if self.calm.load(Relaxed) != UNMEASURED {
            self.calm.store(UNMEASURED, Release);
            for stripe in &self.stripes {
                let mut stripe = locked(stripe);
                stripe.generation = UNMEASURED;
                breaker.take_in(&mut stripe.successes, now);
            }
        }
        Held {
            shared: self,
            breaker,
        }
    }

    /// Counts a quick success of a calm generation; false where the breaker has to judge.
    fn counts_calmly(&self, permit: &Permit, settled: &Settled, now: Instant) -> bool {
        if settled.outcome != Outcome::Success {
            return false;
        }
        let mut stripe = locked(&self.stripes[thread_number() % STRIPES]);
        let is_calm = stripe.generation == permit.generation && permit.generation != UNMEASURED;
        let counts = is_calm && settled.elapsed <= stripe.slow_beyond;
        if counts {
            stripe.successes.record(1, now);
        }
        counts
    }

    fn lock(&self) -> MutexGuard<'_, Breaker> {
        locked(&self.breaker)
    }
}

/// A breaker that one thread has for itself. The others go on when it is dropped.
#[derive(Debug)]
#[must_use = "it holds all others up"]
pub struct Held<'a> {
    shared: &'a SharedBreaker,
    breaker: MutexGuard<'a, Breaker>,
}

impl Held<'_> {
    /// Applies new settings: see [`Breaker::reconfigure`].
    pub fn reconfigure(&mut self, config: BreakerConfig, history: History, now: Instant) {
        self.breaker.reconfigure(config, history, now);
    }

    /// Lets the others go on; the change of state since it was held.
    pub fn release(self) -> Option<Transition> {
        self.told(()).moved
    }

    fn told<T>(mut self, answer: T) -> Told<T> {
        Told {
            answer,
            moved: self.breaker.take_transition(),
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let Some(generation) = self.breaker.calm_generation() else {
            return;
        };
        let config = &self.breaker.config;
        for stripe in &self.shared.stripes {
            let mut stripe = locked(stripe);
            stripe.generation = generation;
            stripe.slow_beyond = config.slow_call_duration_threshold;
            stripe.successes.resize(config.sliding_window);
        }
        self.shared.calm.store(generation, Release);
    }
}

impl<T> Told<T> {
    const fn quietly(answer: T) -> Self {
        Self {
            answer,
            moved: None,
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
