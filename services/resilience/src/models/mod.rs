//! Threads that race, in the orders that shuttle chooses: what holds whichever of them is first.
//!
//! A model that fails prints its schedule; `shuttle::replay` runs that one again.

mod breaker;
mod budget;
mod bulkhead;
mod permits;
mod reconfigure;

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use shuttle::future::block_on;

use crate::{
    Backoff, CallError, Classified, Counters, Deadline, FailureClass, Policy, PolicyConfig,
};

/// Orders that are tried of a model with too many for all of them, by each way to choose them.
const ORDERS: usize = 1_000;
/// Places at which a thread that ran undisturbed is overtaken for long, in the orders that are chosen so.
const OVERTAKINGS: usize = 3;
/// Longer than any model takes, whose clock stands still.
const NEVER: Duration = Duration::from_secs(600);

/// Runs `model` in every order of its threads.
pub(crate) fn in_every_order(model: impl Fn() + Send + Sync + 'static) {
    shuttle::check_dfs(model, None);
}

/// Runs `model`, which makes calls, in many orders of its threads: such that all go on by turns, and such that one
/// overtakes another by much, which turns hardly ever come to. Time stands still in it.
fn in_many_orders(model: impl Fn() + Send + Sync + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let _its_clock = runtime.enter();
    let model = Arc::new(model);
    let again = Arc::clone(&model);
    shuttle::check_random(move || model(), ORDERS);
    shuttle::check_pct(move || again(), ORDERS, OVERTAKINGS);
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it failed")]
struct Broken(FailureClass);

impl Classified for Broken {
    fn class(&self) -> FailureClass {
        self.0
    }
}

const DOWN: Broken = Broken(FailureClass::Transient);

/// One attempt a call, and a breaker that opens for good at the first failure, tests included.
fn config() -> PolicyConfig {
    let mut config = PolicyConfig::new("old");
    config.retry.max_attempts = 1;
    config.retry.backoff = Backoff {
        initial: Duration::ZERO,
        max: Duration::ZERO,
        multiplier: 1,
    };
    config.breaker.consecutive_failures = 1;
    config.breaker.permitted_number_of_calls_in_half_open_state = 1;
    config.breaker.wait_duration_in_open_state = NEVER;
    config.breaker.max_wait_duration_in_open_state = NEVER;
    config
}

fn observed(config: PolicyConfig) -> (Policy, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    (Policy::observed(config, 7, counters.clone()), counters)
}

/// A call whose attempts all fail.
fn fail(policy: &Policy) -> CallError<Broken> {
    let failing = policy.call(Deadline::NONE, |_| async { Err::<(), _>(DOWN) });
    block_on(failing).unwrap_err()
}

/// Polls `call` once and drops it.
fn hang_up(call: impl Future) {
    block_on(async {
        let mut call = pin!(call);
        std::future::poll_fn(|context| {
            assert!(call.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
    });
}
