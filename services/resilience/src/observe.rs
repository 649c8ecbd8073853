//! What a policy tells of its calls.

use std::time::Duration;

use crate::breaker::Transition;

/// Something that happened to a call or to the breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An attempt was sent; a retry if `number` is above 1.
    Attempt {
        /// Which attempt of its call, the first being 1.
        number: u32,
    },
    /// An attempt ran out of time and was dropped.
    AttemptTimedOut,
    /// A retry was not made because the budget was used up.
    BudgetExhausted,
    /// A call was refused by the bulkhead.
    BulkheadRejected,
    /// A call, or its retry, was refused by the breaker. At most once per call.
    BreakerRejected,
    /// The breaker would have refused an attempt but only measures.
    BreakerWouldReject,
    /// The breaker changed its state.
    BreakerMoved(Transition),
    /// A call ended. Once per call, however it ends.
    Finished {
        /// How.
        ending: Ending,
        /// Time it took, all its attempts together.
        elapsed: Duration,
    },
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With an answer.
    Answered,
    /// Without one, refusals included.
    Failed,
    /// The caller stopped waiting.
    Abandoned,
}

/// Takes note of events. It is called on the path of every call: it must not block.
pub trait Observer: Send + Sync {
    /// Takes note of `event`.
    fn observe(&self, event: Event);
}
