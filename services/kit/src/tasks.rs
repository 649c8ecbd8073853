//! Work that outlives a request: tracked, told to stop, and waited for.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{panics, trace};

/// Tasks that a stop waits for, within the drain deadline.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
}

impl Tasks {
    /// Work that a stop lets finish, and whoever waits for it need not: see [`Outliving`]. It belongs to the current
    /// trace. Bounding how much there is at once is the caller's.
    pub fn outliving<F>(&self, work: F) -> Outliving<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        // Boxed before it is wrapped: each wrapper would move all of it.
        let work = trace::carry(Box::pin(work));
        let work = AssertUnwindSafe(work).catch_unwind();
        let work = work.map(|done| done.map_err(tell_of_panic).ok());
        Outliving(Some(Box::pin(self.tracker.track_future(work))))
    }

    /// Starts a loop that a stop ends at its next await.
    pub fn spawn_until_stopped<F>(&self, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stopping = self.stopping.clone();
        self.tracker.spawn(async move {
            stopping.run_until_cancelled(work).await;
        });
    }

    /// Resolves when the service is stopping.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// Ends the loops and waits for the rest.
    pub async fn stop(&self) {
        self.stopping.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// Work that is done while somebody waits for it, and goes on in a task of its own when they stop waiting: when this is
/// dropped. To begin with a task costs a thread's waking for each request, and hardly any client hangs up.
///
/// It comes to nothing where the work panicked, which is logged.
#[must_use = "it begins when it is waited for, or dropped"]
pub struct Outliving<T: Send + 'static>(Option<Pin<Box<dyn Future<Output = Option<T>> + Send>>>);

impl<T: Send> Future for Outliving<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(work) = &mut self.0 else {
            return Poll::Pending;
        };
        let poll = work.as_mut().poll(context);
        if poll.is_ready() {
            self.0 = None;
        }
        poll
    }
}

impl<T: Send> Drop for Outliving<T> {
    fn drop(&mut self) {
        // Without a runtime, which then is shutting down, nothing can go on.
        if let Some(work) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(work);
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as an error is mapped")]
fn tell_of_panic(panic: Box<dyn Any + Send>) {
    tracing::error!(panic = panics::text(panic.as_ref()), "work panicked");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_when_nobody_waits_any_more_and_a_stop_waits_for_it() {
        let tasks = Tasks::default();
        let (go_on, may_go_on) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        let mut work = tasks.outliving(async move {
            may_go_on.await.unwrap();
            tell.send("done").unwrap();
        });
        timeout(Duration::ZERO, &mut work).await.unwrap_err();
        drop(work);
        let stopping = tasks.stop();
        let mut stopping = std::pin::pin!(stopping);
        timeout(Duration::ZERO, &mut stopping).await.unwrap_err();
        go_on.send(()).unwrap();
        stopping.await;
        assert_eq!(told.await, Ok("done"));
    }

    #[tokio::test]
    async fn work_that_nobody_ever_waited_for_is_done_all_the_same() {
        let (tell, told) = oneshot::channel();
        drop(Tasks::default().outliving(async { tell.send("done").unwrap() }));
        assert_eq!(told.await, Ok("done"));
    }

    #[tokio::test]
    async fn who_waits_is_told_what_it_came_to_and_it_is_done_once() {
        let tasks = Tasks::default();
        assert_eq!(tasks.outliving(async { 712 }).await, Some(712));
        tasks.stop().await;
    }

    #[tokio::test]
    async fn what_panicked_comes_to_nothing_and_holds_no_stop_up() {
        let tasks = Tasks::default();
        let work = tasks.outliving(async { panic!("as it is to") });
        let done: Option<()> = work.await;
        assert_eq!(done, None);
        tasks.stop().await;
    }
}
