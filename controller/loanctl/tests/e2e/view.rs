//! What a platform shows of itself, asked the way the tests ask.

use engine::board::PlatformObject;
use schema::status::{HistoryEntry, HistoryKind, Phase, ServiceStatus, TaskHealth};

/// Questions to a platform's status.
pub(crate) trait View {
    /// Reason and message of a condition that holds.
    fn holds(&self, type_: &str) -> Option<(&str, &str)>;
    /// Number of the newest edit.
    fn generation(&self) -> i64;
    /// A service, by its kebab-case name.
    fn service(&self, name: &str) -> &ServiceStatus;
    /// Where the scoring rollout stands.
    fn phase(&self) -> Phase;
    /// Entries of one kind, the oldest first.
    fn entries(&self, kind: HistoryKind) -> Vec<&HistoryEntry>;
}

impl View for PlatformObject {
    fn holds(&self, type_: &str) -> Option<(&str, &str)> {
        let mut conditions = self.status.conditions.iter();
        let found = conditions.find(|one| one.type_ == type_ && one.status == "True")?;
        Some((&found.reason, &found.message))
    }

    fn generation(&self) -> i64 {
        self.metadata.generation.expect("a generation")
    }

    fn service(&self, name: &str) -> &ServiceStatus {
        let mut services = self.status.services.iter();
        services
            .find(|service| service.name == name)
            .expect("the service")
    }

    fn phase(&self) -> Phase {
        self.status.scoring.phase
    }

    fn entries(&self, kind: HistoryKind) -> Vec<&HistoryEntry> {
        let history = self.status.history.iter().map(AsRef::as_ref);
        history
            .filter(|entry: &&HistoryEntry| entry.kind == kind)
            .collect()
    }
}

/// Process ids of the tasks of a service, in order.
pub(crate) fn pids(service: &ServiceStatus) -> Vec<u32> {
    let mut pids: Vec<u32> = service.tasks.iter().filter_map(|task| task.pid).collect();
    pids.sort_unstable();
    pids
}

/// Whether exactly `count` tasks are there and all serve.
pub(crate) fn serves(service: &ServiceStatus, count: u32) -> bool {
    let healthy = service
        .tasks
        .iter()
        .all(|task| task.health == TaskHealth::Healthy);
    service.running == count && pids(service).len() == count as usize && healthy
}
