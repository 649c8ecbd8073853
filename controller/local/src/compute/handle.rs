//! A supervisor as others see it: what it can be asked, and what is observed of its service.

use engine::ports::{ObservedService, PortError, TaskTemplate};
use schema::platform::Scaling;
use tokio::sync::{mpsc, oneshot, watch};

/// An ask, and where to say that it was taken.
pub(super) type Letter = (Ask, oneshot::Sender<()>);

/// What a supervisor is asked.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Become this; a count only where one is wanted.
    Update {
        template: TaskTemplate,
        count: Option<u32>,
        scaling: Option<Scaling>,
    },
    /// Run this template.
    Deploy(TaskTemplate),
    /// Have so many tasks, scaled by this.
    Scale {
        count: u32,
        scaling: Option<Scaling>,
    },
    /// Drain all tasks and go for good.
    Remove,
    /// Drain all tasks; what is wanted is kept for the next start of the home.
    Stop,
}

/// A supervisor as others see it.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    pub(super) asks: mpsc::Sender<Letter>,
    pub(super) observed: watch::Receiver<ObservedService>,
}

impl Handle {
    /// Asks, and waits until what is observed shows it (not until it is done).
    pub(crate) async fn ask(&self, ask: Ask) -> Result<(), PortError> {
        let (taken, answer) = oneshot::channel();
        let gone = || PortError::unavailable("change the service", "it is going away");
        self.asks.send((ask, taken)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }

    pub(crate) fn observed(&self) -> ObservedService {
        self.observed.borrow().clone()
    }

    /// Whether its service is gone.
    pub(crate) fn is_finished(&self) -> bool {
        self.asks.is_closed()
    }

    /// Waits until all tasks have ended.
    pub(crate) async fn finished(&self) {
        self.asks.closed().await;
    }
}
