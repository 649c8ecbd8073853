//! The convergence guard: the same write is not made again and again.
//!
//! A difference that comes back is someone else's write, or a value that the world changes on its
//! way in. Writing on would be a hot loop that eats the account's quota; a person has to look. That it
//! was gone for a while in between proves nothing: whoever else writes may be slower than a round. The
//! world also takes its time: until a write shows, it is not repeated in every round.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use schema::names::PlatformName;

use crate::plan::{Action, Plan, Step};
use crate::ports::ServiceChange;

/// Writes in vain after which a person has to look.
const MAX_WRITES: u32 = 3;
/// Shortest time between two equal writes.
const SPACING: SignedDuration = SignedDuration::from_secs(10);
/// Shortest time between two equal writes once they were in vain: the cause may have been mended. As long
/// after the last write a difference that has not come back is forgotten.
const LATE_SPACING: SignedDuration = SignedDuration::from_mins(10);

/// Remembers what was written for each platform and still is to be written.
#[derive(Debug, Default)]
pub struct Convergence {
    written: Mutex<BTreeMap<PlatformName, Writes>>,
}

#[derive(Debug, Default)]
struct Writes {
    generation: i64,
    by_subject: BTreeMap<String, Repeated>,
}

/// The last write of one thing, and how often it was made without another one in between.
#[derive(Clone, Debug)]
struct Repeated {
    action: String,
    times: u32,
    last: Timestamp,
}

/// Whether there is a time to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    Limited,
    Endless,
}

impl Patience {
    const fn with(self, step: &Step) -> Self {
        match step.action {
            Action::Service(ServiceChange::Repair { .. }) => Self::Limited,
            _ => self,
        }
    }
}

/// What of a plan is to be done now.
#[derive(Debug, PartialEq)]
pub struct Permitted {
    /// The calls to make.
    pub plan: Plan,
    /// What was written in vain, in words.
    pub in_vain: Vec<String>,
}

impl Convergence {
    /// What of `plan` is to be done now. A new generation always gets its tries, and so does a write of
    /// something else in the same place.
    #[must_use]
    pub fn permit(
        &self,
        platform: &PlatformName,
        generation: i64,
        plan: &Plan,
        now: Timestamp,
    ) -> Permitted {
        self.permit_as(Patience::Limited, platform, generation, plan, now)
    }

    /// Like [`Self::permit`], and never gives up: for taking a change back. Only repairs are given up all the same:
    /// each may start new tasks, and nothing is taken back by them.
    #[must_use]
    pub fn permit_tirelessly(
        &self,
        platform: &PlatformName,
        generation: i64,
        plan: &Plan,
        now: Timestamp,
    ) -> Plan {
        self.permit_as(Patience::Endless, platform, generation, plan, now)
            .plan
    }

    fn permit_as(
        &self,
        patience: Patience,
        platform: &PlatformName,
        generation: i64,
        plan: &Plan,
        now: Timestamp,
    ) -> Permitted {
        let mut written = self.lock();
        let writes = written.entry(platform.clone()).or_default();
        if writes.generation != generation {
            *writes = Writes {
                generation,
                ..Writes::default()
            };
        }
        let planned: Vec<String> = plan.steps.iter().map(subject).collect();
        writes
            .by_subject
            .retain(|subject, last| planned.contains(subject) || last.is_recent(now));
        let written = |step: &Step| {
            let last = writes.by_subject.get(&subject(step));
            last.filter(|last| last.action == key(step))
        };
        let in_vain = plan
            .steps
            .iter()
            .filter(|step| written(step).is_some_and(|repeated| repeated.is_in_vain(now)))
            .map(in_vain)
            .collect();
        let is_due = |step: &Step| {
            let patience = patience.with(step);
            written(step).is_none_or(|repeated| repeated.is_due(patience, now))
        };
        let steps = plan.steps.iter().filter(|step| is_due(step));
        Permitted {
            plan: Plan {
                steps: steps.cloned().collect(),
            },
            in_vain,
        }
    }

    /// `step` was carried out.
    pub fn wrote(&self, platform: &PlatformName, step: &Step, now: Timestamp) {
        if let Some(writes) = self.lock().get_mut(platform) {
            let action = key(step);
            let before = writes.by_subject.get(&subject(step));
            let same = before.filter(|before| before.action == action);
            let repeated = Repeated {
                times: same.map_or(0, |same| same.times) + 1,
                action,
                last: now,
            };
            writes.by_subject.insert(subject(step), repeated);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PlatformName, Writes>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Repeated {
    fn is_due(&self, patience: Patience, now: Timestamp) -> bool {
        let spacing = if self.times >= MAX_WRITES && patience == Patience::Limited {
            LATE_SPACING
        } else {
            SPACING
        };
        now.duration_since(self.last) >= spacing
    }

    fn is_in_vain(&self, now: Timestamp) -> bool {
        self.times >= MAX_WRITES && now.duration_since(self.last) >= SPACING
    }

    fn is_recent(&self, now: Timestamp) -> bool {
        now.duration_since(self.last) < LATE_SPACING
    }
}

/// What makes two writes the same: what is wanted, whatever was found.
fn key(step: &Step) -> String {
    step.action.to_string()
}

/// What a write is about.
fn subject(step: &Step) -> String {
    step.action.subject()
}

fn in_vain(step: &Step) -> String {
    let mut text = format!(
        "`{}` was done {MAX_WRITES} times and is still to be done: something else changes it back, or \
         does not take it as written",
        step.action
    );
    if !step.drift.is_empty() {
        text += "; ";
        text += &step.drift_in_words();
    }
    text
}

#[cfg(test)]
mod tests {
    use schema::names::ServiceName;
    use schema::revision::FieldChange;

    use super::*;

    fn plan(service: ServiceName) -> Plan {
        Plan {
            steps: vec![Step::whole(Action::DeleteSettings(service))],
        }
    }

    fn name() -> PlatformName {
        PlatformName::try_from("local").unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    /// Rounds a second apart, doing what is permitted; the seconds in which something was done.
    fn rounds(guard: &Convergence, generation: i64, seconds: std::ops::Range<i64>) -> Vec<i64> {
        let mut done = Vec::new();
        for second in seconds {
            let wanted = plan(ServiceName::Auth);
            let permitted = guard.permit(&name(), generation, &wanted, at(second));
            for step in &permitted.plan.steps {
                guard.wrote(&name(), step, at(second));
                done.push(second);
            }
        }
        done
    }

    #[test]
    fn invariant_04_what_is_in_vain_is_told_with_its_field() {
        let guard = Convergence::default();
        let mut wanted = plan(ServiceName::Auth);
        wanted.steps[0].drift = vec![FieldChange {
            path: "desiredCount".to_owned(),
            from: Some("5".to_owned()),
            to: Some("1".to_owned()),
        }];
        for second in 0..30 {
            for step in guard.permit(&name(), 1, &wanted, at(second)).plan.steps {
                guard.wrote(&name(), &step, at(second));
            }
        }
        let in_vain = guard.permit(&name(), 1, &wanted, at(30)).in_vain;
        assert!(
            in_vain[0].contains("desiredCount is 5, wanted 1"),
            "{in_vain:?}"
        );
    }

    #[test]
    fn invariant_04_the_same_difference_three_times_after_a_write_needs_a_person() {
        let guard = Convergence::default();
        assert_eq!(rounds(&guard, 1, 0..30), [0, 10, 20]);
        let permitted = guard.permit(&name(), 1, &plan(ServiceName::Auth), at(30));
        assert!(permitted.plan.is_empty());
        assert!(permitted.in_vain[0].contains("remove settings of auth"));
    }

    #[test]
    fn a_write_that_takes_its_time_is_neither_repeated_at_once_nor_called_in_vain() {
        let guard = Convergence::default();
        assert_eq!(rounds(&guard, 1, 0..9), [0]);
        assert!(
            guard
                .permit(&name(), 1, &plan(ServiceName::Auth), at(9))
                .in_vain
                .is_empty()
        );
    }

    #[test]
    fn only_what_was_in_vain_is_held_back() {
        let guard = Convergence::default();
        rounds(&guard, 1, 0..30);
        let mut both = plan(ServiceName::Auth);
        both.steps.extend(plan(ServiceName::Scoring).steps);
        let permitted = guard.permit(&name(), 1, &both, at(31));
        assert_eq!(permitted.plan, plan(ServiceName::Scoring));
    }

    #[test]
    fn a_new_generation_and_a_difference_that_was_gone_start_over() {
        let guard = Convergence::default();
        rounds(&guard, 1, 0..30);
        assert_eq!(rounds(&guard, 2, 30..31), [30]);
        rounds(&guard, 2, 31..60);
        let gone = guard.permit(&name(), 2, &Plan::default(), at(660));
        assert!(gone.in_vain.is_empty());
        assert_eq!(rounds(&guard, 2, 661..690), [661, 671, 681]);
    }

    #[test]
    fn invariant_04_a_difference_that_was_gone_only_for_a_moment_is_the_same() {
        let guard = Convergence::default();
        let mut done = Vec::new();
        for second in (0..300).step_by(15) {
            done.extend(rounds(&guard, 1, second..second + 1));
            let gone = guard.permit(&name(), 1, &Plan::default(), at(second + 5));
            assert!(gone.plan.is_empty());
        }
        assert_eq!(done, [0, 15, 30]);
    }

    #[test]
    fn going_back_and_forth_by_its_own_will_is_not_in_vain() {
        let guard = Convergence::default();
        let scale = |count| Plan {
            steps: vec![Step::whole(Action::Service(ServiceChange::Scale {
                platform: name(),
                service: ServiceName::Auth,
                count,
                scaling: None,
            }))],
        };
        for round in 0..20 {
            let wanted = scale(1 + u32::from(round % 2 == 0));
            let now = at(i64::from(round) * 15);
            let permitted = guard.permit(&name(), 1, &wanted, now);
            assert_eq!(permitted.plan, wanted);
            for step in &permitted.plan.steps {
                guard.wrote(&name(), step, now);
            }
        }
    }

    #[test]
    fn a_rollback_is_spaced_out_but_never_given_up() {
        let guard = Convergence::default();
        let wanted = plan(ServiceName::Scoring);
        let done = (0..60).filter(|second| {
            let permitted = guard.permit_tirelessly(&name(), 1, &wanted, at(*second));
            for step in &permitted.steps {
                guard.wrote(&name(), step, at(*second));
            }
            !permitted.is_empty()
        });
        assert_eq!(done.collect::<Vec<_>>(), [0, 10, 20, 30, 40, 50]);
    }

    #[test]
    fn invariant_04_a_repair_that_does_not_take_stalls_whatever_is_found_and_whatever_is_taken_back()
     {
        let repair = |found: i64| Plan {
            steps: vec![Step {
                action: Action::Service(ServiceChange::Repair {
                    platform: name(),
                    service: ServiceName::Auth,
                }),
                drift: vec![FieldChange {
                    path: "network.subnets[0]".to_owned(),
                    from: Some(format!("subnet-{found}")),
                    to: Some("subnet-a".to_owned()),
                }],
            }],
        };
        let guard = Convergence::default();
        let mut done = Vec::new();
        for second in 0..300 {
            let plan = match second % 2 {
                0 => guard.permit(&name(), 1, &repair(second), at(second)).plan,
                _ => guard.permit_tirelessly(&name(), 1, &repair(second), at(second)),
            };
            for step in &plan.steps {
                guard.wrote(&name(), step, at(second));
                done.push(second);
            }
        }
        assert_eq!(done, [0, 10, 20]);
        let in_vain = guard.permit(&name(), 1, &repair(7), at(301)).in_vain;
        assert!(in_vain[0].contains("`repair auth`"), "{in_vain:?}");
        assert!(
            in_vain[0].contains("network.subnets[0] is subnet-7"),
            "{in_vain:?}"
        );
    }

    #[test]
    fn what_was_in_vain_is_tried_again_now_and_then() {
        let guard = Convergence::default();
        assert_eq!(rounds(&guard, 1, 0..700), [0, 10, 20, 620]);
    }
}
