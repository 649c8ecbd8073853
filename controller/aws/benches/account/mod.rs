//! An AWS account in memory: ECS, CloudWatch and S3 as far as the controller uses them, in simulated time.
//!
//! It answers on the wire, so that the real SDK speaks to it, and it throttles what goes beyond the documented
//! quotas.

mod clock;
mod cloudwatch;
mod ecs;
mod ledger;
mod objects;
mod quotas;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_adapter::InProcess;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use cloudwatch::CloudWatch;
use ecs::Ecs;
use objects::{Objects, Settings};
use quotas::Buckets;
use wire::{Operation, Refusal, Reply};

use crate::measuring::{cpu, resident_mib};

pub(crate) use clock::SimulatedClock;
pub(crate) use ledger::Ledger;
pub(crate) use quotas::Quotas;

/// Shortest time that an API takes to answer, and by how much it may be longer.
const LATENCY: (Duration, u64) = (Duration::from_millis(30), 50);

/// The account. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    state: Arc<Mutex<State>>,
    objects: Arc<Objects>,
    clock: SimulatedClock,
    /// What was resident when it was there and nothing else, in MiB. An empty one grows as it is filled: nothing is
    /// known of it.
    mib: f64,
}

#[derive(Debug)]
struct State {
    /// What answering took until now.
    cpu: Duration,
    ecs: Ecs,
    cloudwatch: CloudWatch,
    settings: Settings,
    buckets: Buckets,
    ledger: Ledger,
}

/// Everything that an account holds, to begin again with in another process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    at: Timestamp,
    ecs: Ecs,
    cloudwatch: CloudWatch,
    settings: Settings,
    objects: Vec<(String, String)>,
}

impl Account {
    /// An empty account.
    pub(crate) fn empty(start: Timestamp, quotas: Quotas) -> Self {
        let state = State {
            cpu: Duration::ZERO,
            ecs: Ecs::default(),
            cloudwatch: CloudWatch::default(),
            settings: Settings::default(),
            buckets: Buckets::full(quotas),
            ledger: Ledger::default(),
        };
        Self::of(SimulatedClock::starting_at(start), state)
    }

    /// The account of `snapshot`, `age` later.
    pub(crate) async fn restored(snapshot: Snapshot, age: Duration) -> Self {
        let clock = SimulatedClock::starting_at(snapshot.at + age);
        let state = State {
            cpu: Duration::ZERO,
            ecs: snapshot.ecs,
            cloudwatch: snapshot.cloudwatch,
            settings: snapshot.settings,
            buckets: Buckets::full(Quotas::Documented),
            ledger: Ledger::default(),
        };
        let mut account = Self::of(clock, state);
        for (path, text) in snapshot.objects {
            account.write(&path, text).await;
        }
        account.mib = resident_mib();
        account
    }

    fn of(clock: SimulatedClock, state: State) -> Self {
        let state = Arc::new(Mutex::new(state));
        Self {
            objects: Arc::new(Objects::new(Arc::clone(&state), clock)),
            state,
            clock,
            mib: 0.0,
        }
    }

    pub(crate) async fn snapshot(&self) -> Snapshot {
        let objects = self.objects.all().await;
        let state = self.state();
        Snapshot {
            at: self.clock.now(),
            ecs: state.ecs.clone(),
            cloudwatch: state.cloudwatch.clone(),
            settings: state.settings.clone(),
            objects,
        }
    }

    /// How the controller reaches it.
    pub(crate) fn in_process(&self) -> InProcess {
        InProcess {
            http: SharedHttpClient::new(self.clone()),
            store: Arc::clone(&self.objects) as _,
        }
    }

    /// CPU time that answering took until now; objects are not counted in.
    pub(crate) fn cpu(&self) -> Duration {
        self.state().cpu
    }

    /// What it takes of memory without a controller.
    pub(crate) const fn mib(&self) -> f64 {
        self.mib
    }

    pub(crate) const fn clock(&self) -> SimulatedClock {
        self.clock
    }

    /// What was called so far.
    pub(crate) fn ledger(&self) -> Ledger {
        self.state().ledger.clone()
    }

    /// An engineer writes an object.
    pub(crate) async fn write(&self, path: &str, text: String) {
        self.objects.write(path, text).await;
    }

    /// The alarm `name` of `platform` fires now.
    pub(crate) fn fire(&self, platform: &str, name: &str) {
        let now = self.clock.now();
        self.state()
            .cloudwatch
            .come_into("ALARM", platform, name, now);
    }

    /// The alarm `name` of `platform` clears now.
    pub(crate) fn clear(&self, platform: &str, name: &str) {
        let now = self.clock.now();
        self.state().cloudwatch.come_into("OK", platform, name, now);
    }

    /// When the first call was made, of those since `since`, that changed something of `platform`.
    pub(crate) fn first_change(&self, platform: &str, since: Instant) -> Option<Instant> {
        self.state().ledger.first_change(platform, since)
    }

    /// Services and alarms there are.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        let state = self.state();
        (state.ecs.services(), state.cloudwatch.alarms())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl HttpClient for Account {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Account {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let account = self.clone();
        HttpConnectorFuture::new(async move { Ok(account.answer(&request).await) })
    }
}

impl Account {
    async fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let way = self.state().ledger.latency(LATENCY) / 2;
        tokio::time::sleep(way).await;
        let began = cpu();
        let operation = Operation::of(request);
        let body = request.body().bytes().unwrap_or_default();
        let reply = self.state().answer(&operation, body, self.clock.now());
        let answer = wire::response(&operation, reply, self.clock.now());
        self.state().cpu += cpu() - began;
        tokio::time::sleep(way).await;
        answer
    }
}

impl State {
    fn answer(&mut self, operation: &Operation, body: &[u8], now: Timestamp) -> Reply {
        let family = quotas::family(&operation.name);
        let is_let_through = self.buckets.take(family);
        self.ledger.call(&operation.name, is_let_through);
        if !is_let_through {
            return Err(Refusal::throttled(operation));
        }
        let (reply, changed) = if operation.is_cbor {
            self.cloudwatch
                .answer(&operation.name, body, &self.settings, now)
        } else {
            self.ecs.answer(&operation.name, body, now)
        };
        if let Some(platform) = changed {
            self.ledger.changed(&operation.name, &platform);
        }
        reply
    }
}
