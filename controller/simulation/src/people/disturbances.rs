//! Disturbances: what comes at the worst of times, right after an edit.

use std::sync::Arc;
use std::time::Duration;

use schema::platform::Mode;

use super::{Item, People};
use crate::crew::Crew;
use crate::desk::Desk;
use crate::world::World;

/// Kinds of disturbances, and how often each comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disturbance {
    None,
    ProviderOutage,
    Hold,
    Stall,
    UnseenFiring,
    Guards,
    MoreTasks,
}

const DISTURBANCES: [(u32, Disturbance); 7] = [
    (40, Disturbance::None),
    (12, Disturbance::ProviderOutage),
    (12, Disturbance::Hold),
    (12, Disturbance::Stall),
    (8, Disturbance::UnseenFiring),
    (8, Disturbance::Guards),
    (8, Disturbance::MoreTasks),
];

/// How often everybody else deploys when somebody here edits, in percent.
const RUSH_PERCENT: f64 = 40.0;

impl People {
    /// An edit was made: something else may happen while it is rolled out.
    pub(super) fn disturb(&mut self, world: &Arc<World>) {
        self.rush(world);
        let kind = self.dice.weigh(&DISTURBANCES).copied();
        let soon = self.dice.pause(0..=90_000);
        match kind.unwrap_or(Disturbance::None) {
            Disturbance::None => {}
            Disturbance::ProviderOutage => {
                let share = self.dice.level(0.2, 1.0);
                let lasting = self.dice.pause(60_000..=600_000);
                self.plan(world, soon, Item::ProviderOutage(share));
                self.plan(world, soon + lasting, Item::ProviderOutage(0.0));
            }
            Disturbance::Hold => {
                let lasting = self.dice.pause(300_000..=1_800_000);
                self.plan(world, soon, Item::Hold);
                self.plan(world, soon + lasting, Item::Hold);
            }
            Disturbance::Stall => self.plan(world, soon, Item::Stall),
            // Long enough to make an alarm fire while the change is judged, and over before anybody looks
            // again.
            Disturbance::UnseenFiring => {
                let judged = soon * 2 + Duration::from_secs(70);
                self.plan(world, judged, Item::ProviderOutage(1.0));
                self.plan(world, judged, Item::Stall);
                let over = judged + Duration::from_secs(30);
                self.plan(world, over, Item::ProviderOutage(0.0));
            }
            Disturbance::Guards => {
                let later = self.dice.pause(30_000..=400_000);
                self.plan(world, later, Item::EditGuards);
            }
            Disturbance::MoreTasks => {
                for _ in 0..3 {
                    let later = self.dice.pause(30_000..=300_000);
                    self.plan(world, later, Item::MoreTasks);
                }
            }
        }
    }

    /// In some worlds everybody else may deploy at the same time, and the provider fail before it is this change's
    /// turn.
    fn rush(&mut self, world: &Arc<World>) {
        let Some(crowd) = self.crowd.as_mut() else {
            return;
        };
        if !crowd.happens(RUSH_PERCENT) {
            return;
        }
        let from = world.timeline().passed();
        let until = from + crowd.pause(300_000..=1_500_000);
        let soon = crowd.pause(20_000..=90_000);
        let lasting = crowd.pause(60_000..=400_000);
        let share = crowd.level(0.3, 1.0);
        let fails = crowd.happens(60.0);
        let mut scene = world.scene();
        scene.faults.rushes.push(from..until);
        scene.note("everybody else deploys, too".to_owned());
        drop(scene);
        if fails {
            self.plan(world, soon, Item::ProviderOutage(share));
            self.plan(world, soon + lasting, Item::ProviderOutage(0.0));
        }
    }

    /// Somebody adds tasks by hand.
    pub(super) fn add_tasks(&mut self, world: &Arc<World>) {
        let (service, count) = (self.service(), self.dice.between(6..=9));
        world.scene().scale(service, count, "somebody in a hurry");
    }

    /// Somebody holds changes, or lets them go on.
    pub(super) fn hold(&mut self, desk: &mut Desk) {
        let holds = [Mode::Observe, Mode::Suspend];
        let held = self.dice.pick(&holds).copied().unwrap_or_default();
        let mode = if desk.spec.mode == Mode::Enforce {
            held
        } else {
            Mode::Enforce
        };
        desk.edit(&format!("mode {mode:?}"), |spec| spec.mode = mode);
    }

    /// Whoever holds the lease stands still in the middle of a round, for longer than the lease lasts.
    pub(super) fn stall(&mut self, world: &Arc<World>, crew: &Crew) {
        let still = self.dice.pause(40_000..=300_000);
        // The scene is let go of before the crew takes it.
        let leader = world.scene().leader();
        if let Some(leader) = leader {
            crew.pause_within_a_round(leader, still);
        }
    }
}
