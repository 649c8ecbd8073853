//! The crew: the controllers of a world, each the unmodified engine, started, paused, crashed.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use engine::board::Board;
use engine::clock::Clock;
use engine::controller::{Ended, Hints, StartError, Terms, World as Ports, run};
use engine::lease::{LeaseTerms, Shared};
use engine::reconcile::Pace;
use engine::tally::Tally;
use futures::StreamExt;
use jiff::SignedDuration;
use tokio::sync::oneshot;

use crate::hints::hints;
use crate::world::{Caller, Line, Seat, World};

/// The pace of a controller in AWS.
const PACE: Pace = Pace {
    moving: Duration::from_secs(10),
    concurrency: 8,
    resync: Duration::from_secs(60),
    listing: Duration::from_secs(60),
    removal: Duration::from_secs(120),
};
const TTL: Duration = Duration::from_secs(30);
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

type Life = Pin<Box<dyn Future<Output = Result<Ended, StartError>> + Send>>;

/// The controllers of a world.
pub(crate) struct Crew {
    world: Arc<World>,
    members: Vec<Member>,
    hints: bool,
}

struct Member {
    /// How much its own clock is ahead of the world's.
    skew: SignedDuration,
    lives: u32,
    life: Option<Life>,
    stop: Option<oneshot::Sender<()>>,
    /// When it is started again.
    starts_at: Duration,
}

impl Crew {
    /// A crew with one controller for each of `skews`, the first started at once.
    pub(crate) fn new(world: &Arc<World>, skews: &[SignedDuration], hints: bool) -> Self {
        world
            .scene()
            .seats
            .resize_with(skews.len(), Default::default);
        let member = |(place, skew): (usize, &SignedDuration)| Member {
            skew: *skew,
            lives: 0,
            life: None,
            stop: None,
            starts_at: Duration::from_secs(if place == 0 { 0 } else { 20 }),
        };
        Self {
            world: Arc::clone(world),
            members: skews.iter().enumerate().map(member).collect(),
            hints,
        }
    }

    /// Ends a controller without a word; it starts again after `down`.
    pub(crate) fn crash(&mut self, place: usize, down: Duration) {
        self.end(place, down, "has crashed");
    }

    /// How many controllers there are.
    pub(crate) const fn len(&self) -> usize {
        self.members.len()
    }

    /// Has a controller stand still for so long.
    pub(crate) fn pause(&self, place: usize, still: Duration) {
        let until = self.world.timeline().passed() + still;
        let mut scene = self.world.scene();
        let Some(seat) = scene.seats.get_mut(place) else {
            return;
        };
        seat.paused_until = Some(until);
        if let Some(holder) = seat.holder.clone() {
            scene.note(format!("{holder} stands still for {} s", still.as_secs()));
        }
    }

    /// Has a controller stand still for so long in the middle of its next round: when it has looked, and
    /// before it does anything about it.
    pub(crate) fn pause_within_a_round(&self, place: usize, still: Duration) {
        if let Some(seat) = self.world.scene().seats.get_mut(place) {
            seat.pauses_next = Some(still);
        }
    }

    /// Asks a controller to stop, as a deployment of it does.
    pub(crate) fn stop(&mut self, place: usize) {
        if let Some(member) = self.members.get_mut(place) {
            drop(member.stop.take());
        }
    }

    fn end(&mut self, place: usize, down: Duration, how: &str) {
        let Some(member) = self.members.get_mut(place) else {
            return;
        };
        member.life = None;
        member.stop = None;
        member.starts_at = self.world.timeline().passed() + down;
        let mut scene = self.world.scene();
        let Some(seat) = scene.seats.get_mut(place) else {
            return;
        };
        seat.crashed = false;
        seat.paused_until = None;
        seat.pauses_next = None;
        if let Some(holder) = seat.holder.take() {
            scene.note(format!("{holder} {how}"));
        }
    }

    /// Runs everybody until the world has existed for `until`.
    pub(crate) async fn run_until(&mut self, until: Duration) {
        loop {
            self.start_due();
            let wake = self.next_change().unwrap_or(until).min(until);
            let sleep = tokio::time::sleep_until(self.world.timeline().at(wake));
            let mut sleep = std::pin::pin!(sleep);
            let world = Arc::clone(&self.world);
            let mut bell = std::pin::pin!(world.bell().notified());
            let due = poll_fn(|cx| {
                let rung = bell.as_mut().poll(cx).is_ready();
                let changed = self.poll_lives(cx);
                let passed = sleep.as_mut().poll(cx).is_ready();
                if rung || changed || passed {
                    Poll::Ready(passed)
                } else {
                    Poll::Pending
                }
            })
            .await;
            self.bury_crashed();
            if due && wake >= until {
                return;
            }
        }
    }

    /// Lets every controller that runs go on. Whether one has ended.
    fn poll_lives(&mut self, cx: &mut Context<'_>) -> bool {
        let mut changed = false;
        for place in 0..self.members.len() {
            let stands_still = {
                let passed = self.world.timeline().passed();
                let scene = self.world.scene();
                let seat = scene.seats.get(place);
                seat.is_some_and(|seat| {
                    seat.crashed || seat.wakes_at().is_some_and(|at| passed < at)
                })
            };
            let Some(member) = self.members.get_mut(place) else {
                continue;
            };
            let Some(life) = member.life.as_mut().filter(|_| !stands_still) else {
                continue;
            };
            if let Poll::Ready(ended) = life.as_mut().poll(cx) {
                let how = match ended {
                    Ok(Ended::Stopped) => "has stopped".to_owned(),
                    Ok(Ended::LeaseLost) => "has lost the lease".to_owned(),
                    Err(error) => format!("could not start: {error}"),
                };
                self.end(place, Duration::from_secs(3), &how);
                changed = true;
            }
        }
        changed
    }

    fn bury_crashed(&mut self) {
        let crashed: Vec<usize> = {
            let scene = self.world.scene();
            let seats = scene.seats.iter().enumerate();
            seats
                .filter(|(_, seat)| seat.crashed)
                .map(|(place, _)| place)
                .collect()
        };
        for place in crashed {
            let down = self.world.scene().dice.pause(2_000..=90_000);
            self.crash(place, down);
        }
    }

    /// When the next controller starts, or goes on after having stood still.
    fn next_change(&self) -> Option<Duration> {
        let passed = self.world.timeline().passed();
        let down = self.members.iter().filter(|member| member.life.is_none());
        let starts = down.map(|member| member.starts_at);
        let scene = self.world.scene();
        let wakes = scene.seats.iter().filter_map(Seat::wakes_at);
        starts.chain(wakes.filter(|at| *at > passed)).min()
    }

    fn start_due(&mut self) {
        let passed = self.world.timeline().passed();
        for place in 0..self.members.len() {
            let due = self
                .members
                .get(place)
                .is_some_and(|member| member.life.is_none() && member.starts_at <= passed);
            if due {
                self.start(place);
            }
        }
    }

    fn start(&mut self, place: usize) {
        let with_hints = self.hints;
        let Some(member) = self.members.get_mut(place) else {
            return;
        };
        member.lives += 1;
        let letter = if place == 0 { 'A' } else { 'B' };
        let holder: Arc<str> = format!("{letter}{}", member.lives).into();
        let caller = Caller {
            seat: place,
            holder: Arc::clone(&holder),
        };
        let line = Arc::new(Line {
            world: Arc::clone(&self.world),
            caller,
        });
        let (timeline, skew) = (self.world.timeline(), member.skew);
        let ports = Ports {
            compute: Arc::clone(&line) as _,
            alarms: Arc::clone(&line) as _,
            documents: line as _,
            clock: Clock::new(move || timeline.now() + skew),
            board: Arc::new(Board::default()),
            tally: Arc::new(Tally::default()),
        };
        let terms = Terms {
            pace: PACE,
            lease: LeaseTerms::Shared(Shared {
                holder: holder.to_string(),
                ttl: TTL,
                call_timeout: CALL_TIMEOUT,
            }),
        };
        let (stop, stopped) = oneshot::channel();
        member.stop = Some(stop);
        let hints = if with_hints {
            hints(&self.world)
        } else {
            Hints {
                specs: futures::stream::pending().boxed(),
                platforms: futures::stream::pending().boxed(),
            }
        };
        let shutdown = async move { drop(stopped.await) };
        member.life = Some(Box::pin(run(ports, terms, hints, shutdown)));
        let mut scene = self.world.scene();
        scene.note(format!("{holder} starts"));
        if let Some(seat) = scene.seats.get_mut(place) {
            seat.holder = Some(holder);
        }
    }
}
