//! What was found of one platform.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schema::names::ServiceName;
use schema::platform::AlarmName;
use schema::settings::{ServiceSettings, SettingsDocument};

use crate::ports::{BakeEvidence, DashboardState, DocumentVersion, ObservedAlarm, ObservedService};

/// What was found of one platform, all read in the same round.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// When, by the world's clock.
    pub at: Timestamp,
    /// Its services.
    pub services: BTreeMap<ServiceName, ObservedService>,
    /// Its alarms; none while they cannot be read.
    pub alarms: BTreeMap<AlarmName, ObservedAlarm>,
    /// Why its alarms cannot be read for now. Nothing is judged meanwhile.
    pub blind: Option<String>,
    /// Its settings documents.
    pub settings: BTreeMap<ServiceName, ObservedSettings>,
    /// What the bake under way has seen.
    pub evidence: BakeEvidence,
    /// Its dashboard.
    pub dashboard: DashboardState,
    /// What came of the rehearsal of the change that is about to begin.
    pub rehearsal: Option<RehearsalFinding>,
}

/// What came of the rehearsal of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RehearsalFinding {
    /// The change's attempt: of another one it says nothing.
    pub attempt: u64,
    /// What speaks against it.
    pub obstacle: Option<String>,
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
    /// Nothing found, at `at`.
    #[must_use]
    pub const fn nothing(at: Timestamp) -> Self {
        Self {
            at,
            services: BTreeMap::new(),
            alarms: BTreeMap::new(),
            blind: None,
            settings: BTreeMap::new(),
            evidence: BakeEvidence {
                scoring_calls: 0,
                judged_datapoints: BTreeMap::new(),
                breaching_datapoints: BTreeMap::new(),
                last_report: BTreeMap::new(),
            },
            dashboard: DashboardState::NotKept,
            rehearsal: None,
        }
    }

    /// Whether every serving task of `service` reports the settings document that lies there.
    #[must_use]
    pub fn settings_are_live(&self, service: ServiceName) -> bool {
        let Some(order) = self.settings_order(service) else {
            return false;
        };
        self.services
            .get(&service)
            .is_some_and(|found| found.all_report(order))
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
