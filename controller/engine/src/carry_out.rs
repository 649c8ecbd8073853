//! Doing: the calls of a plan, one after another.

use jiff::Timestamp;
use schema::names::PlatformName;

use crate::observe::settings_path;
use crate::plan::{Action, Plan};
use crate::ports::PortError;
use crate::reconcile::Context;

/// Makes the calls of `plan` in their order, and stops at the first that fails: what comes after may
/// rest on it.
pub(crate) async fn carry_out(
    context: &Context,
    platform: &PlatformName,
    plan: &Plan,
    now: Timestamp,
) -> Result<(), PortError> {
    for step in &plan.steps {
        tracing::info!(%platform, %step, "Reconciling.");
        carry_out_one(context, platform, &step.action).await?;
        context.convergence.wrote(platform, step, now);
    }
    Ok(())
}

async fn carry_out_one(
    context: &Context,
    platform: &PlatformName,
    action: &Action,
) -> Result<(), PortError> {
    match action {
        Action::PutAlarm(definition) => context.alarms.put(definition).await,
        Action::DeleteAlarm(name) => context.alarms.delete(platform, name).await,
        Action::Service(change) => context.compute.apply(change).await,
        Action::DeleteSettings(service) => {
            context
                .documents
                .delete(&settings_path(platform, *service))
                .await
        }
        Action::PutSettings { document, expected } => {
            let path = settings_path(platform, document.service);
            let bytes = serde_json::to_vec_pretty(document)
                .map_err(|error| PortError::unavailable(format!("write {path}"), error))?;
            context
                .documents
                .put(&path, bytes.into(), expected.clone())
                .await
                .map(drop)
        }
    }
}
