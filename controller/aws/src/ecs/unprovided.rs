//! What the account should provide and does not.

use engine::ports::PortError;
use schema::infrastructure::INFRASTRUCTURE_PATH;
use schema::names::ServiceName;

/// Something that the account should provide and does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unprovided {
    #[error("name a role for the tasks of {0} under `roles.tasks`")]
    TaskRole(ServiceName),
    #[error("name a role that starts the tasks of {0} under `roles.execution`")]
    ExecutionRole(ServiceName),
    #[error("name security groups of {0} under `network.securityGroups`")]
    SecurityGroups(ServiceName),
    #[error("name subnets under `network.subnets`")]
    Subnets,
}

impl Unprovided {
    /// The error of `action`, which cannot be done without it.
    pub(crate) fn keeps_from(self, action: impl Into<String>) -> PortError {
        PortError::refused(action, format!("{self} of {INFRASTRUCTURE_PATH}"))
    }
}
