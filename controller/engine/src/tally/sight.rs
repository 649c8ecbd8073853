//! What of a look at a platform hints tell of: states of deployments and of alarms.

use std::collections::BTreeMap;

use schema::names::ServiceName;
use schema::platform::AlarmName;
use schema::status::AlarmState;

use crate::observed::Observed;
use crate::ports::DeploymentState;

/// The states that a look found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sight {
    deployments: BTreeMap<ServiceName, (String, DeploymentState)>,
    alarms: BTreeMap<AlarmName, AlarmState>,
}

impl Sight {
    /// What `observed` has of them. Alarms that could not be read are as they were before.
    pub(super) fn of(observed: &Observed, before: Option<&Self>) -> Self {
        let deployments = observed.services.iter().map(|(service, found)| {
            let deployment = &found.deployment;
            (*service, (deployment.id.clone(), deployment.state.clone()))
        });
        let alarms = observed.alarms.iter();
        let alarms = alarms.map(|(name, found)| (name.clone(), found.state));
        let as_before = before.filter(|_| observed.blind.is_some());
        Self {
            deployments: deployments.collect(),
            alarms: as_before.map_or_else(|| alarms.collect(), |before| before.alarms.clone()),
        }
    }

    /// Whether anything that both have is in another state. No event tells that something was made or removed.
    pub(super) fn differs_from(&self, before: &Self) -> bool {
        changed(&self.deployments, &before.deployments) || changed(&self.alarms, &before.alarms)
    }
}

fn changed<K: Ord, V: PartialEq>(now: &BTreeMap<K, V>, before: &BTreeMap<K, V>) -> bool {
    now.iter()
        .any(|(key, value)| before.get(key).is_some_and(|before| before != value))
}
