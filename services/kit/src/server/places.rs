//! The places there are for connections, and who gives up his own when all are taken.
//!
//! Idle connections must not shut others out: a new one gets the place of the one that has been quiet longest. Only
//! while every connection has a request under way does a new one wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{AcquireError, Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often the log tells that all places are taken: in a flood it is so for every new connection.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// The places of one port.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    queue: Mutex<Queue>,
    somebody_is_quiet: Notify,
}

/// The quiet connections, by when they became so; and what was told of those let go.
#[derive(Debug, Default)]
struct Queue {
    quiet: BTreeMap<u64, CancellationToken>,
    next_turn: u64,
    let_go: u64,
    told_at: Option<Instant>,
}

/// One connection's place, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    /// Its turn among the quiet ones; none while it is held.
    turn: Option<u64>,
    let_go: CancellationToken,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// `count` places, all free.
    pub(super) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS))),
            queue: Mutex::default(),
            somebody_is_quiet: Notify::new(),
        })
    }

    /// A place for a new connection, quiet so far: a free one, or that of whoever has been quiet longest, or the
    /// first that can be had. For one caller at a time.
    ///
    /// # Errors
    /// Never: places are not closed.
    pub(super) async fn take(self: &Arc<Self>) -> Result<Place, AcquireError> {
        loop {
            let free = Arc::clone(&self.free).acquire_owned();
            if self.free.available_permits() > 0 || self.let_go_of_the_quietest() {
                return Ok(Place::new(Arc::clone(self), free.await?));
            }
            tokio::select! {
                permit = free => return Ok(Place::new(Arc::clone(self), permit?)),
                () = self.somebody_is_quiet.notified() => {}
            }
        }
    }

    /// Has the connection closed that has been quiet longest; false when none is quiet.
    fn let_go_of_the_quietest(&self) -> bool {
        let mut queue = self.queue();
        let Some((_, quietest)) = queue.quiet.pop_first() else {
            return false;
        };
        quietest.cancel();
        queue.let_go += 1;
        if queue.told_at.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
            queue.told_at = Some(Instant::now());
            let so_far = queue.let_go;
            tracing::warn!(
                so_far,
                "no place is left: quiet connections are closed for new ones"
            );
        }
        true
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn new(places: Arc<Places>, permit: OwnedSemaphorePermit) -> Self {
        let mut place = Self {
            places,
            turn: None,
            let_go: CancellationToken::new(),
            _permit: permit,
        };
        place.offer();
        place
    }

    /// Offers the place to whoever needs one, after all that were offered before.
    pub(super) fn offer(&mut self) {
        let mut queue = self.places.queue();
        if let Some(turn) = self.turn.take() {
            // Not among them any more: it was let go, and is not offered again.
            if queue.quiet.remove(&turn).is_none() {
                return;
            }
        }
        let turn = queue.next_turn;
        queue.next_turn += 1;
        queue.quiet.insert(turn, self.let_go.clone());
        drop(queue);
        self.turn = Some(turn);
        self.places.somebody_is_quiet.notify_one();
    }

    /// Offers the place no more.
    pub(super) fn hold(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.places.queue().quiet.remove(&turn);
        }
    }

    /// Whether the place is somebody else's now.
    pub(super) fn is_let_go(&self) -> bool {
        self.let_go.is_cancelled()
    }

    /// Says when the place is somebody else's.
    pub(super) fn let_go(&self) -> CancellationToken {
        self.let_go.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hold();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    async fn taken(places: &Arc<Places>) -> Place {
        places.take().await.unwrap()
    }

    #[tokio::test]
    async fn a_free_place_is_taken_from_nobody() {
        let places = Places::new(2);
        let (first, second) = (taken(&places).await, taken(&places).await);
        assert!(!first.is_let_go() && !second.is_let_go());
    }

    #[tokio::test]
    async fn the_one_that_has_been_quiet_longest_gives_up_its_place() {
        let places = Places::new(3);
        let mut busy = taken(&places).await;
        let mut spoke = taken(&places).await;
        let quiet = taken(&places).await;
        busy.hold();
        spoke.offer();
        let newcomer = places.take();
        tokio::pin!(newcomer);
        assert!(newcomer.as_mut().now_or_never().is_none());
        assert!(quiet.is_let_go() && !busy.is_let_go() && !spoke.is_let_go());
        drop(quiet);
        assert!(!newcomer.await.unwrap().is_let_go());
    }

    #[tokio::test]
    async fn while_nobody_is_quiet_a_newcomer_waits_for_the_first_who_is() {
        let places = Places::new(2);
        let (mut first, mut second) = (taken(&places).await, taken(&places).await);
        first.hold();
        second.hold();
        let newcomer = places.take();
        tokio::pin!(newcomer);
        assert!(newcomer.as_mut().now_or_never().is_none());
        second.offer();
        assert!(newcomer.as_mut().now_or_never().is_none());
        assert!(second.is_let_go() && !first.is_let_go());
        drop(second);
        newcomer.await.unwrap();
    }

    #[tokio::test]
    async fn a_place_that_was_let_go_is_not_had_back() {
        let places = Places::new(1);
        let mut first = taken(&places).await;
        assert!(places.take().now_or_never().is_none());
        first.hold();
        first.offer();
        assert!(first.is_let_go());
        drop(first);
        assert!(!taken(&places).await.is_let_go());
    }
}
