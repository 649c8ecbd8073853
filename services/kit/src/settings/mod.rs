//! Settings: read from where the controller writes them, and applied while running.
//!
//! Services fail static: what is missing or invalid leaves the last good settings in force.

mod judge;
mod source;
mod watcher;

use std::sync::Arc;

use arc_swap::ArcSwap;
use schema::settings::SettingsDocument;
use tokio::sync::watch;

pub use judge::Rejection;
pub(crate) use judge::parse;
pub use source::{Fetched, FileSource, S3Source, SettingsSource, SourceError, Version, source_of};
pub(crate) use watcher::lock;
pub use watcher::{Rejected, Report, SettingsGauges, Watcher};

/// The settings in force, shared by everything in the service that needs them.
#[derive(Debug)]
pub struct Settings<S>(Arc<Shared<S>>);

#[derive(Debug)]
struct Shared<S> {
    current: ArcSwap<SettingsDocument<S>>,
    changes: watch::Sender<Arc<SettingsDocument<S>>>,
}

impl<S> Clone for Settings<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Settings<S> {
    /// Settings that start with `document`.
    #[must_use]
    pub fn new(document: SettingsDocument<S>) -> Self {
        let document = Arc::new(document);
        Self(Arc::new(Shared {
            current: ArcSwap::new(Arc::clone(&document)),
            changes: watch::Sender::new(document),
        }))
    }

    /// The document in force. Cheap: for every request. Load it once per request, so that one
    /// request sees one document.
    #[must_use]
    pub fn load(&self) -> Arc<SettingsDocument<S>> {
        self.0.current.load_full()
    }

    /// Every change from now on, the newest only where several came at once.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<SettingsDocument<S>>> {
        self.0.changes.subscribe()
    }

    /// Puts `document` into force.
    pub fn replace(&self, document: SettingsDocument<S>) {
        let document = Arc::new(document);
        self.0.current.store(Arc::clone(&document));
        self.0.changes.send_replace(document);
    }
}
