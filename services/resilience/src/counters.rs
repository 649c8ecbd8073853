//! An observer that counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::observe::{Ending, Event, Observer};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Counts events since it was made.
        #[derive(Debug, Default)]
        pub struct Counters { $($name: AtomicU64),+ }

        /// What [`Counters`] had counted at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counts { $($(#[$doc])* pub $name: u64),+ }

        impl Counters {
            /// The counts now.
            #[must_use]
            pub fn snapshot(&self) -> Counts {
                Counts { $($name: self.$name.load(Relaxed)),+ }
            }
        }
    };
}

counters! {
    /// Calls that ended.
    calls,
    /// Calls that ended without an answer, abandoned ones not included.
    failures,
    /// Calls that the caller abandoned.
    abandoned,
    /// Attempts sent.
    attempts,
    /// Attempts after the first.
    retries,
    /// Attempts that ran out of time.
    timeouts,
    /// Retries not made for want of budget.
    budget_exhausted,
    /// Calls refused by the bulkhead.
    bulkhead_rejections,
    /// Calls refused by the breaker.
    breaker_rejections,
    /// Attempts that a breaker which only measures would have refused.
    breaker_would_reject,
    /// Changes of the breaker's state.
    breaker_transitions,
}

impl Observer for Counters {
    fn observe(&self, event: Event) {
        let count = |counter: &AtomicU64| {
            counter.fetch_add(1, Relaxed);
        };
        match event {
            Event::Attempt { number } => {
                count(&self.attempts);
                if number > 1 {
                    count(&self.retries);
                }
            }
            Event::AttemptTimedOut => count(&self.timeouts),
            Event::BudgetExhausted => count(&self.budget_exhausted),
            Event::BulkheadRejected => count(&self.bulkhead_rejections),
            Event::BreakerRejected => count(&self.breaker_rejections),
            Event::BreakerWouldReject => count(&self.breaker_would_reject),
            Event::BreakerMoved(_) => count(&self.breaker_transitions),
            Event::Finished { ending, .. } => {
                count(&self.calls);
                match ending {
                    Ending::Answered => {}
                    Ending::Failed => count(&self.failures),
                    Ending::Abandoned => count(&self.abandoned),
                }
            }
        }
    }
}
