//! The scoring rollout: a pure state machine that brings a change in, watches it, and takes it back.
//!
//! `Idle → Preflight → Applying → Baking → Succeeded`, and from the middle three
//! `→ RollingBack → Verifying → RolledBack | RollbackUnconfirmed | RollbackFailed`; holds are `Paused` and
//! `Inconclusive`. It never calls anything: it moves which revision each half of scoring should be on, and
//! the plan follows.

mod applying;
mod baking;
mod beginning;
mod external;
mod gate;
mod preflight;
mod restoring;
mod settling;
mod turn;
mod uncalled;
mod verdict;

pub(crate) use gate::window_ms;
pub(crate) use uncalled::undo;

use jiff::Timestamp;
use schema::LoanPlatformSpec;
use schema::revision::ScoringRevision;
use schema::status::{HistoryEntry, Phase};

use crate::observed::Observed;
use crate::state::ScoringState;
use turn::Turn;

/// Longest time a change may take to reach every task.
///
/// ECS gives a deployment that does not become stable far longer; a lender should not wait with half
/// its tasks on a new revision.
pub const PROGRESS_DEADLINE_S: i64 = 600;

/// Phases that one turn may pass through; more would be a loop.
const MAX_STEPS: usize = 6;

/// What a turn of the rollout is decided on.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The newest valid spec.
    pub spec: &'a LoanPlatformSpec,
    /// Its generation.
    pub generation: i64,
    /// What was found.
    pub observed: &'a Observed,
    /// What everything but the scoring change still waits for; nothing when all of it has settled.
    pub unsettled: Option<&'a str>,
    /// The attempt that had begun and is still to be called for, so that it is decided on as if it had not.
    pub undone: Option<u64>,
    /// Whether a remedy holds a breaker open, which keeps alarms firing whatever revision is in force.
    pub breaker_is_held_open: bool,
}

impl View<'_> {
    /// The time, by the clock that alarms and deployments are stamped with.
    const fn now(&self) -> Timestamp {
        self.observed.at
    }
}

/// What a turn of the rollout decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Advance {
    /// The state from now on. It must be saved before anything is done about it.
    pub scoring: ScoringState,
    /// What is worth remembering.
    pub history: Vec<HistoryEntry>,
    /// What the rollout waits for, in words.
    pub waiting_on: Option<String>,
    /// Why the spec's revision is kept out, in words.
    pub kept_out: Option<String>,
}

/// Decides the next state of the rollout.
#[must_use]
pub fn advance(scoring: &ScoringState, view: &View<'_>) -> Advance {
    let wanted = ScoringRevision::of(view.spec);
    let mut turn = Turn::new(scoring.clone(), *view, wanted);
    external::end_with_a_new_generation(&mut turn);
    for _ in 0..MAX_STEPS {
        let before = turn.scoring.phase;
        step(&mut turn);
        if turn.scoring.phase == before {
            break;
        }
    }
    uncalled::keep(&mut turn, scoring);
    uncalled::tell(&mut turn);
    turn.finish()
}

fn step(turn: &mut Turn<'_>) {
    turn.waiting_on = None;
    match turn.scoring.phase {
        _ if turn.scoring.settings.is_none() => beginning::begin_first(turn),
        Phase::Paused if turn.scoring.external.is_some() => external::hold(turn),
        Phase::Idle
        | Phase::Succeeded
        | Phase::RolledBack
        | Phase::RollbackUnconfirmed
        | Phase::Paused => beginning::consider(turn),
        Phase::Preflight => preflight::check(turn),
        Phase::Applying => applying::follow(turn),
        Phase::Baking | Phase::Inconclusive => baking::watch(turn),
        Phase::RollingBack => restoring::restore(turn),
        Phase::RollbackFailed => restoring::restore_late(turn),
        Phase::Verifying => restoring::verify(turn),
    }
}
