//! Applications that were left undecided are taken up again, until each is decided.

use std::time::Duration;

use service_kit::trace::{self, TraceContext};
use tokio::time::MissedTickBehavior;

use crate::processing::{Processor, Undecidable};
use crate::scoring::Purpose;
use crate::store::{Store, StoreError, Undecided};

/// At most two a second per task: what was left behind by an outage must not cause the next one.
const INTERVAL: Duration = Duration::from_millis(500);

/// Works for ever.
pub(crate) async fn run(store: Store, processor: Processor) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = recover_one(&store, &processor).await {
            tracing::warn!(%error, "undecided applications cannot be looked for");
        }
    }
}

async fn recover_one(store: &Store, processor: &Processor) -> Result<(), StoreError> {
    let Some(undecided) = store.lease_undecided().await? else {
        return Ok(());
    };
    let context = TraceContext::resume(&undecided.trace_id);
    let work = recover(processor, &undecided);
    context.scope(trace::span(&context), work).await;
    Ok(())
}

async fn recover(processor: &Processor, undecided: &Undecided) {
    let Undecided {
        application_id,
        request,
        ..
    } = undecided;
    match processor
        .process(application_id, request, Purpose::Recovery)
        .await
    {
        Ok(_) => tracing::info!(application_id, "undecided application recovered"),
        Err(Undecidable::DecidedElsewhere) => {}
        Err(error) => tracing::info!(application_id, %error, "application still undecided"),
    }
}
