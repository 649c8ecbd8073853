//! Runs the engine on kube-runtime: one reconcile per platform at a time, requeued and backed off.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use kube::runtime::controller::{Action as Next, Config};
use kube::runtime::reflector::{ObjectRef, Store, store};
use kube::runtime::watcher::Event;
use kube::runtime::{Controller, WatchStreamExt, reflector};
use schema::names::PlatformName;
use schema::platform::{AlarmName, DeletionPolicy};

use crate::backoff::Backoff;
use crate::board::{Board, PlatformObject};
use crate::clock::Clock;
use crate::conditions;
use crate::convergence::Convergence;
use crate::lease::{Fenced, Lease, LeaseTerms, Standby};
use crate::observe::observe_settings;
use crate::opening::Opening;
use crate::ports::{Alarms, Compute, Documents, PortError, Remedy};
use crate::reconcile::{Context, Pace, ReconcileError, reconcile};
use crate::rehearsals::Rehearsals;
use crate::specs::{NAMESPACE, Remembered, SpecEntry, SpecWatcher};
use crate::state::PlatformState;
use crate::state_store::{READS_AT_ONCE, StateError, StateStore};
use crate::tally::Tally;
use crate::touched::{Touched, Word};

/// What the engine runs on, and where it shows what it does.
#[derive(Debug, Clone)]
pub struct World {
    /// Services and tasks.
    pub compute: Arc<dyn Compute>,
    /// Alarms and metrics.
    pub alarms: Arc<dyn Alarms>,
    /// Specs, settings and state.
    pub documents: Arc<dyn Documents>,
    /// The clock of this machine.
    pub clock: Clock,
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
    /// This was said about this platform.
    pub platforms: BoxStream<'static, (PlatformName, Word)>,
}

impl std::fmt::Debug for Hints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hints").finish_non_exhaustive()
    }
}

/// How often the engine looks, and on what terms it may change anything.
#[derive(Debug, Clone)]
pub struct Terms {
    /// How often it looks.
    pub pace: Pace,
    /// On what terms it holds the lease.
    pub lease: LeaseTerms,
}

/// Why the engine stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to.
    Stopped,
    /// Another controller may hold the lease by now. Nothing was called since; to stand by again, run
    /// the engine again.
    LeaseLost,
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

/// Runs the engine until `shutdown` resolves; reconciles under way are finished, and the lease is given
/// back. It stands by first for as long as another controller holds the lease.
///
/// # Errors
/// When it cannot start. Once it runs, failures are retried, never returned.
pub async fn run(
    world: World,
    terms: Terms,
    hints: Hints,
    shutdown: impl Future<Output = ()> + Send + Sync + 'static,
) -> Result<Ended, StartError> {
    let shutdown = shutdown.shared();
    let lease = tokio::select! {
        biased;
        () = shutdown.clone() => return Ok(Ended::Stopped),
        lease = take_over(&world, terms.lease) => Arc::new(lease?),
    };
    let epoch = lease.epoch();
    let tally = Arc::clone(&world.tally);
    tally.begin(epoch);
    tracing::info!(epoch, "The controller has begun its term.");
    let reconciling = reconcile_all(world, terms.pace, hints, &lease, shutdown);
    let ended = tokio::select! {
        biased;
        () = lease.keep() => Ok(Ended::LeaseLost),
        ended = reconciling => {
            ended?;
            lease.give_back().await;
            Ok(Ended::Stopped)
        }
    };
    tally.end();
    ended
}

/// Stands by until the lease is free, and takes it.
async fn take_over(world: &World, terms: LeaseTerms) -> Result<Lease, StartError> {
    let documents = &world.documents;
    let mut standby = Standby::new(terms);
    loop {
        let vacancy = standby.vacancy(documents.as_ref()).await;
        let vacancy = vacancy.map_err(StartError::Term)?;
        let taken = match highest_epoch(documents).await {
            Ok(highest) => standby.take(vacancy, Arc::clone(documents), highest).await,
            Err(StateError::Port(error)) => Err(error),
            Err(unreadable) => return Err(unreadable.into()),
        };
        match taken {
            Ok(lease) => return Ok(lease),
            Err(error) if standby.tries_again(&error) => {
                let cause = &error as &dyn std::error::Error;
                tracing::info!(cause, "The lease could not be taken; standing by.");
            }
            Err(error) => return Err(StartError::Term(error)),
        }
    }
}

async fn reconcile_all(
    world: World,
    pace: Pace,
    hints: Hints,
    lease: &Arc<Lease>,
    shutdown: impl Future<Output = ()> + Send + Sync + 'static,
) -> Result<(), StateError> {
    let documents: Arc<dyn Documents> = Arc::new(Fenced::new(&world.documents, lease));
    let states = StateStore::new(Arc::clone(&documents));
    let known = known_from_before(&states).await?;
    let remembered = remembered(&known, &world.board, &world.clock);
    let opening = Opening::of(&known, pace.resync);
    world.alarms.recall(&alarms_of(&known));
    let watcher = SpecWatcher::new(
        Arc::clone(&world.documents),
        remembered,
        pace,
        world.clock.clone(),
        Arc::clone(&world.tally),
    );
    let (reader, writer) = store::<SpecEntry>();
    let touched = Arc::new(Touched::default());
    let (edited, tally) = (Arc::clone(&touched), Arc::clone(&world.tally));
    let events = watcher.events(hints.specs).inspect_ok(move |event| {
        if let Event::Apply(entry) = event {
            edited.add(&entry.platform, Word::Changed);
        }
        if let Event::Apply(entry) | Event::InitApply(entry) = event {
            tally.waits(&entry.platform);
        }
    });
    let trigger = reflector(writer, events).touched_objects();
    let platforms = known_ones(
        hints.platforms,
        reader.clone(),
        Arc::clone(&touched),
        Arc::clone(&world.tally),
    );
    let waiting = Arc::clone(&touched);
    let shutdown = shutdown.inspect(move |()| waiting.close());
    let context = Arc::new(Context {
        compute: Arc::new(Fenced::new(&world.compute, lease)),
        alarms: Arc::new(Fenced::new(&world.alarms, lease)),
        documents,
        states,
        clock: world.clock,
        board: world.board,
        backoff: Backoff::default(),
        convergence: Convergence::default(),
        rehearsals: Rehearsals::default(),
        touched,
        opening,
        tally: world.tally,
        epoch: lease.epoch(),
        pace,
    });
    Controller::for_stream(trigger, reader)
        .with_config(Config::default().concurrency(pace.concurrency))
        .reconcile_on(platforms)
        .graceful_shutdown_on(shutdown)
        .run(reconcile, error_policy, context)
        .for_each(|_| std::future::ready(()))
        .await;
    Ok(())
}

/// The platforms among `hinted` that there are, each noted as touched. Who may send a hint may name anything.
fn known_ones(
    hinted: BoxStream<'static, (PlatformName, Word)>,
    platforms: Store<SpecEntry>,
    touched: Arc<Touched>,
    tally: Arc<Tally>,
) -> impl Stream<Item = ObjectRef<SpecEntry>> + Send + 'static {
    hinted.filter_map(move |(platform, word)| {
        let key = ObjectRef::<SpecEntry>::new(platform.as_str()).within(NAMESPACE);
        let known = platforms.get(&key).map(|_| {
            touched.add(&platform, word);
            tally.told_of(&platform);
            key
        });
        std::future::ready(known)
    })
}

/// The states saved before. One that cannot be read is left out: its reconcile meets the same error and
/// shows it, and the other platforms are unharmed.
async fn known_from_before(states: &StateStore) -> Result<Vec<PlatformState>, StateError> {
    let loaded = states.load_all().await?.into_iter();
    let readable = loaded.filter_map(|loaded| {
        let tell = |error: &StateError| {
            let cause = error as &dyn std::error::Error;
            tracing::error!(cause, "A platform's state cannot be read.");
        };
        loaded.inspect_err(tell).ok()
    });
    Ok(readable.collect())
}

/// The alarms that each platform had at its last look, or was about to have.
fn alarms_of(known: &[PlatformState]) -> BTreeMap<PlatformName, BTreeSet<AlarmName>> {
    let of_one = |state: &PlatformState| {
        let accepted = state.accepted.as_ref().map(|accepted| &accepted.spec);
        let specs = accepted.into_iter().chain(&state.enforced);
        let wanted = specs.flat_map(|spec| spec.alarms.iter().map(|alarm| &alarm.name));
        let found = state.status.alarms.iter().map(|alarm| &alarm.name);
        let names = wanted.chain(found).cloned().collect();
        (state.platform.clone(), names)
    };
    known.iter().map(of_one).collect()
}

/// Shows what was saved before, so that status is there before the first reconcile, and returns
/// what the watcher must know of it.
fn remembered(known: &[PlatformState], board: &Board, clock: &Clock) -> Remembered {
    let mut remembered = Remembered::default();
    for state in known {
        let (platform, source) = (state.platform.clone(), state.source.clone());
        if state.removed_at.is_none() {
            board.show(&state.platform, before_the_first_look(state, clock));
            remembered.sources.insert(platform, source);
        } else if state.deletion_policy() == DeletionPolicy::Delete {
            remembered.unfinished.insert(platform, source);
        }
    }
    remembered
}

/// What is shown of a platform until it was looked at: what was saved, less what may not be so any
/// more.
fn before_the_first_look(state: &PlatformState, clock: &Clock) -> PlatformObject {
    let mut shown = PlatformObject::saved(state);
    shown.status.conditions =
        conditions::starting(&state.status.conditions, state.generation, clock.now());
    for service in &mut shown.status.services {
        service.running = 0;
        service.tasks.clear();
    }
    shown
}

/// The highest epoch in the settings of the platforms known from before; 0 without any.
async fn highest_epoch(documents: &Arc<dyn Documents>) -> Result<u64, StateError> {
    let states = StateStore::new(Arc::clone(documents));
    let known = states.load_all().await?.into_iter().flatten();
    let settings = known
        .map(|state| async move { observe_settings(documents.as_ref(), &state.platform).await });
    let found: Vec<_> = futures::stream::iter(settings)
        .buffer_unordered(READS_AT_ONCE)
        .try_collect()
        .await?;
    let documents = found.into_iter().flat_map(BTreeMap::into_values);
    let epochs = documents.filter_map(|found| Some(found.document?.epoch));
    Ok(epochs.max().unwrap_or(0))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "kube-runtime hands both over"
)]
fn error_policy(entry: Arc<SpecEntry>, error: &ReconcileError, context: Arc<Context>) -> Next {
    let delay = context.backoff.fail(&entry.platform);
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
