//! The scene: everything of a world that changes, behind its lock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine::lease::LEASE_PATH;
use engine::ports::{DocumentVersion, Expected, PortError, ServiceChange, TaskTemplate};
use engine::state::PlatformState;
use jiff::Timestamp;
use schema::names::{PlatformName, ServiceName};
use schema::platform::AlarmName;

use super::call::{Call, Caller};
use super::fleet::{Fleet, Posted, Taken};
use super::ledger::{Ledger, news};
use super::monitor::Monitor;
use super::quota::{Quota, Quotas};
use super::seat::{Crash, Seat};
use super::shelf::Shelf;
use super::traffic::serve;
use super::weather::{Api, Faults};
use super::{Climate, Traffic};
use crate::dice::Dice;
use crate::invariants::{Court, Event, Violation};
use crate::timeline::{Timeline, after};
use crate::trace::Trace;

/// How often services say that they are there.
const REPORTS_EVERY: Duration = Duration::from_secs(60);
/// How long after an outage a controller may still be held up by it: its longest backoff, and more.
const GRACE: Duration = Duration::from_secs(150);

/// What can be looked at to judge an invariant.
#[derive(Debug)]
pub(crate) struct Land {
    pub(crate) timeline: Timeline,
    pub(crate) fleet: Fleet,
    pub(crate) monitor: Monitor,
    pub(crate) shelf: Shelf,
    pub(crate) ledger: Ledger,
}

impl Land {
    pub(crate) fn now(&self) -> Timestamp {
        self.timeline.now()
    }
}

/// Everything of a world that changes.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) land: Land,
    pub(crate) seats: Vec<Seat>,
    pub(crate) faults: Faults,
    pub(crate) dice: Dice,
    pub(crate) trace: Trace,
    pub(crate) violation: Option<Violation>,
    /// Share of scoring calls that fail because the provider is down.
    pub(crate) provider_outage: f64,
    pub(crate) traffic: Traffic,
    /// Another tool that has counts of its own in mind.
    pub(crate) rival: Option<Rival>,
    court: Court,
    quotas: Quotas,
    posted: Posted,
    base_failures: f64,
    step: Duration,
    served_at: Duration,
    reported_at: Option<Duration>,
}

/// Another tool that writes a service's count when it finds another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rival {
    pub(crate) service: ServiceName,
    pub(crate) count: u32,
    /// How often it looks.
    pub(crate) every: Duration,
    /// When it looks next.
    pub(crate) looks_at: Duration,
}

/// What becomes of a mutating call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    pub(super) lands_in: Duration,
    pub(super) answers_in: Duration,
    pub(super) crash: Option<Crash>,
    pub(super) answer_is_lost: bool,
}

/// The platform that every world has.
pub(crate) fn platform() -> PlatformName {
    // The name is valid; were it not, there would be no world to test.
    #[expect(clippy::expect_used, reason = "a constant that is valid")]
    PlatformName::try_from("prod").expect("a platform's name")
}

impl Scene {
    pub(super) fn new(climate: &Climate, timeline: Timeline) -> Self {
        let mut dice = Dice::new(climate.seed);
        let trace = if climate.whole_trace {
            Trace::whole()
        } else {
            Trace::short()
        };
        Self {
            land: Land {
                timeline,
                fleet: Fleet::new(platform(), dice.fork()),
                monitor: Monitor::new(platform(), climate.judging_delay_ms),
                shelf: Shelf::default(),
                ledger: Ledger::default(),
            },
            seats: Vec::new(),
            faults: climate.faults.clone(),
            trace,
            violation: None,
            provider_outage: 0.0,
            traffic: climate.traffic,
            rival: None,
            court: Court::default(),
            quotas: Quotas::of_an_account(timeline.now()),
            posted: BTreeMap::new(),
            base_failures: climate.base_failures,
            step: Duration::from_secs(climate.step_s.into()),
            served_at: Duration::ZERO,
            reported_at: None,
            dice,
        }
    }

    pub(crate) fn note(&mut self, text: String) {
        let now = self.land.now();
        self.trace.note(now, text);
    }

    /// Has the invariants look at an event.
    pub(crate) fn judge(&mut self, event: &Event<'_>) {
        if self.violation.is_none() {
            self.violation = self.court.judge(event, &self.land);
        }
    }

    // ---- time ----

    /// Lets the world go on until now: tasks, traffic, alarms.
    pub(crate) fn tick(&mut self, step: Duration) {
        let now = self.land.now();
        self.let_the_rival_look();
        self.advance_fleet(now);
        self.serve_until(self.land.timeline.passed());
        for moved in self.land.monitor.tick(now) {
            self.note(format!(
                "alarm {} is {:?} after {:?}: {}",
                moved.name, moved.to, moved.from, moved.reason
            ));
            self.judge(&Event::Turned(&moved));
            self.land.ledger.transitions.push(moved);
        }
        self.land.ledger.look_at(&self.land.fleet, now);
        let able = self.is_able();
        self.judge(&Event::Tick { step, able });
    }

    fn let_the_rival_look(&mut self) {
        let passed = self.land.timeline.passed();
        let due = self.rival.as_mut().filter(|it| it.looks_at <= passed);
        if let Some(rival) = due {
            rival.looks_at = passed + rival.every;
            let (service, count) = (rival.service, rival.count);
            self.scale(service, count, "another tool");
        }
    }

    pub(super) fn advance_fleet(&mut self, now: Timestamp) {
        for offended in self.land.fleet.advance(now, &self.posted) {
            self.judge(&Event::Offended(&offended));
        }
    }

    fn serve_until(&mut self, passed: Duration) {
        while self.served_at + self.step <= passed {
            let rate = self.traffic.rate(self.served_at);
            let base = self.base_failures.max(self.provider_outage);
            let fleet = &self.land.fleet;
            let sample = serve(fleet, rate, base, self.step, &mut self.dice);
            let at = after(crate::timeline::beginning(), self.served_at);
            self.land.monitor.record(sample, at);
            self.land.ledger.serve(sample, at);
            self.served_at += self.step;
        }
        let due = self
            .reported_at
            .is_none_or(|at| at + REPORTS_EVERY <= passed);
        if due {
            self.reported_at = Some(passed);
            self.report();
        }
    }

    /// The services say which settings they have.
    fn report(&self) {
        let mut sequences = BTreeMap::new();
        for (name, service) in self.land.fleet.services() {
            let served = service.serving().filter_map(|task| task.settings());
            if let Some(sequence) = served.map(|taken| taken.order.1).min() {
                sequences.insert(*name, sequence);
            }
        }
        self.land.monitor.hear(&sequences, self.land.now());
    }

    /// Whether a controller that holds the lease can do its work.
    fn is_able(&self) -> bool {
        let passed = self.land.timeline.passed();
        let holder = self.land.ledger.lease.as_ref();
        let holder = holder.and_then(|lease| lease.holder.as_deref());
        let works = |seat: &Seat| seat.holder.as_deref() == holder && !seat.is_paused(passed);
        holder.is_some()
            && self.seats.iter().any(works)
            && !self.faults.disturbs(passed, GRACE)
            && self.faults.others_load < 90.0
    }

    /// The controller that holds the lease.
    pub(crate) fn leader(&self) -> Option<usize> {
        let holder = self.land.ledger.lease.as_ref()?.holder.as_deref()?;
        let mut seats = self.seats.iter();
        seats.position(|seat| seat.holder.as_deref() == Some(holder))
    }

    // ---- calls ----

    pub(super) fn latency(&mut self) -> Duration {
        if self.dice.happens(self.faults.slow) {
            self.dice.pause(1_000..=7_000)
        } else {
            self.dice.pause(20..=300)
        }
    }

    /// The controller looks at something: if it is to stand still within a round, it does so now.
    pub(super) fn may_fall_asleep(&mut self, caller: &Caller) {
        let passed = self.land.timeline.passed();
        let seat = self.seats.get_mut(caller.seat);
        if let Some(still) = seat.and_then(|seat| seat.falls_asleep(passed)) {
            let seconds = still.as_secs();
            self.note(format!(
                "{} stands still for {seconds} s within a round",
                caller.holder
            ));
        }
    }

    /// Whether the controller crashes at the call that it makes now.
    pub(super) fn crashes(&mut self) -> bool {
        let percent = self.faults.crashes;
        self.dice.happens(percent / 3.0)
    }

    pub(super) fn begin(&mut self, caller: &Caller, call: &Call) -> Fate {
        self.judge(&Event::Started(caller, call));
        let slow = self.dice.happens(self.faults.slow);
        let lands_in = self.dice.pause(if slow { 500..=4_500 } else { 10..=150 });
        let answers_in = self.dice.pause(if slow { 10..=6_000 } else { 10..=150 });
        let crashes = self.dice.happens(self.faults.crashes);
        let drawn = if self.dice.happens(50.0) {
            Crash::Before
        } else {
            Crash::After
        };
        let seat = self.seats.get_mut(caller.seat);
        let counted = !call.is_for_the_lease();
        let scripted = seat.filter(|_| counted).and_then(Seat::counts);
        Fate {
            lands_in,
            answers_in,
            crash: scripted.or_else(|| crashes.then_some(drawn)),
            answer_is_lost: self.dice.happens(self.faults.lost_answers),
        }
    }

    /// Whether the API takes a call at all, now.
    pub(super) fn admit(
        &mut self,
        api: Api,
        quota: Option<fn(&mut Quotas) -> &mut Quota>,
        action: &dyn std::fmt::Display,
    ) -> Result<(), PortError> {
        let (now, passed) = (self.land.now(), self.land.timeline.passed());
        if self.faults.is_down(api, passed) {
            return Err(PortError::unavailable(action.to_string(), "503"));
        }
        if let Some(quota) = quota
            && !quota(&mut self.quotas).take(now, self.faults.others_load)
        {
            return Err(throttled(action));
        }
        if self.dice.happens(self.faults.errors) {
            return Err(PortError::unavailable(action.to_string(), "500"));
        }
        Ok(())
    }

    fn let_through_the_rush(&self, call: &Call) -> Result<(), PortError> {
        if matches!(call, Call::Apply(_)) && self.faults.is_rush(self.land.timeline.passed()) {
            return Err(throttled(call));
        }
        Ok(())
    }

    /// A mutating call takes effect, if the API takes it.
    pub(super) fn land(&mut self, caller: &Caller, call: &Call) -> Result<(), PortError> {
        self.admit(call.api(), quota_of(call), call)?;
        self.let_through_the_rush(call)?;
        self.judge(&Event::Landing(caller, call));
        if call.touches_the_platform() {
            self.land.ledger.mutations += 1;
            if let Some(heard) = &mut self.land.ledger.heard {
                heard.push(call.as_planned());
            }
            self.note(format!("{}: {call}", caller.holder));
        }
        let now = self.land.now();
        match call {
            Call::Apply(change) => {
                if self.dice.happens(self.faults.stale_reads) {
                    self.land.fleet.lag_behind(now);
                }
                let unlucky = self.faults.unlucky_deployments;
                self.land.fleet.apply(change, now, unlucky)?;
            }
            Call::PutAlarm(definition) => {
                self.land.monitor.put(definition, now)?;
                self.alarm_written(&definition.name);
            }
            Call::DeleteAlarm(name) => {
                self.land.monitor.delete(name);
                self.alarm_written(name);
            }
            Call::Delete(path) => {
                self.land.shelf.delete(path);
                self.removed(path);
            }
            Call::PutSettings(_) | Call::Put(_) => {}
        }
        Ok(())
    }

    fn removed(&mut self, path: &str) {
        if path.starts_with("state/") {
            self.land.ledger.forget_the_platform();
        }
        let service = ServiceName::ALL
            .into_iter()
            .find(|service| path.ends_with(&format!("/{service}.json")));
        if let Some(service) = service.filter(|_| path.starts_with("settings/")) {
            self.posted.remove(&service);
        }
    }

    fn alarm_written(&mut self, name: &AlarmName) {
        let written = (name.clone(), self.land.now());
        self.land.ledger.alarm_writes.push(written);
    }

    /// A document is written, if what is expected of it holds.
    pub(super) fn put(
        &mut self,
        caller: &Caller,
        call: &Call,
        path: &str,
        bytes: Bytes,
        expected: &Expected,
    ) -> Result<DocumentVersion, PortError> {
        let spurious = self.dice.happens(self.faults.spurious_conflicts);
        if spurious || !self.land.shelf.matches(path, expected) {
            return Err(PortError::Conflict {
                path: path.to_owned(),
            });
        }
        self.land(caller, call)?;
        if let Call::PutSettings(document) = call {
            let taken = Arc::new(Taken::of(document));
            self.posted.insert(document.service, taken);
        }
        if path == LEASE_PATH {
            self.lease_written(&bytes);
        } else if call.writes_state() {
            self.state_written(caller, &bytes);
        }
        Ok(self.land.shelf.put(path, bytes))
    }

    fn lease_written(&mut self, bytes: &Bytes) {
        let before = self.land.ledger.lease.take();
        self.land.ledger.lease = serde_json::from_slice(bytes).ok();
        if self.land.ledger.lease != before {
            let lease = self.land.ledger.lease.clone();
            let (epoch, holder) = lease.map_or((0, None), |lease| (lease.epoch, lease.holder));
            let holder = holder.unwrap_or_else(|| "nobody".to_owned());
            self.note(format!("the lease is held by {holder}, epoch {epoch}"));
        }
    }

    fn state_written(&mut self, caller: &Caller, bytes: &Bytes) {
        let Ok(state) = serde_json::from_slice::<PlatformState>(bytes) else {
            self.note(format!(
                "{} wrote a state that cannot be read",
                caller.holder
            ));
            return;
        };
        let before = self.land.ledger.save(state);
        let after = self.land.ledger.state.clone();
        let Some(after) = after else { return };
        self.note_progress(caller, before.as_ref(), &after);
        self.judge(&Event::Saved {
            by: caller,
            before: before.as_ref(),
            after: &after,
        });
    }

    fn note_progress(
        &mut self,
        caller: &Caller,
        before: Option<&PlatformState>,
        after: &PlatformState,
    ) {
        let phase = before.map(|before| before.scoring.phase);
        if phase != Some(after.scoring.phase) {
            self.note(format!(
                "{}: saved phase {:?}",
                caller.holder, after.scoring.phase
            ));
        }
        for entry in news(before, after) {
            self.note(format!(
                "{}: {:?} {}: {}",
                caller.holder, entry.kind, entry.reason, entry.message
            ));
        }
    }

    // ---- people ----

    /// Somebody writes the spec file, or removes it.
    pub(crate) fn submit(&mut self, path: &str, text: Option<String>) {
        let lag = self.dice.happens(self.faults.lagging_lists * 3.0);
        if lag {
            let until = after(self.land.now(), self.dice.pause(500..=2_500));
            self.land.shelf.lag_behind(until);
        }
        match text {
            Some(text) => {
                self.land.shelf.put(path, text.into());
            }
            None => self.land.shelf.delete(path),
        }
    }

    /// Somebody or something past the controller gives a service another count.
    pub(crate) fn scale(&mut self, service: ServiceName, count: u32, who: &str) {
        let found = self.land.fleet.service(service);
        let Some(found) = found.filter(|found| found.desired() != count) else {
            return;
        };
        let change = ServiceChange::Scale {
            platform: platform(),
            service,
            count,
            scaling: found.scaling(),
        };
        self.note(format!("{who} scales {service} to {count}"));
        self.land.ledger.counts_touched_at = Some(self.land.now());
        // A service that is not there cannot be scaled, and is not.
        drop(
            self.land
                .fleet
                .apply(&change, self.land.timeline.now(), 0.0),
        );
    }

    /// Somebody has a service run something else, or start all tasks afresh.
    pub(crate) fn redeploy(&mut self, service: ServiceName, template: Option<TaskTemplate>) {
        let now = self.land.now();
        if service == ServiceName::Scoring {
            self.land.ledger.scoring_touched_at = Some(now);
        }
        self.land.fleet.redeploy(service, template, now);
    }

    /// Somebody writes or removes an alarm.
    pub(crate) fn rewrite_alarm(&mut self, name: &AlarmName, threshold: Option<f64>) {
        let now = self.land.now();
        match threshold {
            Some(threshold) => {
                let Some(found) = self.land.monitor.alarm(name) else {
                    return;
                };
                let mut definition = found.definition;
                definition.threshold = threshold;
                // It was there a moment ago, so there is room for it.
                drop(self.land.monitor.put(&definition, now));
            }
            None => self.land.monitor.delete(name),
        }
        self.alarm_written(name);
    }
}

fn throttled(action: &dyn std::fmt::Display) -> PortError {
    PortError::unavailable(action.to_string(), "ThrottlingException: Rate exceeded")
}

fn quota_of(call: &Call) -> Option<fn(&mut Quotas) -> &mut Quota> {
    match call.api() {
        Api::Ecs => Some(|quotas| &mut quotas.modify_services),
        Api::CloudWatch => Some(|quotas| &mut quotas.put_alarms),
        Api::S3 => None,
    }
}
