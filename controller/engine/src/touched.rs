//! Platforms that something was said about: they go before those that are merely due.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use schema::names::PlatformName;
use tokio::sync::Notify;

use crate::ports::Urgency;
use crate::state::PlatformState;

/// Platforms that something was said about since they were last looked at. Bounded by the platforms there
/// are: nothing else may be added.
#[derive(Debug, Default)]
pub struct Touched {
    platforms: Mutex<BTreeSet<PlatformName>>,
    said: Notify,
    closed: AtomicBool,
}

impl Touched {
    /// Something was said about `platform`.
    pub(crate) fn add(&self, platform: &PlatformName) {
        self.lock().insert(platform.clone());
        self.said.notify_waiters();
    }

    /// Whether something was said about `platform` since this was asked last.
    pub(crate) fn take(&self, platform: &PlatformName) -> bool {
        self.lock().remove(platform)
    }

    /// Nobody is to wait any more: the controller is stopping.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.said.notify_waiters();
    }

    /// Waits until something is said about `platform`, or the controller is stopping.
    pub(crate) async fn said_about(&self, platform: &PlatformName) {
        loop {
            let said = self.said.notified();
            if self.closed.load(Ordering::Acquire) || self.lock().contains(platform) {
                return;
            }
            said.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<PlatformName>> {
        self.platforms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// How urgent the next look at a platform is.
pub(crate) fn urgency_of_looking(known: Option<&PlatformState>, touched: bool) -> Urgency {
    let scoring = known.map(|state| &state.scoring);
    match scoring {
        Some(scoring) if scoring.is_taking_back() => Urgency::Rollback,
        Some(scoring) if !scoring.is_moving() && !touched && !is_waiting(known) => Urgency::Resync,
        _ => Urgency::Edit,
    }
}

/// Whether the platform was on its way to what is wanted when it was last looked at.
fn is_waiting(known: Option<&PlatformState>) -> bool {
    known.is_some_and(|state| {
        let mut conditions = state.status.conditions.iter();
        conditions.any(|it| it.type_ == "Reconciling" && it.status == "True")
    })
}

/// How urgent it is to do what a look at a platform led to.
pub(crate) fn urgency_of_doing(
    looked: Urgency,
    before: &PlatformState,
    after: &PlatformState,
) -> Urgency {
    if after.scoring.is_taking_back() {
        Urgency::Rollback
    } else if after.generation != before.generation {
        looked.max(Urgency::Edit)
    } else {
        looked
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn name(text: &str) -> PlatformName {
        text.try_into().unwrap()
    }

    #[test]
    fn who_waits_hears_of_their_own_platform_and_of_the_end() {
        let touched = Touched::default();
        let (dev, prod) = (name("dev"), name("prod"));
        let mut of_dev = Box::pin(touched.said_about(&dev));
        let mut of_prod = Box::pin(touched.said_about(&prod));
        touched.add(&dev);
        assert_eq!((&mut of_dev).now_or_never(), Some(()));
        assert_eq!((&mut of_prod).now_or_never(), None);
        touched.close();
        assert_eq!((&mut of_prod).now_or_never(), Some(()));
    }

    #[test]
    fn what_was_said_is_taken_once() {
        let touched = Touched::default();
        touched.add(&name("dev"));
        assert!(touched.take(&name("dev")));
        assert!(!touched.take(&name("dev")));
    }
}
