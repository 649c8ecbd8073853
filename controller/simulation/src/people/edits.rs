//! Edits of the spec: good ones, bad ones, and ones that are no spec at all.

use std::sync::Arc;

use schema::LoanPlatformSpec;
use schema::platform::{AlarmAction, BreakerMode, DeletionPolicy, Image, Mode};
use schema::units::Whole;

use super::{Item, People};
use crate::desk::Desk;
use crate::world::World;

/// Kinds of edits, and how often each is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    Retries,
    Breaker,
    Image,
    ApiImage,
    Counts,
    Decision,
    Threshold,
    Alarms,
    Mode,
    RetryToken,
    Approve,
    BakeTime,
    GoBack,
    Several,
    Nonsense,
    Removal,
}

const EDITS: [(u32, Edit); 16] = [
    (22, Edit::Retries),
    (10, Edit::Breaker),
    (16, Edit::Image),
    (5, Edit::ApiImage),
    (8, Edit::Counts),
    (6, Edit::Decision),
    (4, Edit::Threshold),
    (4, Edit::Alarms),
    (8, Edit::Mode),
    (5, Edit::RetryToken),
    (5, Edit::Approve),
    (3, Edit::BakeTime),
    (14, Edit::GoBack),
    (8, Edit::Several),
    (5, Edit::Nonsense),
    (3, Edit::Removal),
];

impl People {
    pub(super) fn edit(&mut self, world: &Arc<World>, desk: &mut Desk) {
        let kind = self.dice.weigh(&EDITS).copied().unwrap_or(Edit::Retries);
        match kind {
            Edit::Removal => self.remove(world, desk),
            Edit::Nonsense => desk.spoil("spec: {not: [a, spec"),
            Edit::GoBack => {
                let earlier = self.dice.pick(&desk.before).cloned();
                desk.edit("back to an earlier one", |spec| {
                    *spec = earlier.unwrap_or_else(|| spec.clone());
                });
            }
            Edit::Approve => {
                let candidate = candidate(world);
                desk.edit("the candidate is approved", |spec| {
                    spec.rollout.approve = candidate.unwrap_or_default();
                });
            }
            Edit::Several => {
                let (first, second) = (self.simple(), self.simple());
                let mut whys = Vec::new();
                let people = &mut *self;
                desk.edit("several things at once", |spec| {
                    whys.push(people.change(first, spec));
                    whys.push(people.change(second, spec));
                });
                world
                    .scene()
                    .note(format!("these are: {}", whys.join(", ")));
            }
            simple => self.make(simple, desk),
        }
        self.disturb(world);
        // Some hold changes for good; most go back to enforcing soon.
        if kind == Edit::Mode && self.dice.happens(70.0) {
            let later = self.dice.pause(60_000..=3_600_000);
            self.plan(world, later, Item::Edit);
        }
    }

    pub(super) fn edit_guards(&mut self, desk: &mut Desk) {
        let kinds = [Edit::Alarms, Edit::Threshold];
        let kind = self.dice.pick(&kinds).copied().unwrap_or(Edit::Alarms);
        self.make(kind, desk);
    }

    /// Makes one change, and submits it.
    fn make(&mut self, kind: Edit, desk: &mut Desk) {
        let mut edited = desk.spec.clone();
        let why = self.change(kind, &mut edited);
        desk.edit(&why, |spec| *spec = edited);
    }

    fn simple(&mut self) -> Edit {
        let simple = [
            Edit::Retries,
            Edit::Image,
            Edit::ApiImage,
            Edit::Counts,
            Edit::Breaker,
        ];
        self.dice.pick(&simple).copied().unwrap_or(Edit::Retries)
    }

    fn remove(&mut self, world: &Arc<World>, desk: &mut Desk) {
        let later = self.dice.pause(10_000..=600_000);
        desk.remove();
        self.plan(world, later, Item::PutBack);
    }

    /// Changes something in `spec`; returns what, in words.
    fn change(&mut self, kind: Edit, spec: &mut LoanPlatformSpec) -> String {
        match kind {
            Edit::Breaker => self.change_breaker(spec),
            Edit::Image => {
                let image = self.image("scoring");
                spec.services.scoring.image = image;
                format!("scoring from {}", spec.services.scoring.image)
            }
            Edit::ApiImage => {
                let image = self.image("loan-api");
                spec.services.loan_api.image = image;
                format!("loan-api from {}", spec.services.loan_api.image)
            }
            Edit::Counts => self.change_counts(spec),
            Edit::Decision => {
                let percent = self.dice.between(30..=50);
                spec.decision.max_payment_to_income = Whole::new(percent);
                format!("maxPaymentToIncome {percent}")
            }
            Edit::Threshold => self.change_threshold(spec),
            Edit::Alarms => self.change_alarms(spec),
            Edit::Mode => {
                let next = [Mode::Observe, Mode::Suspend];
                let held = self.dice.pick(&next).copied().unwrap_or_default();
                spec.mode = if spec.mode == Mode::Enforce {
                    held
                } else {
                    Mode::Enforce
                };
                format!("mode {:?}", spec.mode)
            }
            Edit::RetryToken => {
                spec.rollout.retry_token = format!("again-{}", self.number());
                format!("retryToken {}", spec.rollout.retry_token)
            }
            Edit::BakeTime => self.change_rollout(spec),
            _ => self.change_retries(spec),
        }
    }

    fn change_retries(&mut self, spec: &mut LoanPlatformSpec) -> String {
        let attempts = self.dice.between(1..=10);
        spec.services.scoring.clients.provider.retry.max_attempts = Whole::new(attempts);
        format!("maxAttempts {attempts}")
    }

    fn change_breaker(&mut self, spec: &mut LoanPlatformSpec) -> String {
        let modes = [
            BreakerMode::Enabled,
            BreakerMode::Disabled,
            BreakerMode::MetricsOnly,
            BreakerMode::ForcedOpen,
        ];
        let mode = self.dice.pick(&modes).copied().unwrap_or_default();
        if self.dice.happens(70.0) {
            spec.services.scoring.clients.provider.circuit_breaker.mode = mode;
            format!("the provider's breaker {mode:?}")
        } else {
            spec.services.loan_api.clients.scoring.circuit_breaker.mode = mode;
            format!("scoring's breaker {mode:?}")
        }
    }

    fn image(&mut self, program: &str) -> Image {
        let kinds = [(57, "good"), (25, "bad"), (13, "broken"), (5, "missing")];
        let kind = self.dice.weigh(&kinds).copied().unwrap_or("good");
        let number = self.number();
        Image(format!("{program}:{kind}-{number}"))
    }

    fn change_counts(&mut self, spec: &mut LoanPlatformSpec) -> String {
        let count = self.dice.between(1..=6);
        let wanted = Some(Whole::new(count));
        if self.dice.happens(50.0) {
            spec.services.scoring.desired_count = wanted;
            format!("{count} tasks of scoring")
        } else {
            spec.services.loan_api.desired_count = wanted;
            format!("{count} tasks of loan-api")
        }
    }

    fn change_threshold(&mut self, spec: &mut LoanPlatformSpec) -> String {
        let threshold = f64::from(self.dice.between(5..=50));
        if let Some(alarm) = spec.alarms.first_mut() {
            alarm.threshold = threshold;
        }
        format!("a threshold of {threshold}")
    }

    /// The second alarm comes to judge changes, or no longer does, or goes.
    fn change_alarms(&mut self, spec: &mut LoanPlatformSpec) -> String {
        let Some(alarm) = spec.alarms.get_mut(1) else {
            return "nothing".to_owned();
        };
        if alarm.rolls_back() {
            spec.alarms.truncate(1);
            return "the second alarm goes".to_owned();
        }
        alarm.on_alarm.push(AlarmAction::RollbackScoring);
        "the second alarm judges changes".to_owned()
    }

    fn change_rollout(&mut self, spec: &mut LoanPlatformSpec) -> String {
        let minutes = self.dice.between(2..=12);
        spec.rollout.bake_time = schema::units::Span::from_millis(u64::from(minutes) * 60_000);
        if self.dice.happens(30.0) {
            spec.deletion_policy = DeletionPolicy::Delete;
        }
        format!(
            "bakeTime {minutes}m, deletionPolicy {:?}",
            spec.deletion_policy
        )
    }
}

/// The revision that is being rolled out.
fn candidate(world: &Arc<World>) -> Option<String> {
    let scene = world.scene();
    let state = scene.land.ledger.state.as_ref()?;
    let change = state.scoring.change.as_ref()?;
    Some(change.candidate.0.clone())
}
