//! Reconciling one platform: look, decide, remember, do.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::runtime::controller::Action as Next;
use schema::names::PlatformName;
use schema::platform::{DeletionPolicy, Mode};
use schema::revision::FieldChange;
use schema::status::{Actor, Evidence, HistoryEntry, HistoryKind};

use crate::accept::accept;
use crate::backoff::Backoff;
use crate::board::{Board, Happening, PlatformObject};
use crate::carry_out::{Progress, carry_out};
use crate::clock::Clock;
use crate::conditions::{failed, tell_of_failure};
use crate::convergence::Convergence;
use crate::decide::{Decision, decide};
use crate::jitter;
use crate::observe::observe;
use crate::observed::Observed;
use crate::opening::Opening;
use crate::plan::{Action, Step, plan_removal};
use crate::ports::{Alarms, Compute, Documents, PortError, Remedy, Urgency};
use crate::reactions;
use crate::rehearsals::Rehearsals;
use crate::specs::{SpecContent, SpecEntry};
use crate::state::PlatformState;
use crate::state_store::{StateError, StateStore};
use crate::status::{status, without_live_values};
use crate::tally::Tally;
use crate::touched::{Touched, Word, urgency_of_doing, urgency_of_looking};

/// Target of log records that repeat the history, for those who show it in another way.
pub const HAPPENINGS: &str = "engine::happenings";

/// What reconciling needs of the world.
#[derive(Debug)]
pub struct Context {
    /// Services and tasks.
    pub compute: Arc<dyn Compute>,
    /// Alarms and metrics.
    pub alarms: Arc<dyn Alarms>,
    /// Settings and state.
    pub documents: Arc<dyn Documents>,
    /// What is remembered.
    pub states: StateStore,
    /// The clock of this machine.
    pub clock: Clock,
    /// What is shown.
    pub board: Arc<Board>,
    /// Failures in a row.
    pub backoff: Backoff,
    /// Writes in vain.
    pub convergence: Convergence,
    /// What was found out about images before they are needed.
    pub rehearsals: Rehearsals,
    /// What goes before the merely due.
    pub touched: Arc<Touched>,
    /// What need not be looked at as soon as the term begins.
    pub opening: Opening,
    /// How often it went well, and how often not.
    pub tally: Arc<Tally>,
    /// The term of this controller.
    pub epoch: u64,
    /// How often it looks.
    pub pace: Pace,
}

/// How often a platform is looked at, and how many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Reconciles under way at once.
    pub concurrency: u16,
    /// While something moves.
    pub moving: Duration,
    /// While nothing does.
    pub resync: Duration,
    /// How often the spec files are listed.
    pub listing: Duration,
    /// How long a spec file must be missing before it counts as removed: longer than a branch switch
    /// or a slow sync takes.
    pub removal: Duration,
}

/// A reconcile that failed.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The world could not be read, or would not do something.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The state could not be loaded or saved.
    #[error(transparent)]
    State(#[from] StateError),
}

impl ReconcileError {
    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::Port(error) | Self::State(StateError::Port(error)) => error.remedy(),
            Self::State(StateError::Unreadable { .. }) => Remedy::WaitForUser,
        }
    }
}

/// Brings one platform a step nearer to its spec.
///
/// # Errors
/// When the world fails; what was decided until then is saved, and the next reconcile goes on. The
/// error stands in the platform's conditions until one succeeds.
pub async fn reconcile(
    entry: Arc<SpecEntry>,
    context: Arc<Context>,
) -> Result<Next, ReconcileError> {
    let touched = context.touched.take(&entry.platform);
    if let Some(wait) = context.opening.wait(&entry, touched.is_some()) {
        return Ok(Next::requeue(wait));
    }
    let counted = context.tally.reconciles(&entry.platform);
    let ended = match round(&entry, &context, touched).await {
        Ok(next) => {
            context.backoff.succeed(&entry.platform);
            Ok(next)
        }
        Err(error) => {
            if let Some(word) = touched {
                context.touched.add(&entry.platform, word);
            }
            show_failure(&context, &entry.platform, &error).await;
            Err(error)
        }
    };
    counted.ends(ended.is_ok());
    ended
}

/// What a round has to decide on.
struct Looked<'a> {
    observed: Observed,
    urgency: Urgency,
    /// What is wrong with the newest spec.
    refusal: Option<&'a str>,
}

async fn round(
    entry: &SpecEntry,
    context: &Context,
    touched: Option<Word>,
) -> Result<Next, ReconcileError> {
    let known = context.states.load(&entry.platform).await?;
    let refusal = match &entry.content {
        SpecContent::Removed => return remove(context, known, entry).await,
        SpecContent::Invalid { problems, .. } => Some(problems.as_str()),
        SpecContent::Valid(_) => None,
    };
    let mut state = known
        .clone()
        .unwrap_or_else(|| PlatformState::new(entry.platform.clone(), context.clock.now()));
    let urgency = urgency_of_looking(known.as_ref(), touched);
    context.tally.looks();
    let Some(observed) = look(context, &state, urgency).await? else {
        return Ok(Next::requeue(Duration::ZERO));
    };
    context.tally.looked_at(&entry.platform, &observed, urgency);
    accept(&mut state, entry, observed.at);
    let looked = Looked {
        observed,
        urgency,
        refusal,
    };
    advance(context, known.as_ref(), state, looked).await
}

/// Looks at the platform; nothing where something was said about it meanwhile that will not wait as long as this
/// look may.
async fn look(
    context: &Context,
    state: &PlatformState,
    urgency: Urgency,
) -> Result<Option<Observed>, PortError> {
    tokio::select! {
        biased;
        observed = observe(context, state, urgency) => observed.map(Some),
        () = context.touched.outruns(state, urgency), if urgency != Urgency::Rollback => Ok(None),
    }
}

/// Puts the failure into the platform's conditions: on the board, and into the saved status as far
/// as the store still takes it.
async fn show_failure(context: &Context, platform: &PlatformName, error: &ReconcileError) {
    let now = context.clock.now();
    let mut state = match context.states.load(platform).await {
        Ok(Some(state)) => state,
        Ok(None) => return show_first_failure(context, platform, error),
        Err(_) => {
            return context.board.amend(platform, |status| {
                status.conditions = failed(&status.conditions, error, error.remedy(), 0, now);
            });
        }
    };
    let before = &state.status.conditions;
    let conditions = failed(before, error, error.remedy(), state.generation, now);
    if *before == conditions {
        return;
    }
    Arc::make_mut(&mut state.status).conditions = conditions;
    context.board.show(platform, PlatformObject::saved(&state));
    if let Err(error) = context.states.save(&state).await {
        tracing::warn!(%platform, cause = &error as &dyn std::error::Error, "Cannot save the status.");
    }
}

/// A platform that could not even be looked at once has nothing but its failure to show.
fn show_first_failure(context: &Context, platform: &PlatformName, error: &ReconcileError) {
    let now = context.clock.now();
    let mut state = PlatformState::new(platform.clone(), now);
    Arc::make_mut(&mut state.status).conditions = failed(&[], error, error.remedy(), 0, now);
    context.board.show(platform, PlatformObject::saved(&state));
}

async fn advance(
    context: &Context,
    known: Option<&PlatformState>,
    state: PlatformState,
    looked: Looked<'_>,
) -> Result<Next, ReconcileError> {
    let Looked {
        observed,
        urgency,
        refusal,
    } = looked;
    let now = observed.at;
    let mut decision = decide(&state, &observed, context.epoch);
    context.tally.differs(&state.platform, decision.differences);
    hold_back(context, &state, &mut decision, now);
    remember_plan(&mut decision, now);
    let mut live = status(&decision, &observed, refusal, now);
    if tell_of_failure(&state.status.conditions) && !decision.plan.is_empty() {
        // The failure is over only when its call has gone through.
        live.conditions.clone_from(&state.status.conditions);
    }
    decision.state.status = Arc::new(without_live_values(&live));
    if known.is_some_and(|known| known.is_as_good_as(&decision.state)) {
        context.states.keep(&decision.state);
    } else {
        context.states.save(&decision.state).await?;
    }
    tell_news(context, known, &decision.state);
    context
        .board
        .show(&state.platform, PlatformObject::new(&decision.state, live));
    let before = known.unwrap_or(&state);
    let urgency = urgency_of_doing(urgency, before, &decision.state);
    let platform = &state.platform;
    Ok(
        match carry_out(context, &decision.state, &decision.plan, urgency, now).await? {
            Progress::Done if is_to_be_rehearsed(before, &decision.state) => {
                Next::requeue(Duration::ZERO)
            }
            Progress::Done => Next::requeue(wait(context.pace, &decision, &observed)),
            Progress::NoDashboard(error) => {
                let cause = &error as &dyn std::error::Error;
                tracing::warn!(%platform, cause, "The dashboard is not as it should be.");
                Next::requeue(wait(context.pace, &decision, &observed))
            }
            Progress::Outdated => Next::requeue(Duration::ZERO),
        },
    )
}

/// Leaves out of the plan what was just done and has not shown yet, and what was done in vain. Taking
/// a change back is never given up.
fn hold_back(context: &Context, before: &PlatformState, decision: &mut Decision, now: Timestamp) {
    let plan = std::mem::take(&mut decision.plan);
    let (platform, generation) = (&decision.state.platform, decision.state.generation);
    let guard = &context.convergence;
    if decision.state.scoring.is_taking_back() {
        decision.plan = guard.permit_tirelessly(platform, generation, &plan, now);
    } else {
        let permitted = guard.permit(platform, generation, &plan, now);
        decision.plan = permitted.plan;
        for text in permitted.in_vain {
            decision.report.add_stuck(text);
        }
    }
    if !decision.plan.writes_settings() {
        decision.state.settings_sequence = before.settings_sequence;
    }
}

async fn remove(
    context: &Context,
    known: Option<PlatformState>,
    entry: &SpecEntry,
) -> Result<Next, ReconcileError> {
    let Some(mut state) = known.clone() else {
        return Ok(Next::await_change());
    };
    let now = context.clock.now();
    accept(&mut state, entry, now);
    let platform = state.platform.clone();
    if state.accepted.is_none() {
        // It never was a platform: nothing was made, and nothing is worth remembering.
        context.states.forget(&platform).await?;
        take_off(context, &platform);
        return Ok(Next::await_change());
    }
    let policy = state.deletion_policy();
    if state.removed_at.is_none() {
        state.removed_at = Some(now);
        state.record(removal(&state, policy, now));
    }
    if known.as_ref() != Some(&state) {
        context.states.save(&state).await?;
        tell_news(context, known.as_ref(), &state);
    }
    if policy == DeletionPolicy::Delete {
        let observed = observe(context, &state, Urgency::Edit).await?;
        let plan = plan_removal(&platform, &observed);
        if !plan.is_empty() {
            let progress = carry_out(context, &state, &plan, Urgency::Edit, now).await?;
            if let Progress::NoDashboard(error) = progress {
                // Once the platform is forgotten, nobody would remove it.
                return Err(error.into());
            }
            return Ok(Next::requeue(context.pace.moving));
        }
        context.states.forget(&platform).await?;
    }
    take_off(context, &platform);
    Ok(Next::await_change())
}

/// Shows and counts `platform` no longer.
fn take_off(context: &Context, platform: &PlatformName) {
    context.board.remove(platform);
    context.tally.forget(platform);
}

fn removal(state: &PlatformState, policy: DeletionPolicy, now: Timestamp) -> HistoryEntry {
    let accepted = state.accepted.as_ref().map(|accepted| &accepted.spec);
    let held_by = accepted
        .map(|spec| spec.mode)
        .filter(|mode| *mode != Mode::Enforce);
    let consequence = match (policy, held_by) {
        (DeletionPolicy::Retain, None) => {
            "everything is left running, unmanaged (deletionPolicy)".to_owned()
        }
        (DeletionPolicy::Retain, Some(mode)) => {
            format!("everything is left running, unmanaged (mode {mode:?})")
        }
        (DeletionPolicy::Delete, _) => {
            "its services, alarms and settings are removed (deletionPolicy)".to_owned()
        }
    };
    HistoryEntry {
        at: now,
        kind: HistoryKind::Removed,
        by: Actor::Spec,
        from: Some(state.generation.to_string()),
        to: None,
        reason: format!("{policy:?}"),
        message: format!("{} is gone: {consequence}.", state.source),
        evidence: None,
    }
}

/// Service changes are worth remembering; settings and alarms follow from entries that are there.
fn remember_plan(decision: &mut Decision, now: Timestamp) {
    let changes: Vec<&Step> = decision
        .plan
        .steps
        .iter()
        .filter(|step| matches!(step.action, Action::Service(_)))
        .collect();
    if changes.is_empty() {
        return;
    }
    let message: Vec<String> = changes.iter().map(|step| step.action.to_string()).collect();
    let message = message.join(", ");
    let fields = changes.iter().flat_map(|step| drift_by_service(step));
    let evidence = Some(Evidence {
        fields: fields.collect(),
        ..Evidence::default()
    });
    let generation = decision.state.generation.to_string();
    // A call that failed is planned again; it is the same event.
    let is_the_same = |last: &HistoryEntry| {
        last.message == message
            && last.to.as_ref() == Some(&generation)
            && last.evidence == evidence
    };
    if decision
        .state
        .history
        .last()
        .is_some_and(|it| is_the_same(it))
    {
        return;
    }
    decision.state.record(HistoryEntry {
        at: now,
        kind: HistoryKind::Applied,
        by: Actor::Controller,
        from: None,
        to: Some(generation),
        reason: "Reconciled".to_owned(),
        message,
        evidence,
    });
}

/// What a step puts right, each field under its service's name.
fn drift_by_service(step: &Step) -> Vec<FieldChange> {
    let Action::Service(change) = &step.action else {
        return Vec::new();
    };
    let within = |field: &FieldChange| FieldChange {
        path: format!("{}.{}", change.service(), field.path),
        ..field.clone()
    };
    step.drift.iter().map(within).collect()
}

fn tell_news(context: &Context, known: Option<&PlatformState>, state: &PlatformState) {
    let seen = known.and_then(|known| known.history.last());
    let news = state
        .history
        .iter()
        .rev()
        .take_while(|entry| Some(*entry) != seen);
    let mut news: Vec<&Arc<HistoryEntry>> = news.collect();
    news.reverse();
    for entry in news {
        log(&state.platform, entry);
        context.board.tell(Happening {
            platform: state.platform.clone(),
            entry: Arc::clone(entry),
        });
    }
}

/// What a person should look at is a warning; the rest of the history is for the record.
fn log(platform: &PlatformName, entry: &HistoryEntry) {
    use tracing::{info, warn};
    let (kind, reason, message) = (entry.kind, &entry.reason, &entry.message);
    if kind.is_warning() {
        warn!(target: HAPPENINGS, %platform, ?kind, reason, message);
    } else {
        info!(target: HAPPENINGS, %platform, ?kind, reason, message);
    }
}

/// Whether a change has come to wait in this round: the next one can rehearse it, and need not be waited for.
fn is_to_be_rehearsed(before: &PlatformState, after: &PlatformState) -> bool {
    let attempt = |state: &PlatformState| state.scoring.waiting().map(|change| change.attempt);
    attempt(after).is_some() && attempt(after) != attempt(before)
}

/// How long until the next look: a resync is spread over a tenth of its length, so that platforms
/// that began together do not stay together.
fn wait(pace: Pace, decision: &Decision, observed: &Observed) -> Duration {
    let moves = !decision.plan.is_empty()
        || decision.report.is_moving()
        || decision.state.scoring.is_moving();
    if moves {
        return pace.moving;
    }
    let spread = jitter::share(&(&decision.state.platform, observed.at.as_second()));
    let resync = pace.resync.mul_f64(0.9 + spread / 10.0);
    match reactions::next_end(&decision.state.remedies, observed.at) {
        Some(left) => left.clamp(pace.moving, resync.max(pace.moving)),
        None => resync,
    }
}
