//! Within its range a count belongs to automatic scaling: the spec sets the range, and nothing else.

use engine::ports::ServiceChange;

use super::{Event, Invariant};
use crate::world::{Call, Land};

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
        if found.scaling() == Some(*range) && is_within && *count != found.desired() {
            return Err(format!(
                "`{change}`, although {} is within the range",
                found.desired()
            ));
        }
        Ok(())
    }
}
