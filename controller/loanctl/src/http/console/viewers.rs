//! Those who look: how many may, and what is made once for all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use engine::board::PlatformObject;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::glance::Glance;

/// Streams at once. The port has places for 256 connections: probes and collectors of metrics must find one, however
/// many people look.
const STREAMS: usize = 128;

/// What streams have in common.
#[derive(Debug)]
pub(crate) struct Viewers {
    places: Arc<Semaphore>,
    glances: Mutex<BTreeMap<String, Made>>,
}

/// The glance at one platform, in JSON, and what it was made of.
#[derive(Debug)]
struct Made {
    of: Arc<PlatformObject>,
    text: Arc<str>,
}

impl Default for Viewers {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(STREAMS)),
            glances: Mutex::default(),
        }
    }
}

impl Viewers {
    /// A place for one stream; none when all are taken.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// The glances at `platforms`, in JSON, by name. Each is made once, and again when it has changed: a thousand
    /// platforms cost each further viewer a look at a thousand pointers.
    pub(super) fn glances(&self, platforms: &[Arc<PlatformObject>]) -> BTreeMap<String, Arc<str>> {
        // What was half done while a panic held the lock is made anew below.
        let mut known = self.glances.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *known);
        let mut told = BTreeMap::new();
        for platform in platforms {
            let name = platform.metadata.name.clone().unwrap_or_default();
            let made = match before.remove(&name) {
                Some(made) if Arc::ptr_eq(&made.of, platform) => made,
                earlier => Made::of(platform, earlier),
            };
            told.insert(name.clone(), Arc::clone(&made.text));
            known.insert(name, made);
        }
        told
    }
}

impl Made {
    /// The glance at `platform`. One that says the same as before is the same.
    fn of(platform: &Arc<PlatformObject>, earlier: Option<Self>) -> Self {
        // Every key is text, so that it has a form in JSON.
        let text = serde_json::to_string(&Glance::of(platform)).unwrap_or_default();
        let same = earlier.filter(|earlier| *earlier.text == *text);
        Self {
            of: Arc::clone(platform),
            text: same.map_or_else(|| text.into(), |earlier| earlier.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::stream::tests::platform;
    use super::*;

    #[test]
    fn a_glance_that_says_the_same_is_made_once() {
        let viewers = Viewers::default();
        let first = viewers.glances(&[Arc::new(platform("local"))]);
        let again = viewers.glances(&[Arc::new(platform("local"))]);
        assert!(Arc::ptr_eq(&first["local"], &again["local"]));
        assert!(viewers.glances(&[]).is_empty());
    }

    #[test]
    fn only_so_many_may_look_at_once() {
        let viewers = Viewers::default();
        let mut places: Vec<_> = (0..STREAMS).map(|_| viewers.place().unwrap()).collect();
        assert!(viewers.place().is_none());
        places.pop();
        assert!(viewers.place().is_some());
    }
}
