//! The world: a small account in a simulated cloud, with one platform in it.

mod call;
mod fleet;
mod harm;
mod ledger;
mod line;
mod monitor;
mod quota;
mod scene;
mod seat;
mod shelf;
mod traffic;
mod weather;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::timeline::Timeline;
pub(crate) use call::{Call, Caller};
pub(crate) use fleet::Service;
pub use harm::{ImageKind, is_bad, kind_of};
pub(crate) use ledger::news;
pub(crate) use line::Line;
pub(crate) use scene::{Land, Rival, Scene, platform};
pub use seat::Crash;
pub(crate) use seat::Seat;
pub use traffic::Traffic;
pub(crate) use weather::rushes;
pub use weather::{Api, Faults, Outage};

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct Climate {
    /// What is left to chance falls by it.
    pub seed: u64,
    /// How traffic goes.
    pub traffic: Traffic,
    /// Share of scoring calls that fail whatever runs, from 0 to 1.
    pub base_failures: f64,
    /// Milliseconds that CloudWatch takes to judge a period that has ended.
    pub judging_delay_ms: u32,
    /// Length of one step of traffic, in seconds: no alarm's period may be shorter.
    pub step_s: u32,
    /// What goes wrong.
    pub faults: Faults,
    /// Whether every event is kept, not only the last ones.
    pub whole_trace: bool,
}

impl Climate {
    /// A world in which nothing goes wrong, with enough traffic to judge by.
    #[must_use]
    pub fn calm(seed: u64) -> Self {
        Self {
            seed,
            traffic: Traffic::Steady(10.0),
            base_failures: 0.002,
            judging_delay_ms: 5_000,
            step_s: 10,
            faults: Faults::default(),
            whole_trace: false,
        }
    }
}

/// A simulated world, shared by its controllers and whoever drives it.
#[derive(Debug)]
pub(crate) struct World {
    timeline: Timeline,
    scene: Mutex<Scene>,
    /// Rings when a controller crashes.
    bell: Notify,
}

impl World {
    /// Must be called within a tokio runtime whose time is paused.
    pub(crate) fn new(climate: &Climate) -> Arc<Self> {
        let timeline = Timeline::begin();
        Arc::new(Self {
            timeline,
            scene: Mutex::new(Scene::new(climate, timeline)),
            bell: Notify::new(),
        })
    }

    pub(crate) const fn timeline(&self) -> Timeline {
        self.timeline
    }

    /// A panic while the lock was held ends the run anyway.
    pub(crate) fn scene(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) const fn bell(&self) -> &Notify {
        &self.bell
    }
}
