//! Services and their tasks: ECS, or processes on this machine.

use std::collections::BTreeSet;
use std::fmt::{self, Debug};

use async_trait::async_trait;
use schema::names::{PlatformName, ServiceName};
use schema::platform::{Image, Scaling};
use schema::revision::{FieldChange, ImageHalf};
use schema::settings::ServiceSettings;
use schema::status::TaskStatus;
use serde::{Deserialize, Serialize};

use super::error::PortError;
use super::permit::Permit;
use super::seen::Seen;
use super::urgency::Urgency;

/// What a task is started from. A change of it is a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskTemplate {
    /// Image to run.
    pub image: Image,
    /// ECS CPU units, 1024 to a virtual CPU.
    pub cpu: u32,
    /// Memory in MiB.
    pub memory: u32,
}

impl TaskTemplate {
    /// What scoring's tasks are started from under a revision's image half.
    #[must_use]
    pub fn of(half: &ImageHalf) -> Self {
        Self {
            image: half.image.clone(),
            cpu: half.cpu.get(),
            memory: half.memory.get(),
        }
    }
}

/// A service as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceDefinition {
    /// Its platform.
    pub platform: PlatformName,
    /// Which of the four it is.
    pub service: ServiceName,
    /// What its tasks are started from.
    pub template: TaskTemplate,
    /// Tasks wanted; absent: whatever it has, one for a new service.
    pub count: Option<u32>,
    /// Automatic scaling; absent: none.
    pub scaling: Option<Scaling>,
}

/// One change to one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceChange {
    /// Make it. Making one that is already there is an update.
    Create(ServiceDefinition),
    /// Replace its tasks one after another, each new one ready before an old one is drained.
    Deploy {
        /// Its platform.
        platform: PlatformName,
        /// The service.
        service: ServiceName,
        /// What the new tasks are started from.
        template: TaskTemplate,
    },
    /// Change how many tasks it has, and what scales it. Tasks taken away finish their requests first.
    Scale {
        /// Its platform.
        platform: PlatformName,
        /// The service.
        service: ServiceName,
        /// Tasks wanted.
        count: u32,
        /// Automatic scaling; absent: none.
        scaling: Option<Scaling>,
    },
    /// Bring back what its home decides of it, as [`ObservedService::drift`] says. Neither its template nor its
    /// count changes; tasks are replaced only where what is brought back takes new ones: what they are started with
    /// beside the template, and where they are in the network.
    Repair {
        /// Its platform.
        platform: PlatformName,
        /// The service.
        service: ServiceName,
    },
    /// Drain its tasks and remove it. Removing one that is not there is no error.
    Delete {
        /// Its platform.
        platform: PlatformName,
        /// The service.
        service: ServiceName,
    },
}

/// A service as it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedService {
    /// Its platform.
    pub platform: PlatformName,
    /// Which of the four it is.
    pub service: ServiceName,
    /// What the newest deployment's tasks are started from.
    pub template: TaskTemplate,
    /// Tasks asked for.
    pub desired_count: u32,
    /// Automatic scaling in force; absent: none.
    pub scaling: Option<Scaling>,
    /// What its home would have otherwise than it was found, beside all that the engine decides: each field with
    /// the value found and the value wanted, never a secret. Always empty where nobody else can change it. What takes
    /// new tasks is silent while tasks are being replaced, and where the runner itself went back from it.
    pub drift: Vec<FieldChange>,
    /// Tasks replaced because they ended by themselves, since the service was made.
    pub restarts: u64,
    /// The newest deployment.
    pub deployment: ObservedDeployment,
    /// Its tasks, those being drained included. None where only their summary is known.
    pub tasks: Vec<ObservedTask>,
    /// What is known of its tasks together; absent where each of them is known.
    pub summary: Option<TaskSummary>,
    /// Where clients reach it, for the service that has an address of its own: the loan API.
    pub endpoint: Option<String>,
}

impl ObservedService {
    /// Tasks that serve.
    #[must_use]
    pub fn running(&self) -> usize {
        self.summary.map_or_else(
            || self.tasks.iter().filter(|task| task.serves()).count(),
            |summary| summary.serving as usize,
        )
    }

    /// Whether every task that serves reports the settings with this `(epoch, sequence)`.
    #[must_use]
    pub fn all_report(&self, order: (u64, u64)) -> bool {
        let mut serving = self.tasks.iter().filter(|task| task.serves());
        self.summary.map_or_else(
            || serving.all(|task| task.settings == Some(order)),
            |summary| summary.serving == 0 || summary.settings == Some(order),
        )
    }
}

/// What is known of a service's tasks together, where asking for each would cost too much of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskSummary {
    /// Tasks that serve.
    pub serving: u32,
    /// The lowest `(epoch, sequence)` of settings that any of them reports; nothing while none is known.
    pub settings: Option<(u64, u64)>,
}

/// A deployment as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedDeployment {
    /// Its id: a new one for every deployment, so that one which is not ours is told from ours.
    pub id: String,
    /// How far it is.
    pub state: DeploymentState,
}

/// How far a deployment is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeploymentState {
    /// Tasks are being started or replaced.
    InProgress,
    /// As many tasks as wanted run from the newest template, and no others.
    Completed,
    /// New tasks do not become ready; the old ones were kept.
    Failed {
        /// Why, in words.
        reason: String,
    },
    /// New tasks did not become ready, and the runner itself went back to the template before: ECS's
    /// deployment circuit breaker. The service's template is the old one again.
    RolledBack {
        /// Why, in words.
        reason: String,
    },
}

/// A task as it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedTask {
    /// What status shows of it.
    pub status: TaskStatus,
    /// `(epoch, sequence)` of the settings that it reports to be in force.
    pub settings: Option<(u64, u64)>,
}

impl ObservedTask {
    /// Whether it is ready and not being drained.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.status.health == schema::status::TaskHealth::Healthy
    }

    /// Whether it is finishing its requests.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.status.health == schema::status::TaskHealth::Draining
    }
}

/// Tasks that may have to be started, and the settings that they would have to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// The platform.
    pub platform: PlatformName,
    /// The service.
    pub service: ServiceName,
    /// What its tasks would be started from.
    pub template: TaskTemplate,
    /// The settings that they would have to take, one or the other.
    pub settings: Vec<ServiceSettings>,
}

/// What came of a rehearsal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rehearsed {
    /// Nothing speaks against it.
    Sound,
    /// They would not start, or not take the settings.
    Unsound {
        /// Why, and what a person can do.
        reason: String,
    },
}

/// Runs services.
///
/// # Guarantees
/// Calls only ask; none waits until tasks run. What came of it is seen by the next `observe`.
#[async_trait]
pub trait Compute: Debug + Send + Sync {
    /// The services of `platforms`, those being removed included, in one batch.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn observe(
        &self,
        platforms: &BTreeSet<PlatformName>,
        urgency: Urgency,
    ) -> Result<Seen<ObservedService>, PortError>;

    /// Whether tasks would start and take their settings, without starting any: asked of both sides of
    /// a change before it begins.
    ///
    /// # Errors
    /// When that cannot be found out for now.
    async fn rehearse(
        &self,
        rehearsal: &Rehearsal,
        urgency: Urgency,
    ) -> Result<Rehearsed, PortError>;

    /// Waits until the quotas have room for `change`. At once where there are none.
    async fn permit(&self, _change: &ServiceChange, _urgency: Urgency) -> Permit {
        Permit::free()
    }

    /// Asks for one change, which is made for the edit with this `generation`: a home that has where to write it
    /// says so of what it makes, and makes nothing anew merely to say it. Asking twice does no harm.
    ///
    /// # Errors
    /// When it is refused, or cannot be asked for.
    async fn apply(
        &self,
        change: &ServiceChange,
        generation: i64,
        permit: Permit,
    ) -> Result<(), PortError>;
}

impl ServiceChange {
    /// The service that it changes.
    #[must_use]
    pub const fn service(&self) -> ServiceName {
        match self {
            Self::Create(definition) => definition.service,
            Self::Deploy { service, .. }
            | Self::Scale { service, .. }
            | Self::Repair { service, .. }
            | Self::Delete { service, .. } => *service,
        }
    }
}

impl fmt::Display for ServiceChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(definition) => {
                write!(
                    f,
                    "create {} from {}",
                    definition.service, definition.template.image
                )
            }
            Self::Deploy {
                service, template, ..
            } => {
                write!(f, "deploy {service} from {}", template.image)
            }
            Self::Scale {
                service,
                count,
                scaling: None,
                ..
            } => {
                write!(f, "scale {service} to {count}")
            }
            Self::Scale {
                service,
                count,
                scaling: Some(range),
                ..
            } => {
                let (least, most) = (range.min_capacity, range.max_capacity);
                write!(f, "scale {service} to {count}, within {least} to {most}")
            }
            Self::Repair { service, .. } => write!(f, "repair {service}"),
            Self::Delete { service, .. } => write!(f, "remove {service}"),
        }
    }
}
