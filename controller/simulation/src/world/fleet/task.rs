//! A task: it starts, takes settings, serves, drains, and is gone.

use std::sync::Arc;
use std::time::Duration;

use engine::ports::{ObservedTask, TaskTemplate};
use jiff::Timestamp;
use schema::status::{TaskHealth, TaskStatus};

use super::Taken;
use crate::dice::Dice;
use crate::timeline::after;

/// How often a task looks for new settings.
const LOOKS_EVERY: Duration = Duration::from_secs(5);

/// A task.
#[derive(Debug)]
pub(crate) struct Task {
    pub(super) number: u64,
    pub(super) deployment: u64,
    pub(super) template: TaskTemplate,
    started_at: Timestamp,
    /// When it can serve; one of a broken image never can.
    ready_at: Option<Timestamp>,
    /// When its requests are finished, once it drains.
    drained_at: Option<Timestamp>,
    looks_at: Timestamp,
    settings: Option<Arc<Taken>>,
    ready: bool,
}

impl Task {
    pub(super) fn start(
        number: u64,
        deployment: u64,
        template: &TaskTemplate,
        becomes_ready: bool,
        dice: &mut Dice,
        now: Timestamp,
    ) -> Self {
        let starting = dice.pause(8_000..=45_000);
        Self {
            number,
            deployment,
            template: template.clone(),
            started_at: now,
            ready_at: becomes_ready.then(|| after(now, starting)),
            drained_at: None,
            looks_at: after(now, dice.pause(0..=5_000)),
            settings: None,
            ready: false,
        }
    }

    pub(super) fn drain(&mut self, dice: &mut Dice, now: Timestamp) {
        if self.drained_at.is_none() {
            let finishing = dice.pause(1_000..=15_000);
            self.drained_at = Some(after(now, finishing));
        }
    }

    pub(super) fn is_gone(&self, now: Timestamp) -> bool {
        self.drained_at.is_some_and(|at| at <= now)
    }

    pub(super) const fn is_draining(&self) -> bool {
        self.drained_at.is_some()
    }

    /// Whether it is ready and not draining.
    pub(crate) const fn serves(&self) -> bool {
        self.ready && self.drained_at.is_none()
    }

    pub(crate) const fn template(&self) -> &TaskTemplate {
        &self.template
    }

    pub(crate) fn settings(&self) -> Option<&Taken> {
        self.settings.as_deref()
    }

    /// Takes settings that are new, and becomes ready. Returns the order of settings that it refuses.
    pub(super) fn advance(
        &mut self,
        now: Timestamp,
        posted: Option<&Arc<Taken>>,
    ) -> Option<(u64, u64)> {
        let mut refused = None;
        if self.looks_at <= now {
            self.looks_at = after(now, LOOKS_EVERY);
            refused = posted.and_then(|posted| self.take(posted));
        }
        let is_due = self.ready_at.is_some_and(|at| at <= now);
        self.ready |= is_due && self.settings.is_some();
        refused
    }

    fn take(&mut self, posted: &Arc<Taken>) -> Option<(u64, u64)> {
        let own = self.settings.as_ref().map(|settings| settings.order);
        if own.is_some_and(|own| posted.order < own) {
            return Some(posted.order);
        }
        if own != Some(posted.order) {
            self.settings = Some(Arc::clone(posted));
        }
        None
    }

    pub(super) fn observed(&self, service: &str) -> ObservedTask {
        let health = if self.is_draining() {
            TaskHealth::Draining
        } else if self.ready {
            TaskHealth::Healthy
        } else {
            TaskHealth::Starting
        };
        ObservedTask {
            status: TaskStatus {
                id: format!("{service}-{}", self.number),
                address: None,
                pid: None,
                started_at: self.started_at,
                health,
                settings_revision: self.settings().map(|settings| settings.revision.clone()),
            },
            settings: self.settings().map(|settings| settings.order),
        }
    }
}
