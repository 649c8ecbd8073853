//! A scenario: what a seed makes of a world, its controllers and its people.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::SignedDuration;

use crate::crew::Crew;
use crate::desk::{Desk, base};
use crate::dice::Dice;
use crate::invariants::{Event, Violation};
use crate::outcome::{Outcome, Tally};
use crate::people::People;
use crate::variety::vary;
use crate::world::{Climate, Faults, Traffic, World, rushes};

/// How often the world itself goes on, and invariants look at it.
pub(crate) const TICK: Duration = Duration::from_secs(5);
/// How long the world is left in peace before it must have converged.
const TAIL: Duration = Duration::from_secs(9_000);
/// Ten resyncs more, in which nothing may change.
const ENCORE: Duration = Duration::from_secs(600);

/// What happens in a world.
#[derive(Clone, Debug)]
pub struct Scenario {
    seed: u64,
    climate: Climate,
    /// How long people and faults are at work.
    active: Duration,
    skews: Vec<SignedDuration>,
    hints: bool,
    crowd: Option<Dice>,
    edits: u32,
    upsets: u32,
    provider_outages: u32,
}

/// A seed that no run has begun with before, and a thousand after it.
#[must_use]
pub fn fresh_seed() -> u64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH);
    passed.map_or(1, |passed| passed.as_secs() * 1_000)
}

impl Scenario {
    /// The scenario of a seed.
    #[must_use]
    pub fn drawn(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let active = Duration::from_secs(27_000);
        let calm = dice.happens(10.0);
        // With dice of their own, so that what a seed meant before there were any others it still means.
        let mut others = Dice::new(!seed);
        let faults = if calm {
            Faults::default()
        } else {
            Faults {
                rushes: rushes(&mut others, active),
                ..Faults::drawn(&mut dice, active)
            }
        };
        let controllers = if dice.happens(50.0) { 2 } else { 1 };
        let skew = |dice: &mut Dice| {
            SignedDuration::from_millis(i64::from(dice.between(0..=1_200_000)) - 600_000)
        };
        let skews = (0..controllers).map(|_| skew(&mut dice)).collect();
        Self {
            seed,
            climate: Climate {
                traffic: traffic(&mut dice),
                base_failures: dice.level(0.0, 0.01),
                judging_delay_ms: dice.between(2_000..=15_000),
                faults,
                ..Climate::calm(dice.fork().between(0..=u32::MAX).into())
            },
            active,
            skews,
            crowd: (!calm && others.happens(15.0)).then(|| others.fork()),
            hints: dice.happens(50.0),
            edits: dice.between(2..=14),
            upsets: if calm { 0 } else { dice.between(0..=10) },
            provider_outages: if dice.happens(30.0) {
                dice.between(1..=3)
            } else {
                0
            },
        }
    }

    /// The same scenario, with every event kept in its trace.
    #[must_use]
    pub fn with_whole_trace(mut self) -> Self {
        self.climate.whole_trace = true;
        self
    }

    /// Runs it, on a runtime of its own.
    #[must_use]
    pub fn run(&self) -> Outcome {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        match runtime {
            Ok(runtime) => runtime.block_on(self.play()),
            Err(error) => Outcome {
                seed: self.seed,
                simulated: Duration::ZERO,
                violation: Some(Violation {
                    invariant: "runs-at-all",
                    how: error.to_string(),
                }),
                trace: crate::trace::Trace::short(),
                tally: Tally::default(),
            },
        }
    }

    async fn play(&self) -> Outcome {
        let world = World::new(&self.climate);
        let mut crew = Crew::new(&world, &self.skews, self.hints);
        let mut spec = match base() {
            Ok(spec) => spec,
            Err(problems) => return self.outcome(&world, Some(problems.to_string())),
        };
        vary(&mut spec, &mut world.scene().dice.fork());
        let mut desk = Desk::new(&world, spec);
        desk.submit("the first time");
        let dice = world.scene().dice.fork();
        let mut people = People::drawn(
            dice,
            self.crowd.clone(),
            self.active,
            self.edits,
            self.upsets,
            self.provider_outages,
        );
        while self.goes_on(&world, self.active) {
            people.act(&world, &mut desk, &mut crew);
            step(&world, &mut crew).await;
        }
        if self.goes_on(&world, Duration::MAX) {
            people.leave(&world, &mut desk);
        }
        while self.goes_on(&world, self.active + TAIL) {
            step(&world, &mut crew).await;
        }
        world.scene().judge(&Event::AtRest);
        while self.goes_on(&world, self.active + TAIL + ENCORE) {
            step(&world, &mut crew).await;
        }
        world.scene().judge(&Event::StillAtRest);
        self.outcome(&world, None)
    }

    fn goes_on(&self, world: &Arc<World>, until: Duration) -> bool {
        world.timeline().passed() < until && world.scene().violation.is_none()
    }

    fn outcome(&self, world: &Arc<World>, problem: Option<String>) -> Outcome {
        let scene = world.scene();
        let own = problem.map(|how| Violation {
            invariant: "runs-at-all",
            how,
        });
        let ledger = &scene.land.ledger;
        Outcome {
            seed: self.seed,
            simulated: world.timeline().passed(),
            violation: scene.violation.clone().or(own),
            trace: scene.trace.clone(),
            tally: Tally {
                promoted: ledger.promoted.len(),
                rolled_back: ledger.rollbacks.len(),
                mutations: ledger.mutations,
            },
        }
    }
}

/// Lets everybody go on for a tick.
pub(crate) async fn step(world: &Arc<World>, crew: &mut Crew) {
    crew.run_until(world.timeline().passed() + TICK).await;
    world.scene().tick(TICK);
}

fn traffic(dice: &mut Dice) -> Traffic {
    match dice.between(0..=9) {
        0 => Traffic::None,
        // Datapoints of ten seconds and twenty samples: now and then one has enough.
        1 if dice.happens(60.0) => Traffic::Steady(dice.level(1.6, 2.2)),
        1 => Traffic::Steady(dice.level(0.3, 3.0)),
        2 => Traffic::Bursts(dice.level(3.0, 20.0)),
        3..=4 => Traffic::QuietNights(dice.level(4.0, 40.0)),
        _ => Traffic::Steady(dice.level(4.0, 40.0)),
    }
}
