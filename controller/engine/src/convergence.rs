//! The convergence guard: the same difference after several writes is not written again and again.
//!
//! A difference that comes back is someone else's write, or a value that the world changes on its
//! way in. Writing on would be a hot loop that eats the account's quota; a person has to look.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use schema::names::PlatformName;

use crate::plan::Plan;

/// Writes of the same difference after which it is given up.
const MAX_REPEATS: u32 = 3;

/// Remembers what was written for each platform, and how often in a row.
#[derive(Debug, Default)]
pub struct Convergence {
    written: Mutex<BTreeMap<PlatformName, Written>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Written {
    generation: i64,
    plan: String,
    times: u32,
}

impl Convergence {
    /// Why `plan` is not to be carried out again, if it has been in vain. A new generation always
    /// gets its tries.
    #[must_use]
    pub fn objection(
        &self,
        platform: &PlatformName,
        generation: i64,
        plan: &Plan,
    ) -> Option<String> {
        let text = plan.to_string();
        let mut written = self.lock();
        let known = written.get(platform)?;
        if known.plan != text || known.generation != generation {
            written.remove(platform);
            return None;
        }
        (known.times >= MAX_REPEATS).then(|| {
            format!(
                "written {MAX_REPEATS} times and still different: {text}; something else changes it \
                 back, or does not take it as written"
            )
        })
    }

    /// `plan` was carried out.
    pub fn wrote(&self, platform: &PlatformName, generation: i64, plan: &Plan) {
        let mut written = self.lock();
        let fresh = || Written {
            generation,
            plan: plan.to_string(),
            times: 0,
        };
        written.entry(platform.clone()).or_insert_with(fresh).times += 1;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PlatformName, Written>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use schema::names::ServiceName;

    use super::*;
    use crate::plan::Action;

    fn plan(service: ServiceName) -> Plan {
        Plan {
            actions: vec![Action::DeleteSettings(service)],
        }
    }

    fn name() -> PlatformName {
        PlatformName::try_from("local").unwrap()
    }

    #[test]
    fn the_same_difference_three_times_after_a_write_is_given_up() {
        let guard = Convergence::default();
        for _ in 0..3 {
            assert_eq!(guard.objection(&name(), 1, &plan(ServiceName::Auth)), None);
            guard.wrote(&name(), 1, &plan(ServiceName::Auth));
        }
        let objection = guard
            .objection(&name(), 1, &plan(ServiceName::Auth))
            .unwrap();
        assert!(objection.contains("remove settings of auth"), "{objection}");
    }

    #[test]
    fn a_new_generation_another_difference_or_none_starts_over() {
        let others = [
            (2, plan(ServiceName::Auth)),
            (1, plan(ServiceName::Scoring)),
            (1, Plan::default()),
        ];
        for (generation, other) in others {
            let guard = Convergence::default();
            for _ in 0..3 {
                guard.wrote(&name(), 1, &plan(ServiceName::Auth));
            }
            assert_eq!(guard.objection(&name(), generation, &other), None);
            assert_eq!(guard.objection(&name(), 1, &plan(ServiceName::Auth)), None);
        }
    }
}
