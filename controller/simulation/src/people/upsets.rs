//! Upsets: what happens past the spec file, to the platform and to its controllers.

use std::sync::Arc;
use std::time::Duration;

use engine::ports::TaskTemplate;
use schema::names::ServiceName;
use schema::platform::{AlarmName, Image};

use super::{Item, People};
use crate::crew::Crew;
use crate::desk::Desk;
use crate::world::{Rival, World};

/// Kinds of upsets, and how often each happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upset {
    Crash,
    Pause,
    Restart,
    Scale,
    Deploy,
    Redeploy,
    DeleteAlarm,
    RewriteAlarm,
    MuteAlarm,
    TaskDies,
    Rival,
    Autoscaling,
}

const UPSETS: [(u32, Upset); 12] = [
    (20, Upset::Crash),
    (20, Upset::Pause),
    (10, Upset::Restart),
    (10, Upset::Scale),
    (6, Upset::Deploy),
    (6, Upset::Redeploy),
    (6, Upset::DeleteAlarm),
    (6, Upset::RewriteAlarm),
    (6, Upset::MuteAlarm),
    (8, Upset::TaskDies),
    (5, Upset::Rival),
    (8, Upset::Autoscaling),
];

impl People {
    pub(super) fn upset(&mut self, world: &Arc<World>, desk: &Desk, crew: &mut Crew) {
        let place = usize::from(crew.len() > 1 && self.dice.happens(50.0));
        match self.dice.weigh(&UPSETS).copied().unwrap_or(Upset::Crash) {
            Upset::Crash => {
                let down = self.dice.pause(1_000..=600_000);
                crew.crash(place, down);
            }
            Upset::Pause => {
                let still = self.dice.pause(5_000..=300_000);
                if self.dice.happens(50.0) {
                    crew.pause(place, still);
                } else {
                    crew.pause_within_a_round(place, still);
                }
            }
            Upset::Restart => crew.stop(place),
            Upset::Scale => {
                let (service, count) = (self.service(), self.dice.between(1..=8));
                world.scene().scale(service, count, "somebody");
            }
            Upset::Deploy => self.deploy(world),
            Upset::Redeploy => {
                let service = self.service();
                let mut scene = world.scene();
                scene.note(format!("somebody starts all tasks of {service} afresh"));
                scene.redeploy(service, None);
            }
            Upset::DeleteAlarm => self.rewrite_alarm(world, desk, false),
            Upset::RewriteAlarm => self.rewrite_alarm(world, desk, true),
            Upset::MuteAlarm => self.mute_alarm(world, desk),
            Upset::TaskDies => {
                let service = self.service();
                let mut scene = world.scene();
                scene.note(format!("a task of {service} dies"));
                scene.land.fleet.lose_a_task(service);
            }
            Upset::Rival => self.rival(world),
            Upset::Autoscaling => self.autoscale(world),
        }
    }

    /// Another tool writes a count for a while, against the spec.
    fn rival(&mut self, world: &Arc<World>) {
        let (service, count) = (self.service(), self.dice.between(1..=8));
        let lasting = self.dice.pause(300_000..=3_600_000);
        let every = self.dice.pause(5_000..=60_000);
        let mut scene = world.scene();
        scene.note(format!("another tool wants {count} tasks of {service}"));
        scene.rival = Some(Rival {
            service,
            count,
            every,
            looks_at: Duration::ZERO,
        });
        drop(scene);
        self.plan(world, lasting, Item::RivalLeaves);
    }

    /// Automatic scaling moves a count within its range.
    fn autoscale(&mut self, world: &Arc<World>) {
        let share = self.dice.level(0.0, 1.0);
        let mut scene = world.scene();
        let scaled = scene.land.fleet.services().find_map(|(name, service)| {
            let range = service.scaling()?;
            Some((*name, range.min_capacity.get(), range.max_capacity.get()))
        });
        if let Some((service, least, most)) = scaled {
            let more = f64::from(most - least) * share;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of a few tasks"
            )]
            let count = least + more.round() as u32;
            scene.scale(service, count, "automatic scaling");
        }
    }

    pub(super) fn service(&mut self) -> ServiceName {
        let services = [ServiceName::Scoring, ServiceName::LoanApi];
        self.dice
            .pick(&services)
            .copied()
            .unwrap_or(ServiceName::Scoring)
    }

    fn deploy(&mut self, world: &Arc<World>) {
        let (service, number) = (self.service(), self.number());
        let mut scene = world.scene();
        let Some(found) = scene.land.fleet.service(service) else {
            return;
        };
        let template = TaskTemplate {
            image: Image(format!("{service}:good-by-hand-{number}")),
            ..found.template().clone()
        };
        scene.note(format!("somebody deploys {} by hand", template.image));
        scene.redeploy(service, Some(template));
    }

    fn rewrite_alarm(&mut self, world: &Arc<World>, desk: &Desk, keep: bool) {
        let Some(name) = self.alarm(desk) else { return };
        let threshold = keep.then(|| f64::from(self.dice.between(1..=90)));
        let mut scene = world.scene();
        scene.note(format!(
            "somebody gives alarm {name} the threshold {threshold:?}"
        ));
        scene.rewrite_alarm(&name, threshold);
    }

    fn mute_alarm(&mut self, world: &Arc<World>, desk: &Desk) {
        let Some(name) = self.alarm(desk) else { return };
        let muted = self.dice.happens(60.0);
        let mut scene = world.scene();
        scene.note(format!("somebody mutes alarm {name}: {muted}"));
        scene.land.monitor.mute(&name, muted);
        scene.land.ledger.muted_at = Some(scene.land.now());
    }

    fn alarm(&mut self, desk: &Desk) -> Option<AlarmName> {
        let picked = self.dice.pick(&desk.spec.alarms);
        picked.map(|alarm| alarm.name.clone())
    }
}
