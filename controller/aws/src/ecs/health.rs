//! When ECS takes a container for healthy.

use aws_sdk_ecs::types::HealthCheck;
use aws_smithy_types::error::operation::BuildError;
use serde::{Deserialize, Serialize};

use super::tasks::HIDDEN;

/// ECS's own values where a health check does not say them.
///
/// Source: Amazon ECS API Reference, `HealthCheck`.
const INTERVAL_S: i32 = 30;
const TIMEOUT_S: i32 = 5;
const RETRIES: i32 = 3;
const START_PERIOD_S: i32 = 0;

/// When ECS takes a container for healthy: the service's own program asks its admin port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Health {
    /// Its words with spaces between them.
    command: String,
    interval_s: i32,
    timeout_s: i32,
    retries: i32,
    start_period_s: i32,
}

impl Health {
    /// A deployment counts a task only when it is healthy, so the check is frequent. Replacing a task takes far
    /// longer than half a minute: one that hangs is given that long.
    pub(crate) fn of(program: &str) -> Self {
        Self {
            command: format!("CMD {program} check-health"),
            interval_s: 5,
            timeout_s: 3,
            retries: 6,
            start_period_s: 60,
        }
    }

    /// The same of a container as it was `found`.
    pub(crate) fn found(found: Option<&HealthCheck>) -> Self {
        let Some(found) = found else {
            return Self::default();
        };
        let command = match found.command() {
            [cmd, program, check] if check == "check-health" => format!("{cmd} {program} {check}"),
            // It may hold a password.
            _ => HIDDEN.to_owned(),
        };
        Self {
            command,
            interval_s: found.interval().unwrap_or(INTERVAL_S),
            timeout_s: found.timeout().unwrap_or(TIMEOUT_S),
            retries: found.retries().unwrap_or(RETRIES),
            start_period_s: found.start_period().unwrap_or(START_PERIOD_S),
        }
    }

    /// It in ECS's words.
    ///
    /// # Errors
    /// Never: everything that ECS asks for is there.
    pub(crate) fn in_ecs(&self) -> Result<HealthCheck, BuildError> {
        let words = self.command.split(' ').map(str::to_owned).collect();
        HealthCheck::builder()
            .set_command(Some(words))
            .interval(self.interval_s)
            .timeout(self.timeout_s)
            .retries(self.retries)
            .start_period(self.start_period_s)
            .build()
    }
}
