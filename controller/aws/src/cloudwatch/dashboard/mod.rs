//! Dashboards: one a platform, with the golden signals of its services and of what they stand on.
//!
//! [`graphs`] and [`layout`] build the body, [`memory`] says when to ask for what is there, [`calls`] asks and
//! writes.

mod calls;
mod graphs;
mod layout;
mod memory;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use engine::ports::{DashboardState, Permit, PortError, Urgency};
use schema::infrastructure::{Infrastructure, Surroundings};
use schema::names::PlatformName;
use serde_json::Value;
use tokio::time::Instant;

use super::measure::Place;
use crate::caller::Caller;
use crate::quota::Family;
use calls::Calls;
use memory::{Memory, Next};

/// What the names of all dashboards of the controller begin with. Whatever else is in the account is somebody
/// else's.
const PREFIX: &str = "LoanPlatform-";

/// What tells one body from another, within this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Digest(u64);

impl Digest {
    fn of(body: &Value) -> Self {
        let mut hasher = DefaultHasher::new();
        body.to_string().hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// Keeps dashboards.
#[derive(Debug)]
pub(super) struct Dashboards {
    calls: Calls,
    infrastructure: Arc<ArcSwap<Infrastructure>>,
    memory: Mutex<Memory>,
}

impl Dashboards {
    /// `infrastructure` is what the account provides; a newer value counts from the next call on.
    pub(super) fn new(
        client: aws_sdk_cloudwatch::Client,
        caller: Arc<Caller>,
        infrastructure: Arc<ArcSwap<Infrastructure>>,
    ) -> Self {
        Self {
            calls: Calls { client, caller },
            infrastructure,
            memory: Mutex::default(),
        }
    }

    /// The dashboard of `platform`, from memory as far as it serves.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) async fn state(
        &self,
        platform: &PlatformName,
        wanted: bool,
    ) -> Result<DashboardState, PortError> {
        let wanted = wanted.then(|| Digest::of(&self.wanted_body(platform)));
        loop {
            let now = Instant::now();
            let next = self.memory().next(platform, wanted, now);
            match next {
                Next::Tell(state) => return Ok(state),
                Next::List => {
                    let names = self.calls.names().await?;
                    let platforms = names.iter().filter_map(|name| platform_of(name));
                    self.memory().listed(platforms, now);
                }
                Next::Read => {
                    let body = self.calls.read(&name(platform)).await;
                    self.remember(platform, body.map(|body| body.as_ref().map(Digest::of)))?;
                }
            }
        }
    }

    pub(super) async fn permit(&self, urgency: Urgency) -> Permit {
        let caller = &self.calls.caller;
        caller.permit(&[Family::Dashboards], urgency).await
    }

    /// Writes the dashboard of `platform` where one is `wanted`, else removes it.
    ///
    /// # Errors
    /// When it cannot be written or removed.
    pub(super) async fn keep(
        &self,
        platform: &PlatformName,
        wanted: bool,
        permit: Permit,
    ) -> Result<(), PortError> {
        let name = name(platform);
        permit.begin();
        let kept = if wanted {
            let body = self.wanted_body(platform);
            let written = self.calls.write(&name, &body).await;
            written.map(|()| Some(Digest::of(&body)))
        } else {
            self.calls.remove(&name).await.map(|()| None)
        };
        self.remember(platform, kept)
    }

    fn remember(
        &self,
        platform: &PlatformName,
        found: Result<Option<Digest>, PortError>,
    ) -> Result<(), PortError> {
        let now = Instant::now();
        match found {
            Ok(body) => self.memory().found(platform, body, now),
            Err(error) => {
                self.memory().failed(platform, now);
                return Err(error);
            }
        }
        Ok(())
    }

    fn wanted_body(&self, platform: &PlatformName) -> Value {
        let infrastructure = self.infrastructure.load();
        let surroundings = infrastructure.surroundings(platform);
        body(platform, surroundings, &infrastructure.region)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of a platform's dashboard. Source: Amazon CloudWatch API Reference, `PutDashboard`: letters, digits,
/// dashes and underscores.
fn name(platform: &PlatformName) -> String {
    format!("{PREFIX}{platform}")
}

/// The platform whose dashboard has this name.
fn platform_of(name: &str) -> Option<PlatformName> {
    PlatformName::try_from(name.strip_prefix(PREFIX)?).ok()
}

/// The body of a platform's dashboard: the same for the same arguments. `region` is where its metrics are.
///
/// Format: Amazon CloudWatch API Reference, "Dashboard Body Structure and Syntax".
fn body(platform: &PlatformName, surroundings: &Surroundings, region: &str) -> Value {
    let place = Place {
        platform,
        surroundings,
    };
    layout::body(&graphs::sections(place), region)
}
