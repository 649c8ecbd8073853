use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use shuttle::future::block_on;
use shuttle::sync::atomic::AtomicU32;
use shuttle::thread::scope;

use super::{Broken, NEVER, config, fail, hang_up, in_many_orders};
use crate::{BreakerState, Deadline, FailureClass, Policy, PolicyConfig};

const PERMITTED: u32 = 2;

/// How an attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Answer,
    SaysNothing,
    CallerHangsUp,
}

/// An attempt under way, of which there may be [`PERMITTED`].
struct UnderWay<'a>(&'a AtomicU32);

impl<'a> UnderWay<'a> {
    fn begin(count: &'a AtomicU32) -> Self {
        assert!(count.fetch_add(1, Relaxed) < PERMITTED, "too many let in");
        Self(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

fn testing() -> PolicyConfig {
    let mut config = config();
    config.breaker.permitted_number_of_calls_in_half_open_state = PERMITTED;
    config.breaker.wait_duration_in_open_state = Duration::ZERO;
    config.breaker.max_wait_duration_in_half_open_state = NEVER;
    config
}

/// Makes a call that ends as told, and says whether it was let through.
fn call(policy: &Policy, ending: Ending, under_way: &AtomicU32) -> bool {
    let sent = AtomicU32::new(0);
    let call = policy.call(Deadline::NONE, |_| {
        sent.fetch_add(1, Relaxed);
        async {
            let _one = UnderWay::begin(under_way);
            match ending {
                Ending::Answer => Ok(()),
                Ending::SaysNothing => Err(Broken(FailureClass::Ignored)),
                Ending::CallerHangsUp => std::future::pending().await,
            }
        }
    });
    if ending == Ending::CallerHangsUp {
        hang_up(async {
            // A refusal is an answer; then there is nothing to hang up on.
            call.await.ok();
            std::future::pending::<()>().await;
        });
    } else {
        block_on(call).ok();
    }
    sent.into_inner() == 1
}

/// Permits that a half-open breaker has left: so many of too many calls wait for an answer.
fn left(policy: &Policy) -> u32 {
    let hanging = || {
        policy.call(Deadline::NONE, |_| {
            std::future::pending::<Result<(), Broken>>()
        })
    };
    let mut calls = [(); PERMITTED as usize + 1].map(|()| Box::pin(hanging()));
    block_on(std::future::poll_fn(|context| {
        let waiting = calls
            .iter_mut()
            .filter_map(|call| call.as_mut().poll(context).is_pending().then_some(1));
        Poll::Ready(waiting.sum())
    }))
}

#[test]
fn half_open_never_has_more_attempts_out_than_permitted_and_gets_each_permit_back_once() {
    use Ending::{Answer, CallerHangsUp, SaysNothing};
    for endings in [
        [SaysNothing, SaysNothing, CallerHangsUp, CallerHangsUp],
        [Answer, SaysNothing, CallerHangsUp, CallerHangsUp],
    ] {
        in_many_orders(move || {
            let policy = Policy::new(testing(), 7);
            fail(&policy);
            let (under_way, answers) = (AtomicU32::new(0), AtomicU32::new(0));
            scope(|threads| {
                for ending in endings {
                    let (policy, under_way, answers) = (&policy, &under_way, &answers);
                    threads.spawn(move || {
                        let answered = call(policy, ending, under_way) && ending == Answer;
                        answers.fetch_add(u32::from(answered), Relaxed);
                    });
                }
                let mut other_pauses = testing();
                other_pauses.breaker.sliding_window *= 2;
                threads.spawn(|| policy.reconfigure(other_pauses));
            });
            assert_eq!(under_way.into_inner(), 0);
            assert_eq!(left(&policy), PERMITTED - answers.into_inner());
            assert_eq!(policy.in_flight(), 0);
            assert_eq!(policy.breaker_state(), BreakerState::HalfOpen);
        });
    }
}

#[test]
fn a_test_that_enough_pass_closes_the_breaker_whoever_settles_last() {
    in_many_orders(|| {
        let policy = Policy::new(testing(), 7);
        fail(&policy);
        let under_way = AtomicU32::new(0);
        scope(|threads| {
            for _ in 0..PERMITTED {
                threads.spawn(|| assert!(call(&policy, Ending::Answer, &under_way)));
            }
        });
        assert_eq!(policy.breaker_state(), BreakerState::Closed);
    });
}
