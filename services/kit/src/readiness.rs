//! Whether the service should get traffic, and if not, why.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What stands in the way of being ready, by name. Empty: ready.
///
/// Conditions are pushed when they change, so that asking is cheap however often a load balancer
/// does it.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, String>>>);

impl Readiness {
    /// Says that `condition` holds the service back, and why.
    pub fn hold(&self, condition: &'static str, reason: impl Into<String>) {
        self.lock().insert(condition, reason.into());
    }

    /// Says that `condition` no longer holds the service back.
    pub fn release(&self, condition: &'static str) {
        self.lock().remove(condition);
    }

    /// Why the service is not ready; nothing when it is.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let held = self.lock();
        let reasons: Vec<String> = held
            .iter()
            .map(|(condition, reason)| format!("{condition}: {reason}"))
            .collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, String>> {
        // A panic while it was held cannot leave a map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_ready_when_nothing_holds_it_back() {
        let readiness = Readiness::default();
        readiness.hold("database", "unreachable");
        readiness.hold("settings", "none yet");
        assert_eq!(
            readiness.reason().unwrap(),
            "database: unreachable; settings: none yet"
        );
        readiness.release("database");
        readiness.release("settings");
        assert_eq!(readiness.reason(), None);
    }
}
