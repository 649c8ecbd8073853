//! What a connection does: whether a request is under way, and since when none is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Patience;

/// What one connection does.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    under_way: usize,
    has_served: bool,
    /// Since when no request is under way.
    quiet_since: Instant,
}

/// A request under way.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Activity>);

impl Activity {
    /// A connection that was just accepted.
    pub(super) fn new() -> Self {
        Self(Mutex::new(State {
            under_way: 0,
            has_served: false,
            quiet_since: Instant::now(),
        }))
    }

    /// A request begins; it is over when what is returned is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        let mut state = self.state();
        state.under_way += 1;
        state.has_served = true;
        drop(state);
        UnderWay(Arc::clone(self))
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

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.under_way -= 1;
        state.quiet_since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        first_request: Duration::from_secs(10),
        between_requests: Duration::from_secs(60),
    };

    async fn quiet_after(activity: &Activity) -> Duration {
        let since = Instant::now();
        activity.goes_quiet(PATIENCE).await;
        since.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_asked_for_something_may_be_quiet_for_longer() {
        let activity = Arc::new(Activity::new());
        assert_eq!(quiet_after(&activity).await, PATIENCE.first_request);
        drop(activity.begin());
        assert_eq!(quiet_after(&activity).await, PATIENCE.between_requests);
    }

    #[tokio::test(start_paused = true)]
    async fn while_a_request_is_under_way_nothing_is_quiet() {
        let activity = Arc::new(Activity::new());
        let under_way = activity.begin();
        let ends = async {
            tokio::time::sleep(Duration::from_mins(10)).await;
            drop(under_way);
        };
        let (took, ()) = tokio::join!(quiet_after(&activity), ends);
        assert!(took >= Duration::from_mins(10) + PATIENCE.between_requests);
        assert!(took <= Duration::from_mins(10) + 2 * PATIENCE.between_requests);
    }
}
