//! People: who edit, click in consoles, deploy, and pull plugs.

mod disturbances;
mod edits;
mod upsets;

use std::sync::Arc;
use std::time::Duration;

use crate::crew::Crew;
use crate::desk::Desk;
use crate::dice::Dice;
use crate::world::{Faults, World};

/// Who does something, and when.
#[derive(Debug)]
pub(crate) struct People {
    dice: Dice,
    /// Dice of everybody else in the account, where they matter.
    crowd: Option<Dice>,
    /// What is still to be done, the next last.
    agenda: Vec<(Duration, Item)>,
    /// Numbers images, tokens and the like.
    counter: u32,
}

/// Something on the agenda.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Item {
    /// Somebody edits the spec.
    Edit,
    /// Somebody or something upsets the platform or a controller.
    Upset,
    /// The spec file is put back.
    PutBack,
    /// The provider fails this share of calls from now on.
    ProviderOutage(f64),
    /// Somebody holds changes while one is under way.
    Hold,
    /// The controller that holds the lease stands still, or crashes.
    Stall,
    /// The other tool is switched off.
    RivalLeaves,
    /// Somebody edits alarms that may be judging a change.
    EditGuards,
    /// Somebody adds tasks by hand.
    MoreTasks,
}

impl People {
    /// People who do so much within `active`, and a crowd beside them.
    pub(crate) fn drawn(
        mut dice: Dice,
        crowd: Option<Dice>,
        active: Duration,
        edits: u32,
        upsets: u32,
        provider_outages: u32,
    ) -> Self {
        let mut agenda = Vec::new();
        let some_time = |dice: &mut Dice| active.mul_f64(dice.level(0.01, 0.99));
        for _ in 0..edits {
            agenda.push((some_time(&mut dice), Item::Edit));
        }
        for _ in 0..upsets {
            agenda.push((some_time(&mut dice), Item::Upset));
        }
        for _ in 0..provider_outages {
            let from = some_time(&mut dice);
            let share = dice.level(0.1, 1.0);
            agenda.push((from, Item::ProviderOutage(share)));
            let until = from + dice.pause(30_000..=2_400_000);
            agenda.push((until, Item::ProviderOutage(0.0)));
        }
        agenda.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Self {
            dice,
            crowd,
            agenda,
            counter: 0,
        }
    }

    /// Does what is due.
    pub(crate) fn act(&mut self, world: &Arc<World>, desk: &mut Desk, crew: &mut Crew) {
        let passed = world.timeline().passed();
        while let Some((_, item)) = self.agenda.pop_if(|(at, _)| *at <= passed) {
            match item {
                Item::Edit => self.edit(world, desk),
                Item::Upset => self.upset(world, desk, crew),
                Item::PutBack => desk.submit("it is put back"),
                Item::ProviderOutage(share) => provider(world, share),
                Item::Hold => self.hold(desk),
                Item::Stall => self.stall(world, crew),
                Item::RivalLeaves => world.scene().rival = None,
                Item::EditGuards => self.edit_guards(desk),
                Item::MoreTasks => self.add_tasks(world),
            }
        }
    }

    /// Puts something on the agenda, so long from now.
    fn plan(&mut self, world: &Arc<World>, later: Duration, item: Item) {
        self.agenda.push((world.timeline().passed() + later, item));
        self.agenda.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    }

    fn number(&mut self) -> u32 {
        self.counter += 1;
        self.counter
    }

    /// Everybody goes home: whatever is broken for now is whole again.
    pub(crate) fn leave(&mut self, world: &Arc<World>, desk: &mut Desk) {
        self.agenda.clear();
        if !desk.is_there && self.dice.happens(50.0) {
            desk.submit("it is put back for good");
        }
        provider(world, 0.0);
        let mut scene = world.scene();
        scene.faults = Faults::default();
        scene.rival = None;
        scene.note("everybody goes home".to_owned());
    }
}

fn provider(world: &Arc<World>, share: f64) {
    let mut scene = world.scene();
    scene.provider_outage = share;
    scene.note(format!(
        "the provider fails {:.0} % of calls",
        share * 100.0
    ));
}
