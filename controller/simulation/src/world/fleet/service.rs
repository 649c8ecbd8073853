//! A service: a template, a count, the deployment that brings them about, and tasks.

use std::sync::Arc;

use engine::ports::{
    DeploymentState, ObservedDeployment, ObservedService, ServiceDefinition, TaskTemplate,
};
use jiff::Timestamp;
use schema::names::{PlatformName, ServiceName};
use schema::platform::Scaling;

use super::task::Task;
use super::{Numbers, Taken};
use crate::dice::Dice;
use crate::timeline::after;
use crate::world::harm::kind_of;

/// A service.
#[derive(Debug)]
pub(crate) struct Service {
    template: TaskTemplate,
    desired: u32,
    scaling: Option<Scaling>,
    deployment: Deployment,
    /// What ran before the newest deployment.
    before: Option<Before>,
    tasks: Vec<Task>,
    removing: bool,
}

#[derive(Debug)]
struct Deployment {
    number: u64,
    state: DeploymentState,
    /// When it will have failed, if it will.
    fails: Option<Failure>,
}

#[derive(Clone, Copy, Debug)]
struct Failure {
    at: Timestamp,
    /// Whether ECS then goes back by itself.
    rolls_back: bool,
}

#[derive(Clone, Debug)]
struct Before {
    template: TaskTemplate,
    deployment: u64,
}

impl Service {
    pub(super) fn new(
        definition: &ServiceDefinition,
        numbers: &mut Numbers,
        dice: &mut Dice,
        now: Timestamp,
    ) -> Self {
        let template = definition.template.clone();
        Self {
            deployment: Deployment::begun(&template, None, numbers, dice, now, false),
            template,
            desired: definition.count.unwrap_or(1),
            scaling: definition.scaling,
            before: None,
            tasks: Vec::new(),
            removing: false,
        }
    }

    pub(crate) const fn template(&self) -> &TaskTemplate {
        &self.template
    }

    pub(crate) const fn desired(&self) -> u32 {
        self.desired
    }

    pub(crate) const fn state(&self) -> &DeploymentState {
        &self.deployment.state
    }

    pub(crate) fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    pub(crate) fn serving(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(|task| task.serves())
    }

    pub(crate) const fn is_being_removed(&self) -> bool {
        self.removing
    }

    pub(super) fn remove(&mut self, now: Timestamp) {
        self.removing = true;
        // Draining takes as long as it takes; without dice of its own it is the longest.
        let mut dice = Dice::new(self.deployment.number);
        self.tasks
            .iter_mut()
            .for_each(|task| task.drain(&mut dice, now));
    }

    pub(crate) const fn scaling(&self) -> Option<Scaling> {
        self.scaling
    }

    /// The oldest task that serves ends without a word.
    pub(super) fn lose_a_task(&mut self) {
        if let Some(lost) = self.tasks.iter().position(Task::serves) {
            self.tasks.remove(lost);
        }
    }

    pub(super) const fn scale(&mut self, count: u32, scaling: Option<Scaling>) {
        self.desired = count;
        self.scaling = scaling;
    }

    /// Asks for a template. What runs already, or is on its way, is not deployed once more.
    pub(super) fn deploy(
        &mut self,
        template: &TaskTemplate,
        numbers: &mut Numbers,
        dice: &mut Dice,
        now: Timestamp,
        unlucky: bool,
    ) {
        let failed = matches!(self.deployment.state, DeploymentState::Failed { .. });
        if self.template == *template && !failed {
            return;
        }
        self.begin(template, numbers, dice, now, unlucky);
    }

    /// Replaces every task, also where the template stays the same.
    pub(super) fn force(
        &mut self,
        template: &TaskTemplate,
        numbers: &mut Numbers,
        dice: &mut Dice,
        now: Timestamp,
    ) {
        self.begin(template, numbers, dice, now, false);
    }

    fn begin(
        &mut self,
        template: &TaskTemplate,
        numbers: &mut Numbers,
        dice: &mut Dice,
        now: Timestamp,
        unlucky: bool,
    ) {
        // What went before is the newest that did run, not one that is still on its way or failed.
        if matches!(
            self.deployment.state,
            DeploymentState::Completed | DeploymentState::RolledBack { .. }
        ) {
            self.before = Some(Before {
                template: self.template.clone(),
                deployment: self.deployment.number,
            });
        }
        let before = self.before.as_ref();
        self.deployment = Deployment::begun(template, before, numbers, dice, now, unlucky);
        self.template = template.clone();
    }

    pub(super) fn advance(
        &mut self,
        now: Timestamp,
        posted: Option<&Arc<Taken>>,
        numbers: &mut Numbers,
        dice: &mut Dice,
    ) -> Vec<String> {
        self.tasks.retain(|task| !task.is_gone(now));
        let mut offended = Vec::new();
        for task in &mut self.tasks {
            if let Some(order) = task.advance(now, posted) {
                offended.push(format!(
                    "task {} was offered settings {order:?}, older than its own {:?}",
                    task.number,
                    task.settings().map(|own| own.order)
                ));
            }
        }
        if self.removing {
            return offended;
        }
        if let Some(failure) = self.deployment.fails.filter(|failure| failure.at <= now) {
            self.fail(failure, numbers, dice, now);
        }
        self.keep_count(numbers, dice, now);
        self.replace_older(dice, now);
        offended
    }

    /// The deployment failed: its tasks go, those before stay.
    fn fail(&mut self, failure: Failure, numbers: &mut Numbers, dice: &mut Dice, now: Timestamp) {
        self.deployment.fails = None;
        let reason = format!("tasks of {} failed to start", self.template.image);
        let kept = self.before.as_ref().map(|before| before.deployment);
        self.tasks
            .iter_mut()
            .filter(|task| Some(task.deployment) != kept)
            .for_each(|task| task.drain(dice, now));
        match self.before.clone().filter(|_| failure.rolls_back) {
            Some(before) => {
                self.template = before.template;
                self.deployment.number = numbers.deployment();
                self.deployment.state = DeploymentState::RolledBack { reason };
                for task in &mut self.tasks {
                    if task.deployment == before.deployment {
                        task.deployment = self.deployment.number;
                    }
                }
            }
            None => self.deployment.state = DeploymentState::Failed { reason },
        }
    }

    /// As many tasks as wanted run, or are on their way.
    fn keep_count(&mut self, numbers: &mut Numbers, dice: &mut Dice, now: Timestamp) {
        let kept = self.kept();
        let (template, deployment) = (kept.template, kept.deployment);
        let current = |task: &&mut Task| task.deployment == deployment && !task.is_draining();
        let count = self.tasks.iter_mut().filter(current).count();
        let wanted = self.desired as usize;
        for _ in count..wanted {
            let becomes_ready =
                kind_of(&template.image).starts() && self.deployment.fails.is_none();
            let number = numbers.task();
            let task = Task::start(number, deployment, &template, becomes_ready, dice, now);
            self.tasks.push(task);
        }
        self.tasks
            .iter_mut()
            .filter(current)
            .skip(wanted)
            .for_each(|task| task.drain(dice, now));
    }

    /// What tasks are started from: after a failed deployment, what went before.
    fn kept(&self) -> Before {
        let failed = matches!(self.deployment.state, DeploymentState::Failed { .. });
        let before = self.before.clone().filter(|_| failed);
        before.unwrap_or_else(|| Before {
            template: self.template.clone(),
            deployment: self.deployment.number,
        })
    }

    /// Older tasks go when the new ones are ready; with them the deployment is complete.
    fn replace_older(&mut self, dice: &mut Dice, now: Timestamp) {
        if self.deployment.state != DeploymentState::InProgress {
            return;
        }
        let number = self.deployment.number;
        let is_new = |task: &&Task| task.deployment == number && task.serves();
        if self.tasks.iter().filter(is_new).count() < self.desired as usize {
            return;
        }
        let older = self
            .tasks
            .iter_mut()
            .filter(|task| task.deployment != number);
        older.for_each(|task| task.drain(dice, now));
        if self.tasks.iter().all(|task| task.deployment == number) {
            self.deployment.state = DeploymentState::Completed;
        }
    }

    pub(super) fn observed(&self, platform: &PlatformName, name: ServiceName) -> ObservedService {
        ObservedService {
            platform: platform.clone(),
            service: name,
            template: self.template.clone(),
            desired_count: self.desired,
            scaling: self.scaling,
            drift: Vec::new(),
            restarts: 0,
            deployment: ObservedDeployment {
                id: format!("ecs-svc/{}", self.deployment.number),
                state: self.deployment.state.clone(),
            },
            tasks: self
                .tasks
                .iter()
                .map(|task| task.observed(name.kebab()))
                .collect(),
            summary: None,
            endpoint: None,
        }
    }
}

impl Deployment {
    fn begun(
        template: &TaskTemplate,
        before: Option<&Before>,
        numbers: &mut Numbers,
        dice: &mut Dice,
        now: Timestamp,
        unlucky: bool,
    ) -> Self {
        let broken = !kind_of(&template.image).starts();
        let goes_back = before.is_some() && (dice.happens(50.0) || !broken);
        let at = after(now, dice.pause(60_000..=240_000));
        let fails = broken || (unlucky && before.is_some());
        Self {
            number: numbers.deployment(),
            state: DeploymentState::InProgress,
            fails: fails.then_some(Failure {
                at,
                rolls_back: goes_back,
            }),
        }
    }
}
