//! A remedy: what an alarm has had done, and until when.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use schema::names::ServiceName;
use schema::platform::{AlarmName, ForceBreakerOpenClient};
use schema::status::RemedyStatus;
use serde::{Deserialize, Serialize};

/// What an alarm has had done for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Remedy {
    /// The alarm that fired.
    pub alarm: AlarmName,
    /// Since when.
    pub since: Timestamp,
    /// When the spec's value holds again.
    pub until: Timestamp,
    /// What it does.
    pub effect: Effect,
}

/// What a remedy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Effect {
    /// A service has at least so many tasks.
    Boost {
        /// The service.
        service: ServiceName,
        /// Its tasks.
        count: u32,
        /// Tasks that it had before; what it goes back to where the spec leaves its count open.
        before: u32,
    },
    /// A client's breaker refuses every call.
    HoldOpen {
        /// The client.
        client: ForceBreakerOpenClient,
    },
    /// A boost is over whose service has no count in the spec: it is put back unless somebody has
    /// changed it since.
    PutBack {
        /// The service.
        service: ServiceName,
        /// Tasks that the boost gave it.
        from: u32,
        /// Tasks that it had before.
        to: u32,
    },
}

/// When an alarm last had tasks added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastBoost {
    /// To which service.
    pub service: ServiceName,
    /// When.
    pub at: Timestamp,
}

/// The remedies as the status shows them.
#[must_use]
pub fn shown(remedies: &[Remedy]) -> Vec<RemedyStatus> {
    let in_force = remedies.iter().filter(|remedy| remedy.is_in_force());
    in_force
        .map(|remedy| RemedyStatus {
            alarm: remedy.alarm.clone(),
            action: remedy.effect.to_string(),
            since: remedy.since,
            until: remedy.until,
        })
        .collect()
}

/// Whether one of them holds a breaker open.
#[must_use]
pub fn holds_a_breaker_open(remedies: &[Remedy]) -> bool {
    let holds = |remedy: &Remedy| matches!(remedy.effect, Effect::HoldOpen { .. });
    remedies.iter().any(holds)
}

/// How long until the first of them is over.
#[must_use]
pub fn next_end(remedies: &[Remedy], now: Timestamp) -> Option<Duration> {
    let in_force = remedies.iter().filter(|remedy| remedy.is_in_force());
    let until = in_force.map(|remedy| remedy.until).min()?;
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

impl Remedy {
    /// Whether it still does something of its own, beside putting things back.
    pub(super) const fn is_in_force(&self) -> bool {
        !matches!(self.effect, Effect::PutBack { .. })
    }
}

impl Effect {
    /// The action that it comes from, as the spec has it.
    pub(super) const fn action(self) -> &'static str {
        match self {
            Self::Boost { .. } | Self::PutBack { .. } => "ScaleOut",
            Self::HoldOpen { .. } => "ForceBreakerOpen",
        }
    }

    /// Tasks that `service` has at least under it.
    pub(super) fn floor_of(self, wanted: ServiceName) -> Option<u32> {
        match self {
            Self::Boost { service, count, .. } => (service == wanted).then_some(count),
            Self::HoldOpen { .. } | Self::PutBack { .. } => None,
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boost { service, count, .. } => write!(f, "{service} has {count} tasks at least"),
            Self::HoldOpen { client } => {
                let (owner, callee) = ends(*client);
                write!(f, "{owner}'s breaker for {callee} is held open")
            }
            Self::PutBack { service, to, .. } => write!(f, "{service} goes back to {to} tasks"),
        }
    }
}

/// The calling service of `client`, and whom it calls.
pub(super) const fn ends(client: ForceBreakerOpenClient) -> (ServiceName, &'static str) {
    match client {
        ForceBreakerOpenClient::Scoring => (ServiceName::LoanApi, "scoring"),
        ForceBreakerOpenClient::Provider => (ServiceName::Scoring, "its provider"),
    }
}
