//! What a supervisor knows of its service: plain data, changed by what happened.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use engine::ports::{DeploymentState, TaskTemplate};
use jiff::Timestamp;
use schema::platform::Scaling;
use serde::{Deserialize, Serialize};

use super::backoff::Backoff;

/// Failed starts after which a deployment is given up.
pub(crate) const MAX_FAILED_STARTS: u32 = 3;

/// What tasks are started from, under the id that tells it from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deployment {
    /// New for every change of the template.
    pub(crate) id: String,
    /// What its tasks are started from.
    pub(crate) template: TaskTemplate,
}

/// How far the newest deployment is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub(crate) enum Rollout {
    /// Tasks are being started or replaced; so many starts failed.
    UnderWay {
        #[serde(default)]
        failed_starts: u32,
    },
    /// It took over.
    Completed,
    /// It was given up.
    Failed { reason: String },
}

impl Rollout {
    pub(crate) const STARTED: Self = Self::UnderWay { failed_starts: 0 };
}

impl From<&Rollout> for DeploymentState {
    fn from(progress: &Rollout) -> Self {
        match progress {
            Rollout::UnderWay { .. } => Self::InProgress,
            Rollout::Completed => Self::Completed,
            Rollout::Failed { reason } => Self::Failed {
                reason: reason.clone(),
            },
        }
    }
}

/// What is wanted of a service and how far it got: what outlives a restart of the home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wanted {
    /// Tasks wanted.
    pub(crate) count: u32,
    /// Limits of the count, where it scales.
    pub(crate) scaling: Option<Scaling>,
    /// The newest deployment.
    pub(crate) deployment: Deployment,
    /// How far it is.
    pub(crate) progress: Rollout,
    /// The last deployment that completed: kept when a newer one fails.
    pub(crate) stable: Option<Deployment>,
    /// Tasks replaced because they ended by themselves.
    pub(crate) restarts: u64,
    /// Whether it is to go.
    pub(crate) removing: bool,
}

impl Wanted {
    /// The deployment that missing tasks are started from: the newest, or the last good one after
    /// the newest failed. A first one that failed is tried on, for want of anything better.
    pub(crate) fn target(&self) -> &Deployment {
        match (&self.progress, &self.stable) {
            (Rollout::Failed { .. }, Some(stable)) => stable,
            _ => &self.deployment,
        }
    }

    /// Sets the count, within the limits of its scaling.
    pub(crate) fn set_count(&mut self, count: u32) {
        self.count = match self.scaling {
            Some(scaling) => {
                let (least, most) = (scaling.min_capacity.get(), scaling.max_capacity.get());
                count.clamp(least, most.max(least))
            }
            None => count,
        };
    }

    /// Begins a deployment of `template` under `id`, superseding one under way. Nothing happens when
    /// it is what the newest deployment has already.
    pub(crate) fn deploy(&mut self, template: TaskTemplate, id: impl FnOnce() -> String) {
        if self.deployment.template == template {
            return;
        }
        self.deployment = Deployment { id: id(), template };
        self.progress = Rollout::STARTED;
    }
}

/// Where a replica is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Started, not ready yet.
    Starting,
    /// Ready since then.
    Ready { since: Instant },
    /// Was ready, is not since then.
    Unhealthy { since: Instant },
    /// Finishing its requests; killed at the deadline.
    Draining { deadline: Instant },
}

/// One task.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    /// Its id.
    pub(crate) id: String,
    /// Deployment that it was started from.
    pub(crate) deployment: String,
    /// Order in which replicas were started.
    pub(crate) number: u64,
    /// Where it is in its life.
    pub(crate) life: Life,
    /// When it was started.
    pub(crate) started: Instant,
    /// When it first became ready.
    pub(crate) ready_at: Option<Instant>,
    /// What status shows.
    pub(crate) started_at: Timestamp,
    /// Process id.
    pub(crate) pid: Option<u32>,
    /// Where it serves.
    pub(crate) address: Option<SocketAddr>,
    /// Settings it reports.
    pub(crate) settings: Option<ReportedSettings>,
    /// Whether it was told to go at once.
    pub(crate) killed: bool,
    /// Why it is not ready, in its own words.
    pub(crate) unready: Option<String>,
}

/// Settings that a task reports to be in force.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReportedSettings {
    pub(crate) epoch: u64,
    pub(crate) sequence: u64,
    pub(crate) revision: String,
}

impl Replica {
    pub(crate) fn is_draining(&self) -> bool {
        matches!(self.life, Life::Draining { .. })
    }

    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.life, Life::Ready { .. })
    }

    /// Takes what its health check said.
    pub(crate) fn checked(&mut self, ready: bool, now: Instant) {
        self.life = match (self.life, ready) {
            (Life::Starting | Life::Unhealthy { .. }, true) => Life::Ready { since: now },
            (Life::Ready { .. }, false) => Life::Unhealthy { since: now },
            (life, _) => life,
        };
        if self.is_ready() {
            self.ready_at.get_or_insert(now);
        }
    }

    fn healthy_for(&self, now: Instant) -> Duration {
        self.ready_at.map_or(Duration::ZERO, |at| now - at)
    }
}

/// Why a task could not even be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// There is nothing to start: trying again changes nothing.
    #[error("{0}")]
    ForGood(String),
    /// This machine would not do it just now.
    #[error("{0}")]
    ForNow(String),
}

/// A service and its replicas, as its supervisor sees them.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) wanted: Wanted,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) backoff: Backoff,
}

impl Service {
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            replicas: Vec::new(),
            backoff: Backoff::default(),
        }
    }

    pub(crate) fn replica_mut(&mut self, id: &str) -> Option<&mut Replica> {
        self.replicas.iter_mut().find(|replica| replica.id == id)
    }

    /// Takes note that a replica's process ended.
    pub(crate) fn ended(&mut self, id: &str, why: &str, now: Instant) {
        let Some(at) = self.replicas.iter().position(|replica| replica.id == id) else {
            return;
        };
        let replica = self.replicas.remove(at);
        if replica.is_draining() {
            return;
        }
        self.backoff.ended(replica.healthy_for(now), now);
        let starting = replica.ready_at.is_none();
        if starting && replica.deployment == self.wanted.deployment.id {
            self.start_failed(why);
        } else {
            self.wanted.restarts += 1;
        }
    }

    /// Takes note that a task could not even be started.
    pub(crate) fn refused(&mut self, refusal: &Refusal, now: Instant) {
        self.backoff.ended(Duration::ZERO, now);
        match refusal {
            Refusal::ForNow(why) => self.start_failed(why),
            Refusal::ForGood(why) if matches!(self.wanted.progress, Rollout::UnderWay { .. }) => {
                self.wanted.progress = Rollout::Failed {
                    reason: why.clone(),
                };
            }
            Refusal::ForGood(_) => {}
        }
    }

    /// Takes note that a task of the newest deployment did not come up.
    fn start_failed(&mut self, why: &str) {
        if let Rollout::UnderWay { failed_starts } = &mut self.wanted.progress {
            *failed_starts += 1;
            if *failed_starts >= MAX_FAILED_STARTS {
                self.wanted.progress = Rollout::Failed {
                    reason: format!("{MAX_FAILED_STARTS} tasks did not become ready: {why}"),
                };
            }
        }
    }
}
