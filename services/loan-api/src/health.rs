//! Whether the database is there, and how far behind decisions are.

use std::time::Duration;

use schema::signals::Metric;
use service_kit::Metrics;
use service_kit::readiness::Readiness;
use service_kit::telemetry::metrics::Gauge;
use tokio::time::MissedTickBehavior;

use crate::store::{Backlog, Lookout, Store, StoreError};

const CONDITION: &str = "database";
const INTERVAL: Duration = Duration::from_secs(1);
/// One failed look may be a busy moment, and taking every replica out of service at once would make
/// that an outage.
const FAILURES_TO_HOLD: u32 = 3;

/// Brings the database up to date, as soon as it can be reached.
///
/// # Errors
/// When waiting cannot help.
pub(crate) async fn wait_for_database(
    store: &Store,
    readiness: &Readiness,
) -> Result<(), StoreError> {
    loop {
        match prepare(store).await {
            Ok(()) => break,
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "waiting for the database");
                readiness.hold(CONDITION, error.to_string());
            }
            Err(error) => return Err(error),
        }
        tokio::time::sleep(INTERVAL).await;
    }
    readiness.release(CONDITION);
    Ok(())
}

/// A login may have ended while the database was away.
async fn prepare(store: &Store) -> Result<(), StoreError> {
    store.renew_login().await?;
    store.migrate().await
}

/// Looks at the database for ever, so that nobody who asks for readiness has to.
pub(crate) async fn watch(store: Store, readiness: Readiness, gauges: BacklogGauges) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut lookout = Lookout::new(store);
    let mut failures = 0;
    loop {
        ticks.tick().await;
        match lookout.look().await {
            Ok(backlog) => {
                gauges.show(backlog);
                failures = 0;
                readiness.release(CONDITION);
            }
            Err(error) => {
                failures += 1;
                if failures == FAILURES_TO_HOLD {
                    tracing::warn!(%error, "not ready: the database cannot be reached");
                    readiness.hold(CONDITION, error.to_string());
                }
            }
        }
    }
}

/// What [`watch`] keeps current.
pub(crate) struct BacklogGauges {
    oldest_age: Gauge,
    needing_review: Gauge,
}

impl BacklogGauges {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            oldest_age: metrics.own().gauge(Metric::OldestReceivedAge),
            needing_review: metrics.own().gauge(Metric::ApplicationsNeedingReview),
        }
    }

    fn show(&self, backlog: Backlog) {
        self.oldest_age.set(backlog.oldest_age_s);
        #[expect(clippy::cast_precision_loss, reason = "a count far below 2^53")]
        self.needing_review.set(backlog.needing_review as f64);
    }
}
