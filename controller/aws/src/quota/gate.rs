//! A bucket with a queue before it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::ports::Urgency;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::bucket::Bucket;
use super::family::Limit;

/// Lets calls through at a bucket's rate: the most urgent first, and equals in the order of their coming.
#[derive(Clone, Debug)]
pub(super) struct Gate(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// The order of those who wait has changed.
    moved: Notify,
}

#[derive(Debug)]
struct Queue {
    bucket: Bucket,
    waiting: BTreeSet<Place>,
    next: u64,
}

/// A place in the queue; the least goes first.
type Place = (std::cmp::Reverse<Urgency>, u64);

/// Leave for one call. Dropped without a call, it is for somebody else.
#[derive(Debug)]
pub(crate) struct Token {
    gate: Gate,
    used: bool,
}

impl Token {
    /// The call is made.
    pub(crate) fn spend(mut self) {
        self.used = true;
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if !self.used {
            self.gate.queue().bucket.give_back();
            self.gate.0.moved.notify_waiters();
        }
    }
}

/// Somebody who waits; whoever stops waiting leaves the queue.
struct Waiter<'a> {
    gate: &'a Gate,
    place: Place,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.gate.queue().waiting.remove(&self.place);
        self.gate.0.moved.notify_waiters();
    }
}

impl Gate {
    pub(super) fn new(limit: Limit) -> Self {
        let queue = Queue {
            bucket: Bucket::full(limit, Instant::now()),
            waiting: BTreeSet::new(),
            next: 0,
        };
        Self(Arc::new(Shared {
            queue: Mutex::new(queue),
            moved: Notify::new(),
        }))
    }

    /// Waits for a token.
    pub(super) async fn pass(&self, urgency: Urgency) -> Token {
        let waiter = self.queue_up(urgency);
        loop {
            let moved = self.0.moved.notified();
            match self.try_pass(waiter.place) {
                Ok(()) => break,
                Err(Some(wait)) => {
                    // Either way it is tried again.
                    drop(timeout(wait, moved).await);
                }
                Err(None) => moved.await,
            }
        }
        Token {
            gate: self.clone(),
            used: false,
        }
    }

    pub(super) fn throttled(&self) {
        self.queue().bucket.throttled(Instant::now());
    }

    fn queue_up(&self, urgency: Urgency) -> Waiter<'_> {
        let mut queue = self.queue();
        let place = (std::cmp::Reverse(urgency), queue.next);
        queue.next += 1;
        queue.waiting.insert(place);
        Waiter { gate: self, place }
    }

    /// Takes a token if it is the turn of `place`; else how long there will be none, or nothing where others
    /// go first.
    fn try_pass(&self, place: Place) -> Result<(), Option<Duration>> {
        let mut queue = self.queue();
        if queue.waiting.first() != Some(&place) {
            return Err(None);
        }
        queue.bucket.take(Instant::now(), place.0.0).map_err(Some)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const ONE_A_SECOND: Limit = Limit {
        burst: 1.0,
        per_second: 1.0,
    };

    /// Waits at `gate`, spends the token, and tells its name and the time.
    async fn goes(
        gate: &Gate,
        urgency: Urgency,
        name: &'static str,
        told: &mpsc::Sender<&'static str>,
    ) {
        gate.pass(urgency).await.spend();
        told.send(name).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn invariant_14_a_rollback_goes_before_edits_and_these_before_resyncs() {
        let gate = Gate::new(ONE_A_SECOND);
        gate.pass(Urgency::Resync).await.spend();
        let (told, hear) = mpsc::channel();
        tokio::join!(
            goes(&gate, Urgency::Resync, "resync", &told),
            goes(&gate, Urgency::Edit, "first edit", &told),
            goes(&gate, Urgency::Edit, "second edit", &told),
            goes(&gate, Urgency::Rollback, "rollback", &told),
        );
        let order: Vec<_> = hear.try_iter().collect();
        assert_eq!(order, ["rollback", "first edit", "second edit", "resync"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rollback_finds_what_edits_had_to_leave() {
        let gate = Gate::new(Limit {
            burst: 4.0,
            per_second: 1.0,
        });
        let start = Instant::now();
        gate.pass(Urgency::Edit).await.spend();
        gate.pass(Urgency::Edit).await.spend();
        let edit = gate.pass(Urgency::Edit);
        let rollbacks = async {
            gate.pass(Urgency::Rollback).await.spend();
            gate.pass(Urgency::Rollback).await.spend();
            start.elapsed()
        };
        let (edit, took) = tokio::join!(edit, rollbacks);
        edit.spend();
        assert_eq!(took, Duration::ZERO);
        assert!(start.elapsed() >= Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_pass_at_the_rate_and_no_faster() {
        let gate = Gate::new(ONE_A_SECOND);
        let start = Instant::now();
        for _ in 0..5 {
            gate.pass(Urgency::Edit).await.spend();
        }
        let took = start.elapsed();
        assert!(took >= Duration::from_secs(4), "{took:?}");
        assert!(took < Duration::from_millis(4_100), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_is_not_used_lets_the_next_one_through() {
        let gate = Gate::new(ONE_A_SECOND);
        let start = Instant::now();
        drop(gate.pass(Urgency::Edit).await);
        gate.pass(Urgency::Edit).await.spend();
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn who_stops_waiting_holds_nobody_up() {
        let gate = Gate::new(ONE_A_SECOND);
        gate.pass(Urgency::Resync).await.spend();
        let gives_up = timeout(Duration::from_millis(100), gate.pass(Urgency::Rollback));
        let (gave_up, ()) = tokio::join!(gives_up, async {
            gate.pass(Urgency::Edit).await.spend();
        });
        assert!(gave_up.is_err());
    }
}
