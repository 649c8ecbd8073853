//! Calls that change something, and who makes them.

use std::fmt;
use std::sync::Arc;

use engine::lease::LEASE_PATH;
use engine::plan::Action;
use engine::ports::{AlarmDefinition, ServiceChange};
use schema::platform::AlarmName;
use schema::settings::{ServiceSettings, SettingsDocument};

use super::weather::Api;

/// A call that changes something.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// Change a service.
    Apply(ServiceChange),
    /// Write an alarm.
    PutAlarm(AlarmDefinition),
    /// Remove an alarm.
    DeleteAlarm(AlarmName),
    /// Write a service's settings.
    PutSettings(Box<SettingsDocument<ServiceSettings>>),
    /// Write any other document.
    Put(String),
    /// Remove a document.
    Delete(String),
}

/// Who makes a call: a controller, or rather one of its lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Which controller.
    pub(crate) seat: usize,
    /// The name under which this life of it holds the lease.
    pub(crate) holder: Arc<str>,
}

impl Call {
    pub(crate) const fn api(&self) -> Api {
        match self {
            Self::Apply(_) => Api::Ecs,
            Self::PutAlarm(_) | Self::DeleteAlarm(_) => Api::CloudWatch,
            Self::PutSettings(_) | Self::Put(_) | Self::Delete(_) => Api::S3,
        }
    }

    /// Whether it is about the lease itself, which anybody may ask for.
    pub(crate) fn is_for_the_lease(&self) -> bool {
        matches!(self, Self::Put(path) if path == LEASE_PATH)
    }

    /// Whether it writes what the controller remembers.
    pub(crate) fn writes_state(&self) -> bool {
        matches!(self, Self::Put(path) if path.starts_with("state/"))
    }

    /// The call in the words that a plan has for it.
    pub(crate) fn as_planned(&self) -> String {
        match self {
            Self::PutAlarm(definition) => Action::PutAlarm(definition.clone()).to_string(),
            Self::PutSettings(document) => {
                format!(
                    "write settings {} of {}",
                    document.revision, document.service
                )
            }
            Self::Delete(path) => {
                let file = path.rsplit('/').next().unwrap_or(path);
                format!("remove settings of {}", file.trim_end_matches(".json"))
            }
            Self::Apply(_) | Self::DeleteAlarm(_) | Self::Put(_) => self.to_string(),
        }
    }

    /// Whether it changes the platform itself.
    pub(crate) fn touches_the_platform(&self) -> bool {
        !self.is_for_the_lease() && !self.writes_state()
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apply(change) => change.fmt(f),
            Self::PutAlarm(definition) => write!(
                f,
                "write alarm {} (threshold {})",
                definition.name, definition.threshold
            ),
            Self::DeleteAlarm(name) => write!(f, "remove alarm {name}"),
            Self::PutSettings(document) => write!(
                f,
                "write settings of {} for {:.12}, order {:?}",
                document.service,
                document.scoring_revision,
                document.order()
            ),
            Self::Put(path) => write!(f, "write {path}"),
            Self::Delete(path) => write!(f, "remove {path}"),
        }
    }
}
