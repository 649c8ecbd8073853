//! A change whose image is not there never begins: that can be found out beforehand.

use engine::ports::ServiceChange;
use schema::names::ServiceName;

use super::{Event, Invariant};
use crate::world::{Call, ImageKind, Land, kind_of};

#[derive(Debug)]
pub(super) struct OnlyWhatStarts;

impl Invariant for OnlyWhatStarts {
    fn name(&self) -> &'static str {
        "only-what-starts"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        let Event::Started(caller, Call::Apply(change)) = event else {
            return Ok(());
        };
        let ServiceChange::Deploy {
            service: ServiceName::Scoring,
            template,
            ..
        } = change
        else {
            return Ok(());
        };
        let state = land.ledger.state.as_ref();
        let under_way = state.and_then(|state| state.scoring.change.as_ref());
        // A platform's first revision has nothing to go back to and is applied at once.
        let replaces = under_way.is_some_and(|change| change.target.is_some());
        if replaces && kind_of(&template.image) == ImageKind::Missing {
            return Err(format!(
                "{}: `{change}`, and it is not there",
                caller.holder
            ));
        }
        Ok(())
    }
}
