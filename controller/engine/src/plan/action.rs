//! One mutating call, and why it is made.

use std::fmt;

use schema::names::ServiceName;
use schema::platform::AlarmName;
use schema::revision::FieldChange;
use schema::settings::{ServiceSettings, SettingsDocument};

use crate::ports::{AlarmDefinition, Expected, ServiceChange};

/// One step of a plan: a call, and the fields that are not as they should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The call.
    pub action: Action,
    /// What it puts right: each field with the value found and the value wanted. Empty where a thing
    /// is made or removed as a whole.
    pub drift: Vec<FieldChange>,
}

impl Step {
    /// A step that makes or removes a thing as a whole.
    #[must_use]
    pub const fn whole(action: Action) -> Self {
        Self {
            action,
            drift: Vec::new(),
        }
    }

    /// The fields that are not as they should be, in words: `desiredCount is 5, wanted 1`.
    #[must_use]
    pub fn drift_in_words(&self) -> String {
        let words = |field: &FieldChange| {
            let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "absent".into());
            let (found, wanted) = (value(&field.from), value(&field.to));
            format!("{} is {found}, wanted {wanted}", field.path)
        };
        self.drift.iter().map(words).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.drift.is_empty() {
            return self.action.fmt(f);
        }
        write!(f, "{} ({})", self.action, self.drift_in_words())
    }
}

/// One mutating call.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "a plan holds a handful of actions for a moment"
)]
pub enum Action {
    /// Write an alarm's definition.
    PutAlarm(AlarmDefinition),
    /// Remove an alarm.
    DeleteAlarm(AlarmName),
    /// Write a service's settings.
    PutSettings {
        /// The document.
        document: SettingsDocument<ServiceSettings>,
        /// What must lie there.
        expected: Expected,
    },
    /// Remove a service's settings.
    DeleteSettings(ServiceName),
    /// Change a service.
    Service(ServiceChange),
    /// Write the platform's dashboard, or remove it.
    Dashboard {
        /// Whether there is to be one.
        wanted: bool,
    },
}

impl Action {
    /// What it is about: of two actions on one subject the later one holds.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::PutAlarm(AlarmDefinition { name, .. }) | Self::DeleteAlarm(name) => {
                format!("alarm {name}")
            }
            Self::PutSettings {
                document: SettingsDocument { service, .. },
                ..
            }
            | Self::DeleteSettings(service) => format!("settings of {service}"),
            Self::Dashboard { .. } => "dashboard".to_owned(),
            Self::Service(change) => match change {
                ServiceChange::Create(_) | ServiceChange::Delete { .. } => {
                    change.service().to_string()
                }
                ServiceChange::Deploy { service, .. } => format!("tasks of {service}"),
                ServiceChange::Scale { service, .. } => format!("count of {service}"),
                ServiceChange::Repair { service, .. } => format!("surroundings of {service}"),
            },
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PutAlarm(alarm) => write!(f, "write alarm {}", alarm.name),
            Self::DeleteAlarm(name) => write!(f, "remove alarm {name}"),
            Self::PutSettings { document, .. } => {
                write!(
                    f,
                    "write settings {} of {}",
                    document.revision, document.service
                )
            }
            Self::DeleteSettings(service) => write!(f, "remove settings of {service}"),
            Self::Service(change) => change.fmt(f),
            Self::Dashboard { wanted: true } => f.write_str("write dashboard"),
            Self::Dashboard { wanted: false } => f.write_str("remove dashboard"),
        }
    }
}
