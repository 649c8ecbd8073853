//! Deployments that this controller asked for.
//!
//! One that ECS makes to go back, and one that is asked for just after ECS went back, look alike: only who asked
//! knows.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_sdk_ecs::types::Service;

use super::deployment::{is_going_back, primary};
use super::place::Place;

/// Services that are remembered; beyond it all are forgotten. A deployment of which nothing is remembered is
/// judged by its time.
const KEPT: usize = 20_000;

/// The id of the newest deployment asked for, by the name of its service.
#[derive(Debug, Default)]
pub(super) struct OwnDeployments(Mutex<BTreeMap<String, String>>);

impl OwnDeployments {
    /// The service of `place` was asked to run something, and this is what became of it.
    pub(super) fn asked(&self, place: &Place, answered: &Service) {
        let made = primary(answered).filter(|primary| !is_going_back(primary));
        let Some(id) = made.and_then(|made| made.id()) else {
            return;
        };
        let mut all = self.lock();
        if all.len() >= KEPT {
            all.clear();
        }
        all.insert(place.name(), id.to_owned());
    }

    /// The id of the newest one of the service of `place`.
    pub(super) fn of(&self, place: &Place) -> Option<String> {
        self.lock().get(&place.name()).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
