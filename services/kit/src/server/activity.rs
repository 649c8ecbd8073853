//! What a connection does: whether a request is under way, and since when none is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Patience;
use super::places::Place;

/// What one connection does.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    place: Place,
    under_way: usize,
    /// Those under way that have arrived to their end.
    whole: usize,
    has_served: bool,
    /// Since when no request is under way.
    quiet_since: Instant,
}

/// A request under way, until this is dropped.
#[derive(Debug)]
pub(super) struct UnderWay {
    activity: Arc<Activity>,
    is_whole: AtomicBool,
}

impl Activity {
    /// A connection that was just accepted.
    pub(super) fn new(place: Place) -> Self {
        Self(Mutex::new(State {
            place,
            under_way: 0,
            whole: 0,
            has_served: false,
            quiet_since: Instant::now(),
        }))
    }

    /// A request begins: its head is here. None when the connection has lost its place, and is being closed.
    ///
    /// Its body may never come: until it has, the place is offered to others, though after those of all who have
    /// been quiet for longer.
    pub(super) fn begin(self: &Arc<Self>) -> Option<UnderWay> {
        let mut state = self.state();
        if state.place.is_let_go() {
            return None;
        }
        state.under_way += 1;
        state.has_served = true;
        if state.whole == 0 {
            state.place.offer();
        }
        drop(state);
        Some(UnderWay {
            activity: Arc::clone(self),
            is_whole: AtomicBool::new(false),
        })
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.state().under_way > 0
    }

    /// Resolves when the connection has been quiet for longer than `patience` has it.
    pub(super) async fn goes_quiet(&self, patience: Patience) {
        while let Some(left) = self.left(patience) {
            tokio::time::sleep(left).await;
        }
    }

    /// Resolves when the connection's place is somebody else's.
    pub(super) async fn loses_its_place(&self) {
        let let_go = self.state().place.let_go();
        let_go.cancelled().await;
    }

    /// How much longer it may be quiet; nothing once it has been for too long.
    fn left(&self, patience: Patience) -> Option<Duration> {
        let state = self.state();
        let limit = if state.has_served {
            patience.between_requests
        } else {
            patience.first_request
        };
        let quiet = if state.under_way > 0 {
            Duration::ZERO
        } else {
            state.quiet_since.elapsed()
        };
        limit.checked_sub(quiet).filter(|left| !left.is_zero())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    /// The request has arrived to its end: its connection keeps its place until it is answered. False when the place
    /// was lost before, and the request must not be acted on.
    pub(super) fn is_whole(&self) -> bool {
        let mut state = self.activity.state();
        if !self.is_whole.swap(true, Ordering::Relaxed) {
            state.whole += 1;
            state.place.hold();
        }
        !state.place.is_let_go()
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.under_way -= 1;
        state.whole -= usize::from(*self.is_whole.get_mut());
        state.quiet_since = Instant::now();
        if state.whole == 0 {
            state.place.offer();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::places::Places;
    use super::*;

    const PATIENCE: Patience = Patience {
        first_request: Duration::from_secs(10),
        between_requests: Duration::from_secs(60),
    };

    async fn activity(places: &Arc<Places>) -> Arc<Activity> {
        Arc::new(Activity::new(places.take().await.unwrap()))
    }

    async fn quiet_after(activity: &Activity) -> Duration {
        let since = Instant::now();
        activity.goes_quiet(PATIENCE).await;
        since.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_asked_for_something_may_be_quiet_for_longer() {
        let activity = activity(&Places::new(1)).await;
        assert_eq!(quiet_after(&activity).await, PATIENCE.first_request);
        drop(activity.begin());
        assert_eq!(quiet_after(&activity).await, PATIENCE.between_requests);
    }

    #[tokio::test(start_paused = true)]
    async fn while_a_request_is_under_way_nothing_is_quiet() {
        let activity = activity(&Places::new(1)).await;
        let under_way = activity.begin();
        let ends = async {
            tokio::time::sleep(Duration::from_mins(10)).await;
            drop(under_way);
        };
        let (took, ()) = tokio::join!(quiet_after(&activity), ends);
        assert!(took >= Duration::from_mins(10) + PATIENCE.between_requests);
        assert!(took <= Duration::from_mins(10) + 2 * PATIENCE.between_requests);
    }

    /// Whether a newcomer gets the place of `activity`, which has the only one.
    async fn gives_way(places: &Arc<Places>, activity: &Activity) -> bool {
        tokio::select! {
            biased;
            _ = places.take() => false,
            () = activity.loses_its_place() => true,
            () = tokio::time::sleep(PATIENCE.first_request) => false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_holds_its_place_once_it_is_whole_and_until_it_is_answered() {
        let places = Places::new(1);
        let activity = activity(&places).await;
        let under_way = activity.begin().unwrap();
        assert!(under_way.is_whole());
        assert!(!gives_way(&places, &activity).await);
        drop(under_way);
        assert!(gives_way(&places, &activity).await);
        assert!(activity.begin().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_still_arriving_gives_way_and_is_not_acted_on() {
        let places = Places::new(1);
        let activity = activity(&places).await;
        let under_way = activity.begin().unwrap();
        assert!(gives_way(&places, &activity).await);
        assert!(!under_way.is_whole());
    }
}
