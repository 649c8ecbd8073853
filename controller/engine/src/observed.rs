//! What was found of one platform.

use std::collections::BTreeMap;

use schema::names::ServiceName;
use schema::platform::AlarmName;
use schema::settings::{ServiceSettings, SettingsDocument};

use crate::ports::{BakeEvidence, DocumentVersion, ObservedAlarm, ObservedService};

/// What was found of one platform, all read in the same round.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Its services.
    pub services: BTreeMap<ServiceName, ObservedService>,
    /// Its alarms.
    pub alarms: BTreeMap<AlarmName, ObservedAlarm>,
    /// Its settings documents.
    pub settings: BTreeMap<ServiceName, ObservedSettings>,
    /// What the bake under way has seen.
    pub evidence: BakeEvidence,
}

/// A settings document as it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedSettings {
    /// Its version, for the next write.
    pub version: DocumentVersion,
    /// Its content; nothing when it cannot be read as settings.
    pub document: Option<SettingsDocument<ServiceSettings>>,
}

impl Observed {
    /// Whether every serving task of `service` reports the settings document that lies there.
    #[must_use]
    pub fn settings_are_live(&self, service: ServiceName) -> bool {
        let Some(order) = self.settings_order(service) else {
            return false;
        };
        self.services.get(&service).is_some_and(|found| {
            let mut serving = found.tasks.iter().filter(|task| task.serves());
            serving.all(|task| task.settings == Some(order))
        })
    }

    /// Whether the settings document of `service` belongs to `scoring_revision`.
    #[must_use]
    pub fn settings_belong_to(&self, service: ServiceName, scoring_revision: &str) -> bool {
        self.settings
            .get(&service)
            .and_then(|found| found.document.as_ref())
            .is_some_and(|document| document.scoring_revision == scoring_revision)
    }

    fn settings_order(&self, service: ServiceName) -> Option<(u64, u64)> {
        self.settings
            .get(&service)?
            .document
            .as_ref()
            .map(SettingsDocument::order)
    }
}
