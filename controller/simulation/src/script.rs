//! Scripts: worlds in which a test says what happens, step by step.

use std::sync::Arc;
use std::time::Duration;

use engine::state::PlatformState;
use jiff::{SignedDuration, Timestamp};
use schema::LoanPlatformSpec;
use schema::names::ServiceName;
use schema::platform::AlarmName;
use schema::status::Phase;

use crate::crew::Crew;
use crate::desk::{Desk, NotValid, base};
use crate::invariants::Violation;
use crate::scenario::step;
use crate::trace::Trace;
use crate::world::{Api, Climate, Crash, Outage, Traffic, World};

/// A world whose people and faults a test directs. Every invariant is checked on the way.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
/// # runtime.block_on(async {
/// use schema::status::Phase;
/// use simulation::{Climate, Script};
///
/// let mut script = Script::begin(&Climate::calm(1), 1).unwrap();
/// script.reaches(Phase::Succeeded).await.unwrap();
/// # });
/// ```
pub struct Script {
    world: Arc<World>,
    crew: Crew,
    desk: Desk,
}

/// What a script waited for did not come.
#[derive(Debug, thiserror::Error)]
pub enum Missed {
    /// An invariant does not hold.
    #[error("{trace}{invariant} does not hold: {how}")]
    Violation {
        /// Which.
        invariant: &'static str,
        /// How it is broken.
        how: String,
        /// What happened before.
        trace: Trace,
    },
    /// It took too long.
    #[error("{trace}not within {patience:?}: {what}")]
    Late {
        /// What was waited for.
        what: String,
        /// For how long.
        patience: Duration,
        /// What happened before.
        trace: Trace,
    },
}

/// Longest wait for anything, in the world's time.
const PATIENCE: Duration = Duration::from_secs(3_600);

impl Script {
    /// A world with so many controllers, and the base spec in its bucket. Must be called within a tokio
    /// runtime of one thread whose time is paused.
    ///
    /// # Errors
    /// When the base spec is not valid, which a test makes sure of.
    pub fn begin(climate: &Climate, controllers: usize) -> Result<Self, NotValid> {
        let world = World::new(climate);
        // Their clocks differ, by more than anything that is judged takes.
        let skews = [SignedDuration::from_mins(9), SignedDuration::from_mins(-9)];
        let skews: Vec<_> = skews.into_iter().cycle().take(controllers).collect();
        let crew = Crew::new(&world, &skews, false);
        let mut desk = Desk::new(&world, base()?);
        desk.submit("the first time");
        Ok(Self { world, crew, desk })
    }

    // ---- what people do ----

    /// Edits the spec and submits it.
    pub fn edit(&mut self, why: &str, edit: impl FnOnce(&mut LoanPlatformSpec)) {
        self.desk.edit(why, edit);
    }

    /// Submits something that is no spec.
    pub fn spoil(&mut self, text: &str) {
        self.desk.spoil(text);
    }

    /// Removes the spec file.
    pub fn remove_spec(&mut self) {
        self.desk.remove();
    }

    /// Puts the spec file back.
    pub fn put_spec_back(&mut self) {
        self.desk.submit("it is put back");
    }

    /// Has the provider fail this share of calls, from 0 to 1, from now on.
    pub fn provider_fails(&mut self, share: f64) {
        self.world.scene().provider_outage = share;
    }

    /// Has every call to an API fail for so long from now on.
    pub fn outage(&mut self, api: Api, length: Duration) {
        let from = self.world.timeline().passed();
        let until = from + length;
        let outage = Outage { api, from, until };
        self.world.scene().faults.outages.push(outage);
    }

    /// Changes how traffic goes from now on.
    pub fn traffic(&mut self, traffic: Traffic) {
        self.world.scene().traffic = traffic;
    }

    /// Removes an alarm by hand, or gives it another threshold.
    pub fn rewrite_alarm(&mut self, name: &str, threshold: Option<f64>) {
        let name = AlarmName(name.to_owned());
        self.world.scene().rewrite_alarm(&name, threshold);
    }

    // ---- what happens to controllers ----

    /// Has a controller stand still for so long.
    pub fn pause(&mut self, controller: usize, still: Duration) {
        self.crew.pause(controller, still);
    }

    /// Has a controller stand still for so long in the middle of its next round: when it has looked, and
    /// before it does anything about it.
    pub fn pause_within_a_round(&mut self, controller: usize, still: Duration) {
        self.crew.pause_within_a_round(controller, still);
    }

    /// Ends a controller without a word; it starts again after `down`.
    pub fn crash(&mut self, controller: usize, down: Duration) {
        self.crew.crash(controller, down);
    }

    /// Has a controller crash at its `n`-th mutating call from now on, renewals of the lease not counted.
    pub fn crash_at(&mut self, controller: usize, n: u64, crash: Crash) {
        if let Some(seat) = self.world.scene().seats.get_mut(controller) {
            seat.crash_at = Some((n, crash));
        }
    }

    /// The controller that holds the lease.
    #[must_use]
    pub fn leader(&self) -> Option<usize> {
        self.world.scene().leader()
    }

    // ---- time ----

    /// Lets time pass.
    ///
    /// # Errors
    /// When an invariant does not hold.
    pub async fn passes(&mut self, length: Duration) -> Result<(), Missed> {
        let until = self.world.timeline().passed() + length;
        while self.world.timeline().passed() < until {
            step(&self.world, &mut self.crew).await;
            self.holds()?;
        }
        Ok(())
    }

    /// Lets time pass until the saved state is as wanted.
    ///
    /// # Errors
    /// When an invariant does not hold, or it takes more than an hour.
    pub async fn until(
        &mut self,
        what: &str,
        wanted: impl Fn(&PlatformState) -> bool,
    ) -> Result<(), Missed> {
        let until = self.world.timeline().passed() + PATIENCE;
        while !self.state().as_ref().is_some_and(&wanted) {
            if self.world.timeline().passed() >= until {
                return Err(Missed::Late {
                    what: what.to_owned(),
                    patience: PATIENCE,
                    trace: self.world.scene().trace.clone(),
                });
            }
            step(&self.world, &mut self.crew).await;
            self.holds()?;
        }
        Ok(())
    }

    /// Lets time pass until the rollout is in `phase`.
    ///
    /// # Errors
    /// When an invariant does not hold, or it takes more than an hour.
    pub async fn reaches(&mut self, phase: Phase) -> Result<(), Missed> {
        let what = format!("phase {phase:?}");
        self.until(&what, |state| state.scoring.phase == phase)
            .await
    }

    fn holds(&self) -> Result<(), Missed> {
        let scene = self.world.scene();
        match &scene.violation {
            None => Ok(()),
            Some(Violation { invariant, how }) => Err(Missed::Violation {
                invariant,
                how: how.clone(),
                trace: scene.trace.clone(),
            }),
        }
    }

    // ---- what is there ----

    /// The state as it was last saved.
    #[must_use]
    pub fn state(&self) -> Option<PlatformState> {
        self.world.scene().land.ledger.state.clone()
    }

    /// Where the rollout stands.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        let scene = self.world.scene();
        scene.land.ledger.state.as_ref().map(|it| it.scoring.phase)
    }

    /// Listens to the calls that change the platform itself from now on.
    pub fn listen(&mut self) {
        self.world.scene().land.ledger.heard = Some(Vec::new());
    }

    /// What was heard since, in the words of a plan.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        let scene = self.world.scene();
        scene.land.ledger.heard.clone().unwrap_or_default()
    }

    /// What the world's clock says.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.world.timeline().now()
    }

    /// The spec as it was last submitted.
    #[must_use]
    pub fn spec(&self) -> &LoanPlatformSpec {
        &self.desk.spec
    }

    /// Calls that changed the platform itself, by whomever.
    #[must_use]
    pub fn platform_calls(&self) -> u64 {
        self.world.scene().land.ledger.mutations
    }

    /// Mutating calls that a controller has begun, renewals of the lease not counted.
    #[must_use]
    pub fn calls_of(&self, controller: usize) -> u64 {
        let scene = self.world.scene();
        scene.seats.get(controller).map_or(0, |seat| seat.calls)
    }

    /// Whether an alarm has ever fired.
    #[must_use]
    pub fn has_fired(&self, alarm: &str) -> bool {
        let scene = self.world.scene();
        let name = AlarmName(alarm.to_owned());
        let beginning = crate::timeline::beginning();
        scene.land.ledger.firings(&name, beginning).next().is_some()
    }

    /// Whether there is a service.
    #[must_use]
    pub fn has_service(&self, service: ServiceName) -> bool {
        self.world.scene().land.fleet.service(service).is_some()
    }

    /// What happened lately.
    #[must_use]
    pub fn trace(&self) -> Trace {
        self.world.scene().trace.clone()
    }
}
