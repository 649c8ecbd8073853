//! The course of things: round after round, in a world that obeys.

use jiff::{SignedDuration, Timestamp};
use schema::names::ServiceName;
use schema::platform::Mode;
use schema::status::Phase;

use super::obedient::{obey, settle_tasks};
use crate::decide::{Decision, decide};
use crate::observed::{Observed, RehearsalFinding};
use crate::plan::Step;
use crate::rollout::window_ms;
use crate::state::{PlatformState, ScoringState, Settling};

/// Rounds until the course is given up: far more than any takes, for those in which nothing happens grow longer.
const MOST_ROUNDS: usize = 1_000;
/// Time between two rounds while things happen.
const ROUND: SignedDuration = SignedDuration::from_secs(1);
/// How long nothing may happen, beyond what the spec itself asks to wait for, until what is waited for is said to be
/// waited for in vain.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);
/// Term of the controller in the forecast. It stands in no call that is shown.
const EPOCH: u64 = 1;

/// Calls that are made one after another.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// What they wait for.
    pub begins: Begins,
    /// The calls.
    pub steps: Vec<Step>,
}

/// When the calls of a stage are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// As soon as the spec is seen.
    AtOnce,
    /// When what came before has settled.
    Next,
    /// When what came before has settled, and the gating alarms have had this many milliseconds to see its effects.
    AfterSettling(u64),
    /// When the bake of the change before has ended.
    AfterBaking,
}

/// What happened.
pub(super) struct Course {
    pub(super) stages: Vec<Stage>,
    /// Where it ends.
    pub(super) end: PlatformState,
    /// Why the spec's scoring revision is kept out.
    pub(super) kept_out: Option<String>,
    /// What is waited for in vain.
    pub(super) waits_on: Option<String>,
}

impl Course {
    /// Rounds from `state` on, until nothing is to be done or nothing more happens.
    pub(super) fn run(state: PlatformState, world: Observed, now: Timestamp) -> Self {
        let mut run = Run {
            now,
            world,
            stages: Vec::new(),
            idle: SignedDuration::ZERO,
            pause: ROUND,
        };
        let patience = patience(&state);
        let mut state = state;
        let mut last = None;
        for _ in 0..MOST_ROUNDS {
            let decision = run.round(&state);
            state.clone_from(&decision.state);
            let rests = decision.plan.is_empty() && !decision.state.scoring.is_moving();
            let is_over = rests && !decision.report.is_moving() && run.idle > SignedDuration::ZERO;
            last = Some(decision);
            if is_over || run.idle > patience {
                break;
            }
        }
        let waits_on = last.as_ref().and_then(waited_for);
        Self {
            stages: run.stages,
            end: state,
            kept_out: last.and_then(|decision| decision.kept_out),
            waits_on,
        }
    }
}

/// How long nothing may happen while all goes well.
fn patience(state: &PlatformState) -> SignedDuration {
    let Some(accepted) = &state.accepted else {
        return PATIENCE;
    };
    let spec = &accepted.spec;
    let ms = spec.rollout.bake_time.as_millis() + window_ms(&spec.gating_alarms());
    SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX)).saturating_add(PATIENCE)
}

/// What a round that ended nothing waits for, in words.
fn waited_for(decision: &Decision) -> Option<String> {
    let accepted = decision.state.accepted.as_ref();
    let is_held = accepted.is_some_and(|accepted| accepted.spec.mode != Mode::Enforce);
    if decision.kept_out.is_some() || is_held {
        return None;
    }
    let report = decision.report.first().map(str::to_owned);
    decision.rollout_waits_on.clone().or(report)
}

/// The course as it goes.
struct Run {
    now: Timestamp,
    world: Observed,
    stages: Vec<Stage>,
    /// How long nothing has happened.
    idle: SignedDuration,
    /// Until the next round.
    pause: SignedDuration,
}

impl Run {
    /// One round, and the time until the next one.
    fn round(&mut self, state: &PlatformState) -> Decision {
        self.look(state);
        let decision = decide(state, &self.world, EPOCH);
        if !decision.plan.is_empty() {
            self.carry_out(state, &decision);
        }
        let is_idle = decision.plan.is_empty()
            && decision.state.scoring.phase == state.scoring.phase
            && settling(&decision.state.scoring) == settling(&state.scoring);
        if is_idle {
            self.idle += self.pause;
            self.pause += self.pause;
        } else {
            self.idle = SignedDuration::ZERO;
            self.pause = ROUND;
        }
        self.now = self
            .now
            .saturating_add(self.pause)
            .unwrap_or(Timestamp::MAX);
        decision
    }

    /// The world as it is now: both images of a change are sound, every service reports, and there was traffic enough.
    fn look(&mut self, state: &PlatformState) {
        let now = self.now;
        self.world.at = now;
        self.world.rehearsal = state.scoring.waiting().map(|change| RehearsalFinding {
            attempt: change.attempt,
            obstacle: None,
        });
        let evidence = &mut self.world.evidence;
        evidence.scoring_calls = u64::from(u32::MAX);
        evidence.last_report = ServiceName::ALL.into_iter().map(|it| (it, now)).collect();
        let judged = |alarm: &crate::ports::ObservedAlarm| {
            let definition = &alarm.definition;
            (definition.name.clone(), definition.evaluation_periods)
        };
        evidence.judged_datapoints = self.world.alarms.values().map(judged).collect();
        evidence.breaching_datapoints.clear();
    }

    fn carry_out(&mut self, before: &PlatformState, decision: &Decision) {
        let steps = decision.plan.steps.clone();
        for step in &steps {
            obey(&mut self.world, &step.action, self.now);
        }
        settle_tasks(&mut self.world, self.now);
        let begins = self.begins(before, decision);
        match self.stages.last_mut() {
            Some(stage) if begins.is_none() => stage.steps.extend(steps),
            _ => self.stages.push(Stage {
                begins: begins.unwrap_or(Begins::AtOnce),
                steps,
            }),
        }
    }

    /// What the calls of a round waited for; nothing where they follow the ones before at once.
    fn begins(&self, before: &PlatformState, decision: &Decision) -> Option<Begins> {
        if self.stages.is_empty() {
            return None;
        }
        let (was, is) = (&before.scoring, &decision.state.scoring);
        let begins_to_apply = was.phase == Phase::Preflight && is.phase == Phase::Applying;
        if begins_to_apply {
            let window = settled_for(before);
            return Some(window.map_or(Begins::Next, Begins::AfterSettling));
        }
        let is_over = !is.is_moving() && (was.is_moving() || self.idle > SignedDuration::ZERO);
        is_over.then_some(Begins::AfterBaking)
    }
}

fn settling(scoring: &ScoringState) -> Option<Settling> {
    scoring.change.as_ref()?.settling
}

/// Milliseconds that the gating alarms had before the change that waits, where something else had to settle first.
fn settled_for(state: &PlatformState) -> Option<u64> {
    settling(&state.scoring)?;
    let accepted = state.accepted.as_ref()?;
    Some(window_ms(&accepted.spec.gating_alarms()))
}
