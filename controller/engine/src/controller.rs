//! Runs the engine on kube-runtime: one reconcile per platform at a time, requeued and backed off.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::BoxStream;
use kube::runtime::controller::{Action as Next, Config};
use kube::runtime::reflector::store;
use kube::runtime::{Controller, WatchStreamExt, reflector};
use schema::names::PlatformName;

use crate::backoff::Backoff;
use crate::board::{Board, PlatformObject};
use crate::ports::{Alarms, Compute, Documents, PortError, Remedy};
use crate::reconcile::{Context, Pace, ReconcileError, reconcile};
use crate::specs::{SpecEntry, SpecWatcher};
use crate::state_store::{StateError, StateStore};
use crate::tally::Tally;
use crate::term;

/// Reconciles under way at once.
const CONCURRENT_RECONCILES: u16 = 8;

/// What the engine runs on, and where it shows what it does.
#[derive(Debug, Clone)]
pub struct World {
    /// Services and tasks.
    pub compute: Arc<dyn Compute>,
    /// Alarms and metrics.
    pub alarms: Arc<dyn Alarms>,
    /// Specs, settings and state.
    pub documents: Arc<dyn Documents>,
    /// What is shown.
    pub board: Arc<Board>,
    /// What is counted.
    pub tally: Arc<Tally>,
}

/// Reasons to look sooner than the resync would. None of them is needed: what they miss, the resync
/// finds.
pub struct Hints {
    /// The spec files may have changed.
    pub specs: BoxStream<'static, ()>,
    /// Any platform may have changed.
    pub platforms: BoxStream<'static, ()>,
}

impl std::fmt::Debug for Hints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hints").finish_non_exhaustive()
    }
}

/// The engine could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No new term could be begun.
    #[error("cannot begin a term")]
    Term(#[source] PortError),
    /// What is remembered could not be read.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Runs the engine until `shutdown` resolves; reconciles under way are finished.
///
/// # Errors
/// When it cannot start. Once it runs, failures are retried, never returned.
pub async fn run(
    world: World,
    pace: Pace,
    hints: Hints,
    shutdown: impl Future<Output = ()> + Send + Sync + 'static,
) -> Result<(), StartError> {
    let epoch = term::begin(world.documents.as_ref())
        .await
        .map_err(StartError::Term)?;
    world.tally.begin(epoch);
    tracing::info!(epoch, "The controller has begun its term.");
    let states = StateStore::new(Arc::clone(&world.documents));
    let sources = remembered(&states, &world.board).await?;
    let watcher = SpecWatcher::new(Arc::clone(&world.documents), sources, pace.resync);
    let (reader, writer) = store::<SpecEntry>();
    let trigger = reflector(writer, watcher.events(hints.specs)).touched_objects();
    let context = Arc::new(Context {
        compute: world.compute,
        alarms: world.alarms,
        documents: world.documents,
        states,
        board: world.board,
        backoff: Backoff::default(),
        tally: world.tally,
        epoch,
        pace,
    });
    Controller::for_stream(trigger, reader)
        .with_config(Config::default().concurrency(CONCURRENT_RECONCILES))
        .reconcile_all_on(hints.platforms)
        .graceful_shutdown_on(shutdown)
        .run(reconcile, error_policy, context)
        .for_each(|_| std::future::ready(()))
        .await;
    Ok(())
}

/// Shows what was saved before, so that status is there before the first reconcile, and returns
/// which file each platform came from.
async fn remembered(
    states: &StateStore,
    board: &Board,
) -> Result<BTreeMap<PlatformName, String>, StateError> {
    let known = states
        .load_all()
        .await?
        .into_iter()
        .filter(|state| state.removed_at.is_none());
    let known: Vec<_> = known.collect();
    for state in &known {
        board.show(&state.platform, PlatformObject::saved(state));
    }
    Ok(known
        .into_iter()
        .map(|state| (state.platform, state.source))
        .collect())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "kube-runtime hands both over"
)]
fn error_policy(entry: Arc<SpecEntry>, error: &ReconcileError, context: Arc<Context>) -> Next {
    let delay = context.backoff.fail(&entry.platform, rand::random());
    let platform = &entry.platform;
    let cause: &dyn std::error::Error = error;
    match error.remedy() {
        Remedy::Retry => {
            tracing::warn!(%platform, ?delay, cause, "Reconciling failed and is tried again.");
            Next::requeue(delay)
        }
        Remedy::WaitForUser => {
            tracing::error!(%platform, ?delay, cause, "Reconciling needs a person.");
            Next::requeue(delay.max(context.pace.resync))
        }
    }
}
