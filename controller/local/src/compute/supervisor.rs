//! The supervisor of one service: an actor that keeps its tasks as they are wanted.
//!
//! It takes in what happened, asks [`next_step`] what to do, and does it; nothing is decided here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::ports::ObservedService;
use jiff::Timestamp;
use tokio::sync::{Mutex, mpsc, watch};

use super::World;
use super::decide::{DrainReason, Step, is_gone, next_step, next_wake};
use super::environment::{self, DRAIN_DEADLINE_SECONDS};
use super::handle::{Ask, Handle, Letter};
use super::ledger::Key;
use super::observe::observed;
use super::output::Output;
use super::replica::{self, Birth, Event, Order, TaskEvent};
use super::state::{Life, Refusal, Replica, Rollout, Service, Wanted};
use super::task_log::TaskLog;
use crate::front::{Backends, PlatformAddresses, Target};

/// Asks that may wait; more find the service busy.
const MAILBOX: usize = 32;
/// Events of tasks that may wait; a task waits for room.
const EVENTS: usize = 128;
/// Beyond a task's own drain deadline before it is killed.
const DRAIN_GRACE: Duration = Duration::from_secs(DRAIN_DEADLINE_SECONDS + 5);
/// Rounds of deciding and doing for one event: far above what converges.
const MAX_ROUNDS: usize = 8;

/// Starts the supervisor of a service.
pub(crate) fn start(
    world: Arc<World>,
    key: Key,
    wanted: Wanted,
    backends: Arc<Backends>,
    addresses: PlatformAddresses,
) -> Handle {
    let (asks, inbox) = mpsc::channel(MAILBOX);
    let (events, happened) = mpsc::channel(EVENTS);
    let service = Service::new(wanted);
    let (publish, observed) = watch::channel(observed(&key, &service, &addresses));
    let supervisor = Supervisor {
        world,
        key,
        service,
        backends,
        addresses,
        orders: BTreeMap::new(),
        events,
        publish,
        numbered: 0,
        stopping: false,
    };
    tokio::spawn(supervisor.run(inbox, happened));
    Handle { asks, observed }
}

struct Supervisor {
    world: Arc<World>,
    key: Key,
    service: Service,
    backends: Arc<Backends>,
    addresses: PlatformAddresses,
    orders: BTreeMap<String, mpsc::Sender<Order>>,
    events: mpsc::Sender<TaskEvent>,
    publish: watch::Sender<ObservedService>,
    numbered: u64,
    /// The home stops: what is wanted stays as it was kept.
    stopping: bool,
}

impl Supervisor {
    async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Letter>,
        mut happened: mpsc::Receiver<TaskEvent>,
    ) {
        self.converge().await;
        while !is_gone(&self.service) {
            let now = Instant::now();
            let wake = next_wake(&self.service, now).unwrap_or(now + Duration::from_secs(3600));
            tokio::select! {
                Some((ask, taken)) = inbox.recv() => {
                    self.take(ask);
                    self.show().await;
                    // Who asked may have gone; what was asked for stands.
                    taken.send(()).ok();
                }
                Some((id, event)) = happened.recv() => self.note(&id, event),
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            self.converge().await;
        }
        if !self.stopping
            && let Err(error) = self.world.ledger.forget(&self.key).await
        {
            tracing::error!(%error, "a removed service is still on record");
        }
    }

    fn take(&mut self, ask: Ask) {
        let wanted = &mut self.service.wanted;
        match ask {
            Ask::Update {
                template,
                count,
                scaling,
            } => {
                wanted.removing = false;
                wanted.scaling = scaling;
                wanted.set_count(count.unwrap_or(wanted.count));
                wanted.deploy(template, deployment_id);
            }
            Ask::Deploy(template) => wanted.deploy(template, deployment_id),
            Ask::Scale { count, scaling } => {
                wanted.scaling = scaling;
                wanted.set_count(count);
            }
            Ask::Remove => wanted.removing = true,
            Ask::Stop => {
                self.stopping = true;
                wanted.removing = true;
            }
        }
    }

    fn note(&mut self, id: &str, event: Event) {
        let now = Instant::now();
        match event {
            Event::Listening(address) => {
                if let Some(replica) = self.service.replica_mut(id) {
                    replica.address = Some(address);
                }
            }
            Event::Checked(report) => {
                if let Some(replica) = self.service.replica_mut(id) {
                    replica.unready = report.reason;
                    replica.settings = report.settings.or_else(|| replica.settings.take());
                    replica.checked(report.ready, now);
                }
            }
            Event::Ended(why) => {
                self.orders.remove(id);
                self.note_end(id, &why, now);
            }
        }
    }

    fn note_end(&mut self, id: &str, why: &str, now: Instant) {
        let task = self.task_name(id);
        let Some(replica) = self.service.replica_mut(id) else {
            return;
        };
        let why = match &replica.unready {
            Some(reason) if replica.killed => format!("not ready in time: {reason}; {why}"),
            _ => why.to_owned(),
        };
        if replica.is_draining() {
            tracing::info!(%task, "drained");
        } else {
            tracing::warn!(%task, "ended: {why}");
        }
        self.service.ended(id, &why, now);
    }

    /// Decides and does until nothing is left to do now.
    async fn converge(&mut self) {
        self.show().await;
        for _ in 0..MAX_ROUNDS {
            let steps = next_step(&self.service, Instant::now());
            if steps.is_empty() {
                return;
            }
            for step in steps {
                self.perform(step).await;
            }
            self.show().await;
        }
    }

    /// Brings everyone up to date: the front, observers, the record.
    async fn show(&mut self) {
        self.backends
            .set(self.service.replicas.iter().filter_map(target));
        self.publish
            .send_replace(observed(&self.key, &self.service, &self.addresses));
        if !self.stopping
            && let Err(error) = self
                .world
                .ledger
                .keep(&self.key, &self.service.wanted)
                .await
        {
            tracing::error!(%error, "what is wanted of a service cannot be kept");
        }
    }

    async fn perform(&mut self, step: Step) {
        match step {
            Step::Start => self.start_task().await,
            Step::Drain { id, why } => self.drain(&id, why),
            Step::Kill { id, why } => {
                tracing::warn!(task = %self.task_name(&id), ?why, "killing");
                if let Some(replica) = self.service.replica_mut(&id) {
                    replica.killed = true;
                }
                self.order(&id, Order::Kill);
            }
            Step::Complete => {
                let wanted = &mut self.service.wanted;
                wanted.progress = Rollout::Completed;
                wanted.stable = Some(wanted.deployment.clone());
            }
        }
    }

    fn drain(&mut self, id: &str, why: DrainReason) {
        tracing::info!(task = %self.task_name(id), ?why, "draining");
        let backend = self.backends.remove(id);
        let deadline = Instant::now() + DRAIN_GRACE;
        if let Some(replica) = self.service.replica_mut(id) {
            replica.life = Life::Draining { deadline };
        }
        if why == DrainReason::Unhealthy {
            self.service.wanted.restarts += 1;
        }
        self.order(id, Order::Drain(backend));
    }

    fn order(&mut self, id: &str, order: Order) {
        if let Some(orders) = self.orders.get(id) {
            // Full or closed: it has been told already, or has ended.
            drop(orders.try_send(order));
        }
    }

    async fn start_task(&mut self) {
        let id = task_id();
        match self.launch(&id).await {
            Ok(replica) => {
                tracing::info!(task = %self.task_name(&id), pid = replica.pid, "started");
                self.service.replicas.push(replica);
            }
            Err(refusal) => {
                tracing::warn!(task = %self.task_name(&id), "cannot start: {refusal}");
                self.service.refused(&refusal, Instant::now());
            }
        }
    }

    async fn launch(&mut self, id: &str) -> Result<Replica, Refusal> {
        let deployment = self.service.wanted.target().clone();
        let (platform, service) = &self.key;
        let world = &self.world;
        let program = environment::program_of(&deployment.template.image, &world.programs_dir)
            .map_err(|error| Refusal::ForGood(error.to_string()))?;
        let command = world
            .surroundings(&self.key, &self.addresses)
            .command(&program);
        let log = TaskLog::create(&world.state_dir.task_log(platform, *service, id))
            .map_err(|error| Refusal::ForNow(format!("its log cannot be written: {error}")))?;
        let birth = Birth {
            id: id.to_owned(),
            command,
            output: Output {
                source: self.task_name(id).into(),
                log: Arc::new(Mutex::new(log)),
                metrics: Arc::clone(&world.metrics),
            },
            client: world.client.clone(),
            events: self.events.clone(),
        };
        let running = replica::start(&world.launcher, birth)
            .await
            .map_err(|error| {
                Refusal::ForNow(format!("{} cannot be run: {error}", program.display()))
            })?;
        self.orders.insert(id.to_owned(), running.orders);
        self.numbered += 1;
        Ok(Replica {
            id: id.to_owned(),
            deployment: deployment.id,
            number: self.numbered,
            life: Life::Starting,
            started: Instant::now(),
            ready_at: None,
            started_at: Timestamp::now(),
            pid: running.pid,
            address: None,
            settings: None,
            killed: false,
            unready: None,
        })
    }

    fn task_name(&self, id: &str) -> String {
        format!("{}/{}-{id}", self.key.0, self.key.1)
    }
}

/// A task that traffic can go to.
fn target(replica: &Replica) -> Option<Target> {
    let address = replica.address.filter(|_| replica.is_ready())?;
    Some(Target {
        id: replica.id.clone(),
        address,
    })
}

/// An id like the last part of an ECS task's, short enough to read out.
fn task_id() -> String {
    short_id(8)
}

pub(super) fn deployment_id() -> String {
    format!("deploy-{}", short_id(12))
}

fn short_id(length: usize) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    id.chars().take(length).collect()
}
