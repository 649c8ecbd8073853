//! Faults: calls broken on purpose.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::api::{Api, Service};

/// Which calls go wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    service: Service,
    operation: Option<String>,
    times: Option<u64>,
    kind: Kind,
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Throttle,
    ServerError(u16),
    Reset,
    Hang,
    Slow(Duration),
    Conflict,
    LoseAnswer,
}

impl Fault {
    /// Calls are refused as too many, each service in its own words. The call takes no effect.
    #[must_use]
    pub const fn throttle(service: Service) -> Self {
        Self::new(service, Kind::Throttle)
    }

    /// Calls fail with a status of 500. The call takes no effect.
    #[must_use]
    pub const fn server_error(service: Service) -> Self {
        Self::new(service, Kind::ServerError(500))
    }

    /// Calls fail with a status of 503. The call takes no effect.
    #[must_use]
    pub const fn unavailable(service: Service) -> Self {
        Self::new(service, Kind::ServerError(503))
    }

    /// The connection is closed without an answer. The call takes no effect.
    #[must_use]
    pub const fn reset(service: Service) -> Self {
        Self::new(service, Kind::Reset)
    }

    /// No answer comes until the guard is dropped; then the call is served, if its client still
    /// waits for it. The call of a client that gave up takes no effect.
    #[must_use]
    pub const fn hang(service: Service) -> Self {
        Self::new(service, Kind::Hang)
    }

    /// The answer's body takes this long to arrive, in small pieces; an empty one delays the head.
    #[must_use]
    pub const fn slow(service: Service, body: Duration) -> Self {
        Self::new(service, Kind::Slow(body))
    }

    /// S3 refuses to write because another write to the same key is under way: 409,
    /// `ConditionalRequestConflict`. Meets `PutObject` only.
    #[must_use]
    pub fn conflict() -> Self {
        Self::new(Service::S3, Kind::Conflict).on("PutObject")
    }

    /// The call takes effect, and the connection is closed before its client hears of it.
    #[must_use]
    pub const fn lose_answer(service: Service) -> Self {
        Self::new(service, Kind::LoseAnswer)
    }

    /// Only for this operation; for all of the service otherwise.
    #[must_use]
    pub fn on(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Only for so many calls; for as long as the guard lives otherwise.
    #[must_use]
    pub const fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    const fn new(service: Service, kind: Kind) -> Self {
        Self {
            service,
            operation: None,
            times: None,
            kind,
        }
    }

    fn meets(&self, api: &Api) -> bool {
        let operation = self.operation.as_ref();
        self.service == api.service && operation.is_none_or(|it| *it == api.operation)
    }
}

/// Keeps a fault in force; it ends when this is dropped.
#[must_use = "the fault ends when its guard is dropped"]
pub struct FaultGuard {
    id: u64,
    faults: Arc<Faults>,
    hits: watch::Receiver<u64>,
    /// Calls that hang wait for its end.
    _in_force: watch::Sender<()>,
}

impl FaultGuard {
    /// Calls that the fault has met so far.
    #[must_use]
    pub fn hits(&self) -> u64 {
        *self.hits.borrow()
    }

    /// Waits until the fault has met so many calls, for ever if it may not. The bound is the test's.
    pub async fn hit(&self, times: u64) {
        let mut hits = self.hits.clone();
        // The other end lives as long as the guard.
        drop(hits.wait_for(|hits| *hits >= times).await);
    }
}

impl Drop for FaultGuard {
    fn drop(&mut self) {
        let id = self.id;
        self.faults.armed().retain(|armed| armed.id != id);
    }
}

impl fmt::Debug for FaultGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hits = self.hits();
        f.debug_struct("FaultGuard").field("hits", &hits).finish()
    }
}

/// The faults in force. A call meets the oldest one that fits it.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    armed: Mutex<Vec<Armed>>,
    next: AtomicU64,
}

#[derive(Debug)]
struct Armed {
    id: u64,
    fault: Fault,
    hits: watch::Sender<u64>,
    in_force: watch::Receiver<()>,
}

/// A fault that a call has met.
#[derive(Debug)]
pub(crate) struct Strike {
    pub(crate) kind: Kind,
    in_force: watch::Receiver<()>,
}

impl Faults {
    pub(crate) fn inject(self: &Arc<Self>, fault: Fault) -> FaultGuard {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (hits, seen) = watch::channel(0);
        let (sender, in_force) = watch::channel(());
        self.armed().push(Armed {
            id,
            fault,
            hits,
            in_force,
        });
        FaultGuard {
            id,
            faults: Arc::clone(self),
            hits: seen,
            _in_force: sender,
        }
    }

    pub(crate) fn strike(&self, api: &Api) -> Option<Strike> {
        let armed = self.armed();
        armed.iter().find_map(|armed| armed.strike(api))
    }

    fn armed(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Armed {
    fn strike(&self, api: &Api) -> Option<Strike> {
        let spent = self.fault.times.is_some_and(|it| it <= *self.hits.borrow());
        if spent || !self.fault.meets(api) {
            return None;
        }
        self.hits.send_modify(|hits| *hits += 1);
        Some(Strike {
            kind: self.fault.kind,
            in_force: self.in_force.clone(),
        })
    }
}

impl Strike {
    /// Waits until the guard of the fault is dropped.
    pub(crate) async fn end(&mut self) {
        while self.in_force.changed().await.is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update() -> Api {
        Api::new(Service::Ecs, "UpdateService")
    }

    #[test]
    fn a_fault_meets_its_operation_so_often_and_no_more() {
        let faults = Arc::new(Faults::default());
        let fault = Fault::throttle(Service::Ecs).on("UpdateService").times(2);
        let guard = faults.inject(fault);
        assert!(
            faults
                .strike(&Api::new(Service::Ecs, "ListServices"))
                .is_none()
        );
        let struck = [0, 1, 2].map(|_| faults.strike(&update()).is_some());
        assert_eq!(struck, [true, true, false]);
        assert_eq!(guard.hits(), 2);
    }

    #[test]
    fn the_oldest_fault_that_fits_is_met_first() {
        let faults = Arc::new(Faults::default());
        let first = faults.inject(Fault::reset(Service::Ecs).times(1));
        let _second = faults.inject(Fault::throttle(Service::Ecs));
        let kinds = [0, 1].map(|_| faults.strike(&update()).map(|strike| strike.kind));
        assert_eq!(kinds, [Some(Kind::Reset), Some(Kind::Throttle)]);
        drop(first);
    }

    #[test]
    fn a_fault_ends_with_its_guard() {
        let faults = Arc::new(Faults::default());
        drop(faults.inject(Fault::throttle(Service::Ecs)));
        assert!(faults.strike(&update()).is_none());
    }
}
