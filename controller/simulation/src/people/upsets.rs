//! Upsets: what happens past the spec file, to the platform and to its controllers.

use std::sync::Arc;

use engine::ports::{ServiceChange, TaskTemplate};
use schema::names::ServiceName;
use schema::platform::{AlarmName, Image};

use super::People;
use crate::crew::Crew;
use crate::desk::Desk;
use crate::world::{World, platform};

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
}

const UPSETS: [(u32, Upset); 9] = [
    (20, Upset::Crash),
    (20, Upset::Pause),
    (10, Upset::Restart),
    (10, Upset::Scale),
    (6, Upset::Deploy),
    (6, Upset::Redeploy),
    (6, Upset::DeleteAlarm),
    (6, Upset::RewriteAlarm),
    (6, Upset::MuteAlarm),
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
            Upset::Scale => self.scale(world),
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
        }
    }

    fn service(&mut self) -> ServiceName {
        let services = [ServiceName::Scoring, ServiceName::LoanApi];
        self.dice
            .pick(&services)
            .copied()
            .unwrap_or(ServiceName::Scoring)
    }

    fn scale(&mut self, world: &Arc<World>) {
        let (service, count) = (self.service(), self.dice.between(1..=8));
        let mut scene = world.scene();
        scene.note(format!("somebody scales {service} to {count}"));
        let change = ServiceChange::Scale {
            platform: platform(),
            service,
            count,
            scaling: None,
        };
        let now = scene.land.now();
        // A service that is not there cannot be scaled, and is not.
        drop(scene.land.fleet.apply(&change, now, 0.0));
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
