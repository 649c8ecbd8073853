//! Doing: the calls of a plan, one after another.

use std::time::Duration;

use jiff::Timestamp;
use schema::names::PlatformName;
use tokio::time::{Instant, timeout_at};

use crate::observe::settings_path;
use crate::plan::{Action, Plan};
use crate::ports::{Permit, PortError, Urgency};
use crate::reconcile::Context;
use crate::state::PlatformState;

/// How long a plan may wait for its permit before the platform is looked at again: what was found when it was
/// made grows old.
const PATIENCE: Duration = Duration::from_secs(60);

/// How far the calls of a plan came.
#[derive(Debug)]
pub(crate) enum Progress {
    /// All of them were made.
    Done,
    /// All but that of the dashboard, which comes last and which nobody waits for.
    NoDashboard(PortError),
    /// Something was said about the platform while they waited for their permit, or they waited too long: what
    /// they were decided on may have changed. Or the controller is stopping.
    Outdated,
}

/// Makes the calls of `plan`, decided for `state`, in their order, and stops at the first that fails: what comes after may
/// rest on it.
pub(crate) async fn carry_out(
    context: &Context,
    state: &PlatformState,
    plan: &Plan,
    urgency: Urgency,
    now: Timestamp,
) -> Result<Progress, PortError> {
    let platform = &state.platform;
    for step in &plan.steps {
        let Some(permit) = permit(context, platform, &step.action, urgency).await else {
            return Ok(Progress::Outdated);
        };
        tracing::info!(%platform, %step, "Reconciling.");
        match carry_out_one(context, state, &step.action, permit).await {
            Ok(()) => context.convergence.wrote(platform, step, now),
            Err(error) if is_of_dashboard(&step.action, &error) => {
                return Ok(Progress::NoDashboard(error));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Progress::Done)
}

/// Whether `error` says no more than that a dashboard could not be kept.
const fn is_of_dashboard(action: &Action, error: &PortError) -> bool {
    matches!(action, Action::Dashboard { .. }) && !matches!(error, PortError::LeaseLost)
}

/// Waits for the permit to make `action`; nothing when that makes no sense any more.
async fn permit(
    context: &Context,
    platform: &PlatformName,
    action: &Action,
    urgency: Urgency,
) -> Option<Permit> {
    let permit = async {
        match action {
            Action::Service(change) => context.compute.permit(change, urgency).await,
            Action::PutAlarm(_) | Action::DeleteAlarm(_) => context.alarms.permit(urgency).await,
            Action::Dashboard { .. } => context.alarms.permit_dashboard(urgency).await,
            Action::PutSettings { .. } | Action::DeleteSettings(_) => Permit::free(),
        }
    };
    let deadline = Instant::now() + PATIENCE;
    tokio::select! {
        biased;
        permit = timeout_at(deadline, permit) => permit.ok(),
        () = context.touched.said_about(platform) => None,
    }
}

async fn carry_out_one(
    context: &Context,
    state: &PlatformState,
    action: &Action,
    permit: Permit,
) -> Result<(), PortError> {
    let (platform, generation) = (&state.platform, state.generation);
    match action {
        Action::PutAlarm(definition) => context.alarms.put(definition, permit).await,
        Action::DeleteAlarm(name) => context.alarms.delete(platform, name, permit).await,
        Action::Service(change) => context.compute.apply(change, generation, permit).await,
        Action::Dashboard { wanted } => {
            let alarms = &context.alarms;
            alarms.keep_dashboard(platform, *wanted, permit).await
        }
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
