//! Within its range a count belongs to automatic scaling: the spec sets the range, and nothing else.

use std::time::Duration;

use engine::ports::ServiceChange;

use super::{Event, Invariant};
use crate::timeline::between;
use crate::world::{Call, Land};

/// Longest time between a look and a call that rests on it.
const LOOKED_WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct ScalingIsLeftAlone;

impl Invariant for ScalingIsLeftAlone {
    fn name(&self) -> &'static str {
        "scaling-is-left-alone"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        let Event::Landing(_, Call::Apply(change)) = event else {
            return Ok(());
        };
        let ServiceChange::Scale {
            service,
            count,
            scaling: Some(range),
            ..
        } = change
        else {
            return Ok(());
        };
        let Some(found) = land.fleet.service(*service) else {
            return Ok(());
        };
        let is_within = (range.min_capacity..=range.max_capacity)
            .contains(&schema::units::Whole::new(found.desired()));
        // The call rests on a look that somebody else may have overtaken.
        let now = land.now();
        let touched_at = land.ledger.counts_touched_at;
        let is_overtaken = touched_at.is_some_and(|at| between(at, now) < LOOKED_WITHIN);
        let is_left = found.scaling() == Some(*range) && is_within && !is_overtaken;
        if is_left && *count != found.desired() {
            return Err(format!(
                "`{change}`, although {} is within the range",
                found.desired()
            ));
        }
        Ok(())
    }
}
