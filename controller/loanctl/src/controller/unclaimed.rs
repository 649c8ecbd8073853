//! Services that nobody keeps: looked for every hour, and told of once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_adapter::{Inventory, Unclaimed};
use engine::board::Board;
use engine::tally::Tally;
use schema::names::PlatformName;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often they are looked for.
const EVERY: Duration = Duration::from_secs(3_600);
/// How long after the start, and while standing by: every platform is on the board by then.
const FIRST: Duration = Duration::from_secs(600);
/// Names in one log record.
const NAMED: usize = 20;

/// Looks for services that nobody keeps.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) inventory: Arc<Inventory>,
    pub(super) board: Arc<Board>,
    pub(super) engine: Arc<Tally>,
    /// What was found; nothing before the first search.
    pub(super) found: watch::Sender<Option<Unclaimed>>,
}

impl Search {
    /// Searches every hour until `stop`; only the controller that holds the lease does.
    pub(super) async fn repeat_until(self, stop: CancellationToken) {
        let mut pause = FIRST;
        while stop
            .run_until_cancelled(tokio::time::sleep(pause))
            .await
            .is_some()
        {
            pause = if self.engine.counts().holds_lease {
                let searching = self.search();
                if stop.run_until_cancelled(searching).await.is_none() {
                    return;
                }
                EVERY
            } else {
                FIRST
            };
        }
    }

    async fn search(&self) {
        match self.inventory.unclaimed(|| self.kept()).await {
            Ok(unclaimed) => {
                let before = self.found.send_replace(Some(unclaimed.clone()));
                tell(&unclaimed.orphaned, &before.unwrap_or_default().orphaned);
            }
            Err(error) => {
                let cause = &error as &dyn std::error::Error;
                tracing::warn!(cause, "Services that nobody keeps cannot be looked for.");
            }
        }
    }

    fn kept(&self) -> BTreeSet<PlatformName> {
        let platforms = self.board.platforms();
        let names = platforms
            .iter()
            .filter_map(|it| it.metadata.name.as_deref());
        names
            .filter_map(|name| PlatformName::try_from(name).ok())
            .collect()
    }
}

/// What was told before is not told again.
fn tell(orphaned: &BTreeSet<String>, before: &BTreeSet<String>) {
    let news: Vec<&str> = orphaned.difference(before).map(String::as_str).collect();
    if news.is_empty() {
        return;
    }
    tracing::warn!(
        count = news.len(),
        services = news
            .iter()
            .take(NAMED)
            .copied()
            .collect::<Vec<_>>()
            .join(", "),
        "Services carry the controller's tag and belong to no platform: put the platform's spec back, or remove them."
    );
}
