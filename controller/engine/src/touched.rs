//! Platforms that something was said about: they go before those that are merely due.

use std::collections::BTreeSet;
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

    /// Waits until something is said about `platform`.
    pub(crate) async fn said_about(&self, platform: &PlatformName) {
        loop {
            let said = self.said.notified();
            if self.lock().contains(platform) {
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
