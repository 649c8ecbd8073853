//! What was read of task definitions, noted in the bucket: a revision never changes, and who takes over need not
//! read thousands of them again, one by one.

use std::sync::Arc;
use std::time::Duration;

use engine::ports::{Documents, Expected, PortError};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::registered::Registered;

/// Where the notes lie.
const PATH: &str = "cache/task-definitions.json";
/// How often the notes are read at most. They are read when something is not known; whoever held the lease before
/// may have noted it.
const REREAD: Duration = Duration::from_mins(1);

/// The notes. Losing them costs calls, no more.
#[derive(Debug)]
pub(crate) struct Notebook {
    documents: Arc<dyn Documents>,
    read_at: Mutex<Option<Instant>>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Notes {
    definitions: Vec<Arc<Registered>>,
}

impl Notebook {
    pub(crate) fn new(documents: Arc<dyn Documents>) -> Self {
        Self {
            documents,
            read_at: Mutex::default(),
        }
    }

    /// Hands what is noted to `take_in`, unless it was read within [`REREAD`]. Who asks meanwhile waits for it.
    pub(crate) async fn consult(&self, take_in: impl FnOnce(Vec<Arc<Registered>>)) {
        let mut read_at = self.read_at.lock().await;
        if read_at.is_some_and(|at| at.elapsed() < REREAD) {
            return;
        }
        match self.documents.get(PATH).await {
            Ok(None) => {}
            Ok(Some(document)) => match serde_json::from_slice::<Notes>(&document.bytes) {
                Ok(notes) => take_in(notes.definitions),
                Err(error) => tell("cannot be understood", &error),
            },
            Err(error) => tell("cannot be read", &error),
        }
        *read_at = Some(Instant::now());
    }

    /// Replaces what is noted.
    ///
    /// # Errors
    /// When it cannot be written, or somebody else just wrote it.
    pub(crate) async fn note(&self, definitions: Vec<Arc<Registered>>) -> Result<(), PortError> {
        let found = self.documents.get(PATH).await?;
        let expected = found.map_or(Expected::Absent, |found| Expected::Version(found.version));
        let bytes = serde_json::to_vec(&Notes { definitions })
            .map_err(|error| PortError::unavailable(format!("write {PATH}"), error))?;
        self.documents.put(PATH, bytes.into(), expected).await?;
        Ok(())
    }
}

fn tell(what: &str, error: &(dyn std::error::Error + 'static)) {
    tracing::warn!(
        cause = error,
        "{PATH} {what}; task definitions are read from ECS instead."
    );
}
