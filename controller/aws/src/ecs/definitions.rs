//! Task definitions that are registered, as far as they were read, in this term or in an earlier one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_ecs::Client;
use engine::ports::{PortError, Urgency};
use tokio::time::Instant;

use super::failure::change_error;
use super::notebook::Notebook;
use super::owner::Origin;
use super::registered::Registered;
use super::task_definition::TaskDefinitionBody;
use crate::caller::{Call, Caller};
use crate::quota::Family;

/// Task definitions that are remembered; beyond it all are read again.
const KEPT: usize = 20_000;
/// Revisions of a family that are looked through, newest first, for one that is wanted again: what a change is
/// taken back to is rarely older. Registering once more than needed costs a call of a small quota, no more.
const LOOKED_THROUGH: usize = 5;

/// How long the newest revision of a family is believed to be it: only people register others than this process does.
/// A look that is cut off while it waits goes on where it was, or where many wait none would come to its end.
const BELIEVED: Duration = Duration::from_mins(10);

/// How often what was learnt is noted.
const NOTED_EVERY: Duration = Duration::from_secs(30);
/// How long what nobody asks for stays noted: by then every service was looked at.
const UNUSED_FOR: Duration = Duration::from_hours(1);

/// Task definitions that are registered. A revision never changes, so each is read once.
#[derive(Debug)]
pub(crate) struct Definitions {
    client: Client,
    caller: Arc<Caller>,
    notebook: Notebook,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    by_arn: BTreeMap<String, Arc<Registered>>,
    by_body: BTreeMap<BodyKey, String>,
    /// Looked for and not found.
    absent: BTreeSet<BodyKey>,
    newest: BTreeMap<String, Newest>,
    /// Asked for by a service since the process began.
    used: BTreeSet<String>,
    /// Whether something was learnt that is not noted.
    has_news: bool,
}

/// The newest revision of a family, and when it was seen to be that.
#[derive(Debug)]
struct Newest {
    registered: Arc<Registered>,
    since: Instant,
}

/// Family and digest.
type BodyKey = (String, String);

impl Memory {
    fn remember(&mut self, registered: Registered) -> Arc<Registered> {
        self.has_news = true;
        self.take_in(Arc::new(registered))
    }

    fn take_in(&mut self, registered: Arc<Registered>) -> Arc<Registered> {
        if self.by_arn.len() + self.absent.len() >= KEPT {
            *self = Self {
                has_news: self.has_news,
                ..Self::default()
            };
        }
        if let Some(digest) = registered.digest.clone().filter(|_| registered.active) {
            let key = (registered.family.clone(), digest);
            self.absent.remove(&key);
            self.by_body.insert(key, registered.arn.clone());
        }
        self.by_arn
            .insert(registered.arn.clone(), Arc::clone(&registered));
        registered
    }

    /// `registered` is the newest of its family at this moment.
    fn note_newest(&mut self, registered: &Arc<Registered>) {
        let newest = Newest {
            registered: Arc::clone(registered),
            since: Instant::now(),
        };
        self.newest.insert(registered.family.clone(), newest);
    }

    fn known(&mut self, arn: &str) -> Option<Arc<Registered>> {
        let known = self.by_arn.get(arn).cloned()?;
        if !self.used.contains(arn) {
            self.used.insert(arn.to_owned());
        }
        Some(known)
    }

    /// All that is worth noting, if something of it is new.
    fn news(&mut self, forgets_unused: bool) -> Option<Vec<Arc<Registered>>> {
        if !std::mem::take(&mut self.has_news) {
            return None;
        }
        let known = self.by_arn.values();
        let used = known.filter(|known| !forgets_unused || self.used.contains(&known.arn));
        Some(used.cloned().collect())
    }
}

impl Definitions {
    pub(crate) fn new(client: Client, caller: Arc<Caller>, notebook: Notebook) -> Self {
        Self {
            client,
            caller,
            notebook,
            memory: Mutex::default(),
        }
    }

    /// Notes what was learnt, from time to time.
    pub(crate) async fn keep_notes(self: Arc<Self>) {
        let began = Instant::now();
        loop {
            tokio::time::sleep(NOTED_EVERY).await;
            self.note(began.elapsed() > UNUSED_FOR).await;
        }
    }

    async fn note(&self, forgets_unused: bool) {
        let Some(news) = self.lock().news(forgets_unused) else {
            return;
        };
        if let Err(error) = self.notebook.note(news).await {
            let cause = &error as &dyn std::error::Error;
            tracing::warn!(
                cause,
                "What was read of task definitions cannot be noted yet."
            );
            self.lock().has_news = true;
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
        if let Some(known) = self.known_by_arn(arn).await {
            return Ok(Some(known));
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
        Ok(registered.map(|registered| {
            let mut memory = self.lock();
            memory.used.insert(registered.arn.clone());
            memory.remember(registered)
        }))
    }

    async fn known_by_arn(&self, arn: &str) -> Option<Arc<Registered>> {
        if let Some(known) = self.lock().known(arn) {
            return Some(known);
        }
        let take_in = |noted: Vec<Arc<Registered>>| {
            let mut memory = self.lock();
            for registered in noted {
                memory.take_in(registered);
            }
        };
        self.notebook.consult(take_in).await;
        self.lock().known(arn)
    }

    /// Whether `body` is known to be registered.
    pub(crate) fn is_known(&self, body: &TaskDefinitionBody) -> bool {
        self.known(body).is_some()
    }

    /// Looks for `body` among the newest revisions of its family, unless that was done already.
    pub(crate) async fn look_for(&self, body: &TaskDefinitionBody, urgency: Urgency) {
        let key = (body.family.clone(), body.digest());
        if self.is_known(body) || self.lock().absent.contains(&key) {
            return;
        }
        if let Some(newest) = self.newest(&body.family, urgency).await {
            for arn in newest.arns_back().take(LOOKED_THROUGH) {
                // What cannot be read is not what is looked for.
                drop(self.read(&arn, urgency).await);
                if self.is_known(body) {
                    return;
                }
            }
        }
        self.lock().absent.insert(key);
    }

    /// Registers `body` unless it is known to be, and returns its ARN. Its tags say of which `origin` it is, if it is
    /// anybody's.
    ///
    /// # Errors
    /// When that is refused, or cannot be asked for.
    pub(crate) async fn registered(
        &self,
        body: &TaskDefinitionBody,
        origin: Option<Origin<'_>>,
    ) -> Result<String, PortError> {
        if let Some(arn) = self.known(body) {
            return Ok(arn);
        }
        let action = format!("register a task definition of {}", body.family);
        let input = body.input();
        let input = input.map_err(|error| PortError::unavailable(&action, error))?;
        let input = match origin {
            Some(origin) => input.tags(origin.generation_tag()),
            None => input,
        };
        let register = input.send_with(&self.client);
        let answer = self.caller.change(Family::TaskDefinitionModify, register);
        let answer = answer
            .await
            .map_err(|error| change_error(&action, "ecs:RegisterTaskDefinition", error))?;
        let registered = answer.task_definition().and_then(Registered::read);
        let Some(registered) = registered else {
            return Err(PortError::unavailable(action, "ECS answered without it"));
        };
        let mut memory = self.lock();
        let registered = memory.remember(registered.made());
        memory.note_newest(&registered);
        Ok(registered.arn.clone())
    }

    /// Forgets that services may be given `arn`: somebody may have deregistered it.
    pub(crate) fn forget(&self, arn: &str) {
        let mut memory = self.lock();
        memory.by_arn.remove(arn);
        memory.by_body.retain(|_, known| known != arn);
    }

    fn known(&self, body: &TaskDefinitionBody) -> Option<String> {
        let key = (body.family.clone(), body.digest());
        let memory = self.lock();
        let arn = memory.by_body.get(&key)?;
        let is_truly = memory.by_arn.get(arn)?.is(body);
        is_truly.then(|| arn.clone())
    }

    /// The task definition `arn`, if it was read before.
    pub(crate) fn remembered(&self, arn: &str) -> Option<Arc<Registered>> {
        self.lock().by_arn.get(arn).cloned()
    }

    async fn newest(&self, family: &str, urgency: Urgency) -> Option<Arc<Registered>> {
        let believed = |memory: &Memory| {
            let newest = memory.newest.get(family)?;
            let is_fresh = newest.since.elapsed() < BELIEVED;
            is_fresh.then(|| Arc::clone(&newest.registered))
        };
        if let Some(believed) = believed(&self.lock()) {
            return Some(believed);
        }
        // A family that is not there is refused like any other wrong name: then there is nothing to find.
        let registered = self.read(family, urgency).await.ok()??;
        self.lock().note_newest(&registered);
        Some(registered)
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
