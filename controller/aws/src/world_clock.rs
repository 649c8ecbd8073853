//! AWS's time, as its answers tell it.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::{DateTime, Format};
use jiff::Timestamp;

/// The newest `Date` of any answer: what alarms and deployments are stamped with is compared with this, never
/// with the clock of this machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorldClock(Arc<Mutex<Option<Timestamp>>>);

impl WorldClock {
    /// AWS's time when it answered last; this machine's before its first answer.
    pub(crate) fn now(&self) -> Timestamp {
        let newest = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        newest.unwrap_or_else(Timestamp::now)
    }

    /// An answer carried this `Date`. One that overtook another turns nothing back.
    pub(crate) fn told(&self, date: &str) {
        let Ok(date) = DateTime::from_str(date, Format::HttpDate) else {
            return;
        };
        let Ok(at) = Timestamp::from_second(date.secs()) else {
            return;
        };
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = Some(newest.map_or(at, |newest| newest.max(at)));
    }
}

impl Intercept for WorldClock {
    fn name(&self) -> &'static str {
        "WorldClock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.told(date);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_newest_answer_and_never_turns_back() {
        let clock = WorldClock::default();
        clock.told("Wed, 25 Nov 2026 10:00:05 GMT");
        clock.told("Wed, 25 Nov 2026 10:00:03 GMT");
        clock.told("no date at all");
        assert_eq!(clock.now(), "2026-11-25T10:00:05Z".parse().unwrap());
    }
}
