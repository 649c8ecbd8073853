//! The tasks that a front spreads requests over.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// A request that has chosen its task counts itself in within this time.
const CHOICE_TIME: Duration = Duration::from_millis(20);
/// How often a settling task is looked at.
const SETTLE_INTERVAL: Duration = Duration::from_millis(10);
/// A task is told to drain after this even with requests under way: it finishes them itself.
const SETTLE_TIME: Duration = Duration::from_secs(1);

/// A task that takes requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) id: String,
    pub(crate) address: SocketAddr,
}

/// A task in a front.
#[derive(Debug)]
pub(crate) struct Backend {
    target: Target,
    /// Tells its connections from those of any other task, whatever address that had.
    number: u64,
    in_flight: AtomicUsize,
}

impl Backend {
    pub(crate) fn id(&self) -> &str {
        &self.target.id
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.target.address
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Waits until no request of this front is under way at a task that was taken out: from then on
    /// its connections are idle and closing them hurts nobody. Bounded.
    pub(crate) async fn settle(&self) {
        sleep(CHOICE_TIME).await;
        let idle = async {
            while self.in_flight.load(Ordering::SeqCst) > 0 {
                sleep(SETTLE_INTERVAL).await;
            }
        };
        // Long requests go on while the task drains.
        drop(timeout(SETTLE_TIME, idle).await);
    }
}

/// A request under way at a task.
#[derive(Debug)]
pub(crate) struct Lease(Arc<Backend>);

impl Lease {
    fn new(backend: Arc<Backend>) -> Self {
        backend.in_flight.fetch_add(1, Ordering::SeqCst);
        Self(backend)
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The tasks of one service that take requests now.
#[derive(Debug)]
pub(crate) struct Backends {
    list: watch::Sender<Vec<Arc<Backend>>>,
    turn: AtomicUsize,
    numbered: AtomicU64,
}

impl Default for Backends {
    fn default() -> Self {
        Self {
            list: watch::Sender::new(Vec::new()),
            turn: AtomicUsize::new(0),
            numbered: AtomicU64::new(1),
        }
    }
}

impl Backends {
    /// Makes these the tasks. Those that stay keep their count of requests.
    pub(crate) fn set(&self, targets: impl Iterator<Item = Target>) {
        let targets: Vec<Target> = targets.collect();
        self.list.send_if_modified(|list| {
            let same = list.iter().map(|it| &it.target).eq(targets.iter());
            if !same {
                *list = targets.into_iter().map(|it| self.keep(list, it)).collect();
            }
            !same
        });
    }

    /// Takes a task out, and returns it where it was in.
    pub(crate) fn remove(&self, id: &str) -> Option<Arc<Backend>> {
        let mut removed = None;
        self.list.send_if_modified(|list| {
            let at = list.iter().position(|it| it.id() == id);
            removed = at.map(|at| list.remove(at));
            removed.is_some()
        });
        removed
    }

    /// How many tasks there are.
    pub(crate) fn count(&self) -> usize {
        self.list.borrow().len()
    }

    /// A task for a request, other than those that failed it; waits up to `patience` for one.
    pub(crate) async fn pick(&self, failed: &[u64], patience: Duration) -> Option<Lease> {
        let mut changes = self.list.subscribe();
        let found = async {
            loop {
                let picked = self.pick_now(&changes.borrow_and_update(), failed);
                if picked.is_some() || changes.changed().await.is_err() {
                    return picked;
                }
            }
        };
        timeout(patience, found).await.ok().flatten()
    }

    /// The task with the fewest requests under way; among equals each has its turn.
    fn pick_now(&self, list: &[Arc<Backend>], failed: &[u64]) -> Option<Lease> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let rotated = (0..list.len()).map(|n| &list[(turn + n) % list.len()]);
        rotated
            .filter(|it| !failed.contains(&it.number))
            .min_by_key(|it| it.in_flight.load(Ordering::Relaxed))
            .map(|it| Lease::new(Arc::clone(it)))
    }

    fn keep(&self, list: &[Arc<Backend>], target: Target) -> Arc<Backend> {
        let kept = list.iter().find(|it| it.target == target);
        kept.map_or_else(
            || {
                Arc::new(Backend {
                    target,
                    number: self.numbered.fetch_add(1, Ordering::Relaxed),
                    in_flight: AtomicUsize::new(0),
                })
            },
            Arc::clone,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(id: &str) -> Target {
        Target {
            id: id.to_owned(),
            address: "127.0.0.1:1".parse().expect("an address"),
        }
    }

    #[tokio::test]
    async fn idle_tasks_take_turns_and_busy_ones_are_spared() {
        let backends = Backends::default();
        backends.set(["a", "b", "c"].map(target).into_iter());
        let mut leases = Vec::new();
        for _ in 0..6 {
            leases.push(backends.pick(&[], Duration::ZERO).await.expect("a task"));
        }
        for id in ["a", "b", "c"] {
            let at = leases
                .iter()
                .filter(|lease| lease.backend().id() == id)
                .count();
            assert_eq!(at, 2, "{id}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_for_a_task_and_gives_up_in_the_end() {
        let backends = Arc::new(Backends::default());
        assert!(backends.pick(&[], Duration::from_secs(1)).await.is_none());

        let late = Arc::clone(&backends);
        tokio::spawn(async move {
            sleep(Duration::from_millis(500)).await;
            late.set(std::iter::once(target("a")));
        });
        assert!(backends.pick(&[], Duration::from_secs(1)).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_was_taken_out_settles_when_its_requests_are_done() {
        let backends = Backends::default();
        backends.set(std::iter::once(target("a")));
        let lease = backends.pick(&[], Duration::ZERO).await.expect("a task");
        let backend = backends.remove("a").expect("was in");
        assert!(backends.pick(&[], Duration::ZERO).await.is_none());

        let settled = backend.settle();
        let finish = async {
            sleep(Duration::from_millis(100)).await;
            drop(lease);
        };
        tokio::join!(settled, finish);
        assert_eq!(backend.in_flight.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn tasks_that_failed_a_request_are_not_tried_again() {
        let backends = Backends::default();
        backends.set(["a", "b"].map(target).into_iter());
        let first = backends.pick(&[], Duration::ZERO).await.expect("a task");
        let failed = [first.backend().number()];
        let second = backends
            .pick(&failed, Duration::ZERO)
            .await
            .expect("another");
        assert_ne!(first.backend().id(), second.backend().id());
    }
}
