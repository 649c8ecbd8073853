//! What scales services, as it was read last: of all of them together, and seldom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_applicationautoscaling::Client;
use aws_sdk_applicationautoscaling::types::{ScalableTarget, ScalingPolicy, ServiceNamespace};
use engine::ports::{PortError, Urgency};
use schema::platform::Scaling;
use tokio::time::Instant;

use super::failure::{change_error, has_code};
use super::scaling;
use crate::caller::{Call, Caller};
use crate::paging::{Page, all_pages};
use crate::quota::Family;

/// How long what was read is believed. Only people change it behind the controller's back.
const BELIEVED: Duration = Duration::from_secs(600);
/// Pages that are read at most, of 50 ranges or 10 policies each; what comes after them is not known.
const PAGES: usize = 500;
/// Resource ids that are asked for in one call.
const BATCH: usize = 50;

/// What scales services. Read for the whole account at once; what this process itself wrote is read again at the
/// next look.
#[derive(Debug)]
pub(crate) struct Targets {
    client: Client,
    caller: Arc<Caller>,
    memory: Mutex<Memory>,
    /// Held while all of it is read, so that one look reads for everybody.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Memory {
    read_at: Option<Instant>,
    scaling: BTreeMap<String, Scaling>,
    /// Written since they were read.
    stale: BTreeSet<String>,
}

impl Memory {
    fn is_due(&self, now: Instant) -> bool {
        self.read_at
            .is_none_or(|at| now.duration_since(at) >= BELIEVED)
    }

    fn replace(&mut self, ids: &[String], found: BTreeMap<String, Scaling>) {
        self.scaling.retain(|id, _| !ids.contains(id));
        self.scaling.extend(found);
    }
}

impl Targets {
    pub(crate) fn new(client: Client, caller: Arc<Caller>) -> Self {
        Self {
            client,
            caller,
            memory: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// What scales the services called `ids`; those that nothing scales are left out.
    ///
    /// # Errors
    /// When it was never read, or written since, and cannot be read.
    pub(crate) async fn of(
        &self,
        ids: &[String],
        urgency: Urgency,
    ) -> Result<BTreeMap<String, Scaling>, PortError> {
        self.read_all_if_due(urgency).await?;
        self.read_stale(ids, urgency).await?;
        let memory = self.lock();
        let known = |id: &String| Some((id.clone(), *memory.scaling.get(id)?));
        Ok(ids.iter().filter_map(known).collect())
    }

    /// Whether `id` is known to be scaled by `wanted`, or by nothing.
    pub(crate) fn is_known(&self, id: &str, wanted: Option<Scaling>) -> bool {
        let memory = self.lock();
        memory.read_at.is_some()
            && !memory.stale.contains(id)
            && memory.scaling.get(id).copied() == wanted
    }

    /// Has `id` scaled by `wanted`, or by nothing.
    ///
    /// # Errors
    /// When that is refused, or cannot be asked for.
    pub(crate) async fn bring_about(
        &self,
        id: &str,
        wanted: Option<Scaling>,
    ) -> Result<(), PortError> {
        if self.is_known(id, wanted) {
            return Ok(());
        }
        self.lock().stale.insert(id.to_owned());
        match wanted {
            Some(wanted) => self.write(id, wanted).await,
            None => self.remove(id).await,
        }
    }

    async fn write(&self, id: &str, wanted: Scaling) -> Result<(), PortError> {
        let action = format!("scale {id} automatically");
        let target = scaling::target(id, wanted).send_with(&self.client);
        let permission = "application-autoscaling:RegisterScalableTarget";
        let answer = self.caller.change(Family::Scaling, target).await;
        answer.map_err(|error| change_error(&action, permission, error))?;

        let policy = scaling::policy(id, wanted);
        let policy = policy.map_err(|error| PortError::unavailable(&action, error))?;
        let policy = policy.send_with(&self.client);
        let permission = "application-autoscaling:PutScalingPolicy";
        let answer = self.caller.change(Family::Scaling, policy).await;
        answer.map_err(|error| change_error(&action, permission, error))?;
        Ok(())
    }

    /// Its policies go with the range.
    async fn remove(&self, id: &str) -> Result<(), PortError> {
        let remove = self
            .client
            .deregister_scalable_target()
            .service_namespace(ServiceNamespace::Ecs)
            .scalable_dimension(
                aws_sdk_applicationautoscaling::types::ScalableDimension::EcsServiceDesiredCount,
            )
            .resource_id(id)
            .send();
        match self.caller.change(Family::Scaling, remove).await {
            Ok(_) => Ok(()),
            Err(error) if has_code(&error, &["ObjectNotFoundException"]) => Ok(()),
            Err(error) => Err(change_error(
                &format!("scale {id} no longer automatically"),
                "application-autoscaling:DeregisterScalableTarget",
                error,
            )),
        }
    }

    /// What was read before is good enough while somebody else reads, and when reading fails.
    async fn read_all_if_due(&self, urgency: Urgency) -> Result<(), PortError> {
        let is_due = || self.lock().is_due(Instant::now());
        if !is_due() {
            return Ok(());
        }
        let was_read = self.lock().read_at.is_some();
        let _reading = match self.reading.try_lock() {
            Ok(reading) => reading,
            Err(_) if was_read => return Ok(()),
            Err(_) => self.reading.lock().await,
        };
        if !is_due() {
            return Ok(());
        }
        match self.read_all(urgency).await {
            Ok(()) => Ok(()),
            Err(error) if was_read => {
                tracing::warn!(%error, "What scales services is taken to be as it was.");
                self.lock().read_at = Some(Instant::now());
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn read_all(&self, urgency: Urgency) -> Result<(), PortError> {
        let mut targets = self.targets(None, urgency).await?;
        targets.retain(|target| scaling::is_ours(target.resource_id()));
        let policies = if targets.is_empty() {
            Vec::new()
        } else {
            self.policies(None, urgency).await?
        };
        let mut memory = self.lock();
        memory.scaling = scaling::found(&targets, &policies);
        memory.read_at = Some(Instant::now());
        Ok(())
    }

    /// A write under way while it is read makes it stale once more.
    async fn read_stale(&self, ids: &[String], urgency: Urgency) -> Result<(), PortError> {
        let mut stale = self.lock().stale.clone();
        stale.retain(|id| ids.contains(id));
        let stale: Vec<String> = stale.into_iter().collect();
        for batch in stale.chunks(BATCH) {
            self.lock().stale.retain(|id| !batch.contains(id));
            if let Err(error) = self.read_again(batch, urgency).await {
                self.lock().stale.extend(batch.iter().cloned());
                return Err(error);
            }
        }
        Ok(())
    }

    async fn read_again(&self, ids: &[String], urgency: Urgency) -> Result<(), PortError> {
        let targets = self.targets(Some(ids), urgency).await?;
        let mut policies = Vec::new();
        for target in &targets {
            let of_target = self.policies(Some(target.resource_id()), urgency).await?;
            policies.extend(of_target);
        }
        let found = scaling::found(&targets, &policies);
        self.lock().replace(ids, found);
        Ok(())
    }

    async fn targets(
        &self,
        ids: Option<&[String]>,
        urgency: Urgency,
    ) -> Result<Vec<ScalableTarget>, PortError> {
        let call = reading("application-autoscaling:DescribeScalableTargets");
        let request = self
            .client
            .describe_scalable_targets()
            .service_namespace(ServiceNamespace::Ecs)
            .set_resource_ids(ids.map(<[String]>::to_vec));
        let (call, request) = (&call, &request);
        all_pages(PAGES, "targets of scaling", |from| async move {
            let request = request.clone().set_next_token(from);
            let answer = self.caller.read(call, urgency, || request.clone().send());
            let answer = answer.await?;
            Ok(Page {
                items: answer.scalable_targets.unwrap_or_default(),
                next: answer.next_token,
            })
        })
        .await
    }

    async fn policies(
        &self,
        id: Option<&str>,
        urgency: Urgency,
    ) -> Result<Vec<ScalingPolicy>, PortError> {
        let call = reading("application-autoscaling:DescribeScalingPolicies");
        let request = self
            .client
            .describe_scaling_policies()
            .service_namespace(ServiceNamespace::Ecs)
            .set_resource_id(id.map(str::to_owned));
        let (call, request) = (&call, &request);
        all_pages(PAGES, "policies of scaling", |from| async move {
            let request = request.clone().set_next_token(from);
            let answer = self.caller.read(call, urgency, || request.clone().send());
            let answer = answer.await?;
            Ok(Page {
                items: answer.scaling_policies.unwrap_or_default(),
                next: answer.next_token,
            })
        })
        .await
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reading(permission: &'static str) -> Call {
    Call {
        family: Family::Scaling,
        permission,
        action: "read what scales services".to_owned(),
    }
}
