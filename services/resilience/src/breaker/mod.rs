//! A circuit breaker: a small state machine over plain data, with the time as an argument.
//!
//! ```text
//!            threshold reached                 pause over
//!   Closed ────────────────────► Open ──────────────────────► HalfOpen
//!      ▲                           ▲        test failed, or         │
//!      │                           └──── a permit is overdue ───────┤
//!      └──────────────────────── test passed ───────────────────────┘
//! ```
//!
//! It judges failures in a row, the failure rate and the slow-call rate: each misses what another
//! catches. It judges whenever an attempt fails or is slow: a quick success never opens it. Open turns half-open
//! when the next attempt asks, not by a timer.

mod closed;
mod config;
mod half_open;
mod measure;
mod shared;

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use closed::Closed;
pub use config::{BreakerConfig, BreakerMode};
use half_open::{HalfOpen, Verdict};
pub use measure::Settled;
pub use shared::{Held, SharedBreaker, Told};

use crate::classify::Outcome;
use crate::window::Window;

/// Generation of a permit that no state waits for. Real ones start at 1.
const UNMEASURED: u64 = 0;

/// A circuit breaker, for one thread at a time. [`SharedBreaker`] is for many.
///
/// # Guarantees
/// While half-open it lets through exactly as many attempts as permitted, not counting those whose
/// permit came back unused. A result is counted only in the state in which its attempt was let
/// through.
#[derive(Debug)]
pub struct Breaker {
    config: BreakerConfig,
    state: State,
    /// Counts states entered, so that results of older ones are known.
    generation: u64,
    /// Openings since it was last closed.
    openings: u32,
    random: StdRng,
    moved: Option<Transition>,
}

#[derive(Debug)]
enum State {
    Closed(Closed),
    Open { until: Instant },
    HalfOpen(HalfOpen),
}

/// What a breaker does with the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// It passes.
    Closed,
    /// It passes if a permit is left.
    HalfOpen,
    /// It is refused.
    Open,
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state before.
    pub from: BreakerState,
    /// The state after.
    pub to: BreakerState,
}

/// Leave to make one attempt: to be given to [`Breaker::settle`] or [`Breaker::give_back`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a half-open breaker waits for its permits"]
pub struct Permit {
    generation: u64,
    overrules: bool,
}

impl Permit {
    /// Whether the breaker would have refused the attempt if it did more than measure.
    #[must_use]
    pub const fn overrules_refusal(&self) -> bool {
        self.overrules
    }
}

/// The breaker refused an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// When it will test the dependency, where that is known.
    pub retry_after: Option<Duration>,
}

/// What becomes of the history of a breaker that gets new settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// It still tells something: keep the state and all counts.
    Keep,
    /// It was measured on something else: empty the window, and test before staying closed to all.
    Forget,
}

impl Breaker {
    /// A closed breaker. `seed` makes its jitter repeatable.
    #[must_use]
    pub fn new(config: BreakerConfig, seed: u64) -> Self {
        Self {
            state: State::Closed(Closed::new(&config)),
            config,
            generation: UNMEASURED + 1,
            openings: 0,
            random: StdRng::seed_from_u64(seed),
            moved: None,
        }
    }

    /// Asks to make an attempt.
    ///
    /// # Errors
    /// [`Refused`] while it is open, or half-open with every permit taken.
    pub fn acquire(&mut self, now: Instant) -> Result<Permit, Refused> {
        let unmeasured = |overrules| Permit {
            generation: UNMEASURED,
            overrules,
        };
        match self.config.mode {
            BreakerMode::Disabled => Ok(unmeasured(false)),
            BreakerMode::ForcedOpen => Err(Refused { retry_after: None }),
            BreakerMode::MetricsOnly => self.admit(now).or_else(|_| Ok(unmeasured(true))),
            BreakerMode::Enabled => self.admit(now),
        }
    }

    /// Counts what an attempt came to. Results of an older state are ignored.
    pub fn settle(&mut self, permit: Permit, settled: &Settled, now: Instant) {
        if settled.outcome == Outcome::Ignored {
            self.give_back(permit, now);
            return;
        }
        if permit.generation != self.generation {
            return;
        }
        match &mut self.state {
            State::Closed(closed) => {
                if closed.settle(settled, &self.config, now) {
                    self.open(settled.retry_after, now);
                }
            }
            State::HalfOpen(half_open) => {
                half_open.settle(settled, &self.config, now);
                let told_to_wait =
                    settled.outcome == Outcome::Failure && settled.retry_after.is_some();
                if told_to_wait {
                    self.open(settled.retry_after, now);
                } else {
                    self.conclude_test(now);
                }
            }
            State::Open { .. } => {}
        }
    }

    /// Takes back a permit whose attempt was not made or says nothing.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a permit is good for one attempt"
    )]
    pub fn give_back(&mut self, permit: Permit, now: Instant) {
        if let State::HalfOpen(half_open) = &mut self.state
            && permit.generation == self.generation
        {
            half_open.give_back(now);
        }
    }

    /// Applies new settings. Thresholds, window and pauses alone keep state, counts, the end of the
    /// pause and permits that are out; a changed mode or slow-call duration forgets the history
    /// whatever `history` says.
    ///
    /// Forgetting empties the window and turns open into half-open, with all its permits, also where it was a
    /// person who held it open; results of attempts under way count for nothing.
    pub fn reconfigure(&mut self, config: BreakerConfig, history: History, now: Instant) {
        let before = self.state();
        self.apply(config, history, before, now);
        let after = self.state();
        self.moved = (before != after).then_some(Transition {
            from: before,
            to: after,
        });
    }

    fn apply(
        &mut self,
        config: BreakerConfig,
        history: History,
        before: BreakerState,
        now: Instant,
    ) {
        let measured_otherwise = config.mode != self.config.mode
            || config.slow_call_duration_threshold != self.config.slow_call_duration_threshold;
        self.config = config;
        if history == History::Forget || measured_otherwise {
            self.forget(before);
            return;
        }
        match &mut self.state {
            State::Closed(closed) => closed.reconfigure(&self.config),
            State::HalfOpen(_) => self.conclude_test(now),
            State::Open { .. } => {}
        }
    }

    /// The state: of a breaker that only measures, the one it would be in.
    #[must_use]
    pub const fn state(&self) -> BreakerState {
        match self.config.mode {
            BreakerMode::Disabled => BreakerState::Closed,
            BreakerMode::ForcedOpen => BreakerState::Open,
            BreakerMode::Enabled | BreakerMode::MetricsOnly => self.measured_state(),
        }
    }

    /// The latest change of state, told once.
    pub const fn take_transition(&mut self) -> Option<Transition> {
        self.moved.take()
    }

    /// The generation of which every attempt passes and a quick success changes nothing but a count, while it is that.
    fn calm_generation(&self) -> Option<u64> {
        let measures = matches!(
            self.config.mode,
            BreakerMode::Enabled | BreakerMode::MetricsOnly
        );
        match &self.state {
            State::Closed(closed) if measures && closed.is_calm() => Some(self.generation),
            _ => None,
        }
    }

    /// Counts the quick successes of a calm generation.
    fn take_in(&mut self, successes: &mut Window<u64>, now: Instant) {
        if let State::Closed(closed) = &mut self.state {
            closed.take_in(successes, now);
        }
    }

    fn admit(&mut self, now: Instant) -> Result<Permit, Refused> {
        match &self.state {
            State::Open { until } if now >= *until => {
                self.enter(State::HalfOpen(HalfOpen::default()));
            }
            State::HalfOpen(half_open) if half_open.is_overdue(&self.config, now) => {
                self.open(None, now);
            }
            _ => {}
        }
        let admitted = match &mut self.state {
            State::Closed(_) => true,
            State::HalfOpen(half_open) => half_open.admit(&self.config, now),
            State::Open { .. } => false,
        };
        if admitted {
            return Ok(Permit {
                generation: self.generation,
                overrules: false,
            });
        }
        Err(Refused {
            retry_after: match self.state {
                State::Open { until } => Some(until.saturating_duration_since(now)),
                _ => None,
            },
        })
    }

    fn conclude_test(&mut self, now: Instant) {
        let State::HalfOpen(half_open) = &self.state else {
            return;
        };
        match half_open.verdict(&self.config) {
            Verdict::Undecided => {}
            Verdict::Failed => self.open(None, now),
            Verdict::Passed => {
                self.openings = 0;
                self.enter(State::Closed(Closed::new(&self.config)));
            }
        }
    }

    fn open(&mut self, retry_after: Option<Duration>, now: Instant) {
        let longest = self.config.max_wait_duration_in_open_state;
        let full = 2_u32
            .checked_pow(self.openings)
            .and_then(|factor| self.config.wait_duration_in_open_state.checked_mul(factor))
            .map_or(longest, |pause| pause.min(longest));
        let jittered = self.random.random_range(full * 4 / 5..=full);
        let pause = jittered.max(retry_after.unwrap_or_default().min(longest));
        self.openings = self.openings.saturating_add(1);
        self.enter(State::Open { until: now + pause });
    }

    fn forget(&mut self, before: BreakerState) {
        self.openings = 0;
        self.enter(match before {
            BreakerState::Closed => State::Closed(Closed::new(&self.config)),
            BreakerState::Open | BreakerState::HalfOpen => State::HalfOpen(HalfOpen::default()),
        });
    }

    fn enter(&mut self, state: State) {
        let from = self.measured_state();
        self.state = state;
        self.generation += 1;
        let to = self.measured_state();
        if from != to {
            self.moved = Some(Transition { from, to });
        }
    }

    const fn measured_state(&self) -> BreakerState {
        match self.state {
            State::Closed(_) => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen(_) => BreakerState::HalfOpen,
        }
    }
}

#[cfg(test)]
mod tests;
