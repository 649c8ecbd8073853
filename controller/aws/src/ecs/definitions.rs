//! Task definitions that are registered, as far as they were read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_ecs::Client;
use engine::ports::{PortError, Urgency};

use super::failure::change_error;
use super::registered::Registered;
use super::task_definition::TaskDefinitionBody;
use crate::caller::{Call, Caller};
use crate::quota::Family;

/// Task definitions that are remembered; beyond it all are read again.
const KEPT: usize = 20_000;
/// Revisions of a family that are looked through, newest first, for one that is wanted again: what a change is
/// taken back to is rarely older. Registering once more than needed costs a call of a small quota, no more.
const LOOKED_THROUGH: i32 = 5;

/// Task definitions that are registered. A revision never changes, so each is read once.
#[derive(Debug)]
pub(crate) struct Definitions {
    client: Client,
    caller: Arc<Caller>,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    by_arn: BTreeMap<String, Arc<Registered>>,
    by_body: BTreeMap<BodyKey, String>,
    /// Looked for and not found.
    absent: BTreeSet<BodyKey>,
}

/// Family and digest.
type BodyKey = (String, String);

impl Memory {
    fn remember(&mut self, registered: Registered) -> Arc<Registered> {
        if self.by_arn.len() + self.absent.len() >= KEPT {
            *self = Self::default();
        }
        let registered = Arc::new(registered);
        if let Some(digest) = registered.digest.clone().filter(|_| registered.active) {
            let key = (registered.family.clone(), digest);
            self.absent.remove(&key);
            self.by_body.insert(key, registered.arn.clone());
        }
        self.by_arn
            .insert(registered.arn.clone(), Arc::clone(&registered));
        registered
    }
}

impl Definitions {
    pub(crate) fn new(client: Client, caller: Arc<Caller>) -> Self {
        Self {
            client,
            caller,
            memory: Mutex::default(),
        }
    }

    /// The task definition `arn`; nothing where it says too little to run a task from.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) async fn read(
        &self,
        arn: &str,
        urgency: Urgency,
    ) -> Result<Option<Arc<Registered>>, PortError> {
        if let Some(known) = self.lock().by_arn.get(arn) {
            return Ok(Some(Arc::clone(known)));
        }
        let call = Call {
            family: Family::TaskDefinitionRead,
            permission: "ecs:DescribeTaskDefinition",
            action: format!("read the task definition {arn}"),
        };
        let request = self.client.describe_task_definition().task_definition(arn);
        let answer = self.caller.read(&call, urgency, || request.clone().send());
        let answer = answer.await?;
        let registered = answer.task_definition().and_then(Registered::read);
        Ok(registered.map(|registered| self.lock().remember(registered)))
    }

    /// Whether `body` is known to be registered.
    pub(crate) fn is_known(&self, body: &TaskDefinitionBody) -> bool {
        self.known(body).is_some()
    }

    /// Looks for `body` among the newest revisions of its family, unless that was done already.
    pub(crate) async fn look_for(&self, body: &TaskDefinitionBody, urgency: Urgency) {
        let key = (body.family.clone(), body.digest());
        let is_settled =
            |memory: &Memory| memory.by_body.contains_key(&key) || memory.absent.contains(&key);
        if is_settled(&self.lock()) {
            return;
        }
        let mut revision = self.newest_revision(&body.family, urgency).await;
        for _ in 0..LOOKED_THROUGH {
            let Some(at) = revision.filter(|at| *at > 0) else {
                break;
            };
            let name = format!("{}:{at}", body.family);
            // What cannot be read is not what is looked for.
            drop(self.read(&name, urgency).await);
            if self.is_known(body) {
                return;
            }
            revision = Some(at - 1);
        }
        self.lock().absent.insert(key);
    }

    /// Registers `body` unless it is known to be, and returns its ARN.
    ///
    /// # Errors
    /// When that is refused, or cannot be asked for.
    pub(crate) async fn registered(&self, body: &TaskDefinitionBody) -> Result<String, PortError> {
        if let Some(arn) = self.known(body) {
            return Ok(arn);
        }
        let action = format!("register a task definition of {}", body.family);
        let input = body.input();
        let input = input.map_err(|error| PortError::unavailable(&action, error))?;
        let register = input.send_with(&self.client);
        let answer = self.caller.change(Family::TaskDefinitionModify, register);
        let answer = answer
            .await
            .map_err(|error| change_error(&action, "ecs:RegisterTaskDefinition", error))?;
        let registered = answer.task_definition().and_then(Registered::read);
        let Some(registered) = registered else {
            return Err(PortError::unavailable(action, "ECS answered without it"));
        };
        let arn = registered.arn.clone();
        self.lock().remember(registered);
        Ok(arn)
    }

    /// Forgets that services may be given `arn`: somebody may have deregistered it.
    pub(crate) fn forget(&self, arn: &str) {
        let mut memory = self.lock();
        memory.by_arn.remove(arn);
        memory.by_body.retain(|_, known| known != arn);
    }

    fn known(&self, body: &TaskDefinitionBody) -> Option<String> {
        let key = (body.family.clone(), body.digest());
        self.lock().by_body.get(&key).cloned()
    }

    async fn newest_revision(&self, family: &str, urgency: Urgency) -> Option<i32> {
        // A family that is not there is refused like any other wrong name: then there is nothing to find.
        let newest = self.read(family, urgency).await.ok()??;
        Some(newest.revision)
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
