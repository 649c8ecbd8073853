//! Gathers the looks of many platforms into calls of a hundred alarms each.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_cloudwatch::types::MetricAlarm;
use engine::ports::{PortError, Urgency};

use super::describe::{self, MAX_NAMES};
use crate::batcher::{Batcher, Describe, Linger};
use crate::caller::Caller;
use crate::connection::Connection;

/// At a resync of a thousand platforms in five minutes a call fills in four seconds, and one of a hundred platforms
/// nearly does in half a minute. Their looks come as the calls for their services end, some together.
const LINGER: Linger = Linger {
    quiet: Duration::from_secs(4),
    longest: Duration::from_secs(30),
    edit: Duration::from_millis(20),
};

/// Asks `CloudWatch` of alarms by their names.
#[derive(Debug)]
pub(super) struct ByName {
    client: aws_sdk_cloudwatch::Client,
    caller: Arc<Caller>,
}

/// Gathers questions for alarms.
pub(super) fn gathering(connection: &Connection, caller: &Arc<Caller>) -> Batcher<ByName> {
    let source = ByName {
        client: connection.cloudwatch.clone(),
        caller: Arc::clone(caller),
    };
    Batcher::new(Arc::new(source), LINGER)
}

#[async_trait]
impl Describe for ByName {
    type Item = MetricAlarm;
    const MOST: usize = MAX_NAMES;

    async fn describe(
        &self,
        names: &[String],
        urgency: Urgency,
    ) -> Result<Vec<(String, MetricAlarm)>, PortError> {
        let found = describe::by_name(&self.client, &self.caller, names, urgency).await?;
        let named = |alarm: MetricAlarm| Some((alarm.alarm_name.clone()?, alarm));
        Ok(found.into_iter().filter_map(named).collect())
    }
}
