//! What the engine needs of the world.

mod alarms;
mod compute;
mod documents;
mod error;
mod permit;
mod seen;
mod trend;
mod urgency;

pub use alarms::{
    AlarmDefinition, AlarmSource, Alarms, BakeEvidence, DashboardState, Firing, ObservedAlarm,
};
pub use compute::{
    Compute, DeploymentState, ObservedDeployment, ObservedService, ObservedTask, Rehearsal,
    Rehearsed, ServiceChange, ServiceDefinition, TaskSummary, TaskTemplate,
};
pub use documents::{Document, DocumentVersion, Documents, Expected, Listed};
pub use error::{PortError, Remedy};
pub use permit::Permit;
pub use seen::Seen;
pub use trend::{TREND_MINUTES, Trend, TrendOf};
pub use urgency::Urgency;
