//! What a supervisor does next: pure, a function of what is wanted, what is there, and the time.

use std::time::{Duration, Instant};

use super::state::{Life, Replica, Rollout, Service};

/// A task that is not ready this long after its start failed to start.
const START_DEADLINE: Duration = Duration::from_secs(20);
/// A task that is unhealthy this long is replaced.
const UNHEALTHY_DEADLINE: Duration = Duration::from_secs(10);

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Start a task of the target deployment.
    Start,
    /// Take a task out of the front and let it finish its requests.
    Drain { id: String, why: DrainReason },
    /// End a task at once.
    Kill { id: String, why: KillReason },
    /// The newest deployment took over.
    Complete,
}

/// Why a task is drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DrainReason {
    /// A newer or better deployment has taken its place.
    Replaced,
    /// There are more tasks than wanted.
    ScaledIn,
    /// It was unhealthy for too long; another one takes its place.
    Unhealthy,
    /// The service goes.
    Removed,
}

/// Why a task is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KillReason {
    /// It did not become ready in time.
    NotReady,
    /// It did not finish in time.
    DrainDeadline,
}

/// The steps to take now. Taking them and asking again converges on what is wanted.
pub(crate) fn next_step(service: &Service, now: Instant) -> Vec<Step> {
    let mut steps = overdue(service, now);
    let doomed: Vec<&str> = steps.iter().filter_map(Step::subject).collect();
    let active: Vec<&Replica> = service
        .replicas
        .iter()
        .filter(|it| !it.is_draining() && !it.killed && !doomed.contains(&it.id.as_str()))
        .collect();
    let more = if service.wanted.removing {
        active
            .iter()
            .map(|it| drain(it, DrainReason::Removed))
            .collect()
    } else {
        let target = &service.wanted.target().id;
        let (current, old) = active.into_iter().partition(|it| it.deployment == *target);
        converge(service, &Tasks { current, old }, now)
    };
    steps.extend(more);
    steps
}

/// When something is decided anew though nothing happens.
pub(crate) fn next_wake(service: &Service, now: Instant) -> Option<Instant> {
    let deadlines = service
        .replicas
        .iter()
        .filter(|it| !it.killed)
        .filter_map(deadline_of);
    deadlines.chain(service.backoff.wakes_at(now)).min()
}

/// Whether a service that goes is gone.
pub(crate) fn is_gone(service: &Service) -> bool {
    service.wanted.removing && service.replicas.is_empty()
}

struct Tasks<'a> {
    /// Of the target deployment.
    current: Vec<&'a Replica>,
    /// Of any other.
    old: Vec<&'a Replica>,
}

impl Step {
    fn subject(&self) -> Option<&str> {
        match self {
            Self::Drain { id, .. } | Self::Kill { id, .. } => Some(id),
            Self::Start | Self::Complete => None,
        }
    }
}

fn deadline_of(replica: &Replica) -> Option<Instant> {
    match replica.life {
        Life::Starting => Some(replica.started + START_DEADLINE),
        Life::Unhealthy { since } => Some(since + UNHEALTHY_DEADLINE),
        Life::Draining { deadline } => Some(deadline),
        Life::Ready { .. } => None,
    }
}

/// Tasks past a deadline of their own.
fn overdue(service: &Service, now: Instant) -> Vec<Step> {
    let late = |replica: &&Replica| deadline_of(replica).is_some_and(|at| now >= at);
    let step = |replica: &Replica| match replica.life {
        Life::Starting => kill(replica, KillReason::NotReady),
        Life::Draining { .. } => kill(replica, KillReason::DrainDeadline),
        Life::Ready { .. } | Life::Unhealthy { .. } => drain(replica, DrainReason::Unhealthy),
    };
    let alive = service.replicas.iter().filter(|it| !it.killed);
    alive.filter(late).map(step).collect()
}

fn converge(service: &Service, tasks: &Tasks<'_>, now: Instant) -> Vec<Step> {
    let wanted = service.wanted.count as usize;
    let mut steps = Vec::new();
    // Scaling in takes those that do not serve first, then the newest: the others have proved
    // themselves for longer.
    let mut current = tasks.current.clone();
    current.sort_by_key(|it| (!it.is_ready(), it.number));
    let excess = current.split_off(wanted.min(current.len()));
    steps.extend(excess.iter().map(|it| drain(it, DrainReason::ScaledIn)));

    steps.extend(retire(&current, &tasks.old, wanted));
    let retired = steps.len() - excess.len();
    let old_left = tasks.old.len() - retired;
    let starts = starts(&current, old_left, wanted);
    if service.backoff.allows(now) {
        steps.extend(std::iter::repeat_n(Step::Start, starts));
    }
    let settled = current.len() == wanted && current.iter().all(|it| it.is_ready());
    let superseding = service.wanted.target().id == service.wanted.deployment.id;
    if settled
        && tasks.old.is_empty()
        && superseding
        && service.wanted.progress != Rollout::Completed
    {
        steps.push(Step::Complete);
    }
    steps
}

/// Old tasks whose place is taken: as many as there are more serving tasks than wanted, those that
/// do not serve first.
fn retire(current: &[&Replica], old: &[&Replica], wanted: usize) -> Vec<Step> {
    let ready = current.iter().filter(|it| it.is_ready()).count();
    let surplus = (ready + old.len()).saturating_sub(wanted);
    let mut old = old.to_vec();
    old.sort_by_key(|it| (it.is_ready(), it.number));
    old.into_iter()
        .take(surplus)
        .map(|it| drain(it, DrainReason::Replaced))
        .collect()
}

/// How many tasks to start: all that are missing at once, and while old ones still serve, one more
/// at a time to take the place of the next.
fn starts(current: &[&Replica], old: usize, wanted: usize) -> usize {
    let missing = wanted.saturating_sub(current.len());
    let starting = current.iter().any(|it| it.life == Life::Starting);
    let vacant = wanted.saturating_sub(current.len() + old);
    if vacant > 0 {
        vacant
    } else if old > 0 && !starting {
        missing.min(1)
    } else {
        0
    }
}

fn drain(replica: &Replica, why: DrainReason) -> Step {
    Step::Drain {
        id: replica.id.clone(),
        why,
    }
}

fn kill(replica: &Replica, why: KillReason) -> Step {
    Step::Kill {
        id: replica.id.clone(),
        why,
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
