//! A service as the engine sees it.

use engine::ports::{ObservedDeployment, ObservedService, ObservedTask};
use schema::names::ServiceName;
use schema::status::{TaskHealth, TaskStatus};

use super::ledger::Key;
use super::state::{Life, Replica, Service};
use crate::front::PlatformAddresses;

/// What the engine sees of a service.
pub(super) fn observed(
    key: &Key,
    service: &Service,
    addresses: &PlatformAddresses,
) -> ObservedService {
    let (platform, name) = key;
    let wanted = &service.wanted;
    let has_address = *name == ServiceName::LoanApi;
    ObservedService {
        platform: platform.clone(),
        service: *name,
        template: wanted.deployment.template.clone(),
        desired_count: if wanted.removing { 0 } else { wanted.count },
        scaling: wanted.scaling,
        // Nobody else has a hand in it.
        drift: Vec::new(),
        restarts: wanted.restarts,
        deployment: ObservedDeployment {
            id: wanted.deployment.id.clone(),
            state: (&wanted.progress).into(),
        },
        tasks: service.replicas.iter().map(task).collect(),
        summary: None,
        endpoint: has_address.then(|| format!("http://{}", addresses.of(*name))),
    }
}

fn task(replica: &Replica) -> ObservedTask {
    ObservedTask {
        status: TaskStatus {
            id: replica.id.clone(),
            address: replica.address.map(|address| address.to_string()),
            pid: replica.pid,
            started_at: replica.started_at,
            health: match replica.life {
                Life::Starting => TaskHealth::Starting,
                Life::Ready { .. } => TaskHealth::Healthy,
                Life::Unhealthy { .. } => TaskHealth::Unhealthy,
                Life::Draining { .. } => TaskHealth::Draining,
            },
            settings_revision: replica.settings.as_ref().map(|it| it.revision.clone()),
        },
        settings: replica.settings.as_ref().map(|it| (it.epoch, it.sequence)),
    }
}
