//! Scores that were given: an application that is asked for again is neither billed again nor scored otherwise.

use std::fmt;
use std::sync::Arc;

use quick_cache::sync::Cache;
use serde::Serialize;

use crate::provider::ScoreRequest;

/// Scores remembered, the least used forgotten first: hours of them at any load one task can take, in about 30 MB.
const CAPACITY: usize = 100_000;

/// The answer to an application's request for a score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scored {
    /// The higher, the better.
    pub score: u32,
    /// Its band in the credit policy.
    pub risk_band: String,
    /// Who scored.
    pub provider: String,
    /// The scoring revision in force when the provider was asked.
    pub scoring_revision: String,
}

/// What this task has answered. It lasts as long as the task, and other tasks do not know of it: to them an
/// application is new, and the provider is told by its key that it is not.
#[derive(Clone)]
pub struct Memory(Arc<Cache<ScoreRequest, Arc<Scored>>>);

impl Default for Memory {
    fn default() -> Self {
        Self(Arc::new(Cache::new(CAPACITY)))
    }
}

impl Memory {
    /// What was answered to `request` before, or else what `ask` brings, to be remembered. Of several at once one asks
    /// and the others wait for it; when it fails or is given up, the next one asks.
    ///
    /// # Errors
    /// Why `ask` brought nothing; that is not remembered.
    pub async fn recall_or<E>(
        &self,
        request: &ScoreRequest,
        ask: impl Future<Output = Result<Scored, E>>,
    ) -> Result<Arc<Scored>, E> {
        let asked = async { ask.await.map(Arc::new) };
        self.0.get_or_insert_async(request, asked).await
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("scores", &self.0.len())
            .finish_non_exhaustive()
    }
}
