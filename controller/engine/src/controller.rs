//! Runs the engine on kube-runtime: one reconcile per platform at a time, requeued and backed off.

use std::future::Future;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::Timestamp;
use kube::runtime::controller::{Action as Next, Config};
use kube::runtime::reflector::store;
use kube::runtime::{Controller, WatchStreamExt, reflector};
use schema::platform::DeletionPolicy;

use crate::backoff::Backoff;
use crate::board::{Board, PlatformObject};
use crate::conditions;
use crate::convergence::Convergence;
use crate::observe::observe_settings;
use crate::ports::{Alarms, Compute, Documents, PortError, Remedy};
use crate::reconcile::{Context, Pace, ReconcileError, reconcile};
use crate::specs::{Remembered, SpecEntry, SpecWatcher};
use crate::state::PlatformState;
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
    let documents = world.documents.as_ref();
    let states = StateStore::new(Arc::clone(&world.documents));
    let remembered = remembered(&states, &world.board).await?;
    let highest_seen = highest_epoch(documents, &remembered)
        .await
        .map_err(StartError::Term)?;
    let epoch = term::begin(documents, highest_seen)
        .await
        .map_err(StartError::Term)?;
    world.tally.begin(epoch);
    tracing::info!(epoch, "The controller has begun its term.");
    let watcher = SpecWatcher::new(Arc::clone(&world.documents), remembered, pace);
    let (reader, writer) = store::<SpecEntry>();
    let trigger = reflector(writer, watcher.events(hints.specs)).touched_objects();
    let context = Arc::new(Context {
        compute: world.compute,
        alarms: world.alarms,
        documents: world.documents,
        states,
        board: world.board,
        backoff: Backoff::default(),
        convergence: Convergence::default(),
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
/// what the watcher must know of it.
async fn remembered(states: &StateStore, board: &Board) -> Result<Remembered, StateError> {
    let mut remembered = Remembered::default();
    for loaded in states.load_all().await? {
        let state = match loaded {
            Ok(state) => state,
            // Its reconcile meets the same error and shows it; the other platforms are unharmed.
            Err(error) => {
                let cause = &error as &dyn std::error::Error;
                tracing::error!(cause, "A platform's state cannot be read.");
                continue;
            }
        };
        let (platform, source) = (state.platform.clone(), state.source.clone());
        if state.removed_at.is_none() {
            board.show(&state.platform, before_the_first_look(&state));
            remembered.sources.insert(platform, source);
        } else if state.deletion_policy() == DeletionPolicy::Delete {
            remembered.unfinished.insert(platform, source);
        }
    }
    Ok(remembered)
}

/// What is shown of a platform until it was looked at: what was saved, less what may not be so any
/// more.
fn before_the_first_look(state: &PlatformState) -> PlatformObject {
    let mut shown = PlatformObject::saved(state);
    shown.status.conditions =
        conditions::starting(&state.status.conditions, state.generation, Timestamp::now());
    for service in &mut shown.status.services {
        service.running = 0;
        service.tasks.clear();
    }
    shown
}

/// The highest epoch in the settings of the platforms known from before; 0 without any.
async fn highest_epoch(
    documents: &dyn Documents,
    remembered: &Remembered,
) -> Result<u64, PortError> {
    let mut highest = 0;
    for platform in remembered.sources.keys() {
        for found in observe_settings(documents, platform).await?.into_values() {
            highest = highest.max(found.document.map_or(0, |document| document.epoch));
        }
    }
    Ok(highest)
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
