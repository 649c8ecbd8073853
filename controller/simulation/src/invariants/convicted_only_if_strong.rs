//! A change is convicted only on strong grounds: an alarm that was `OK` when it began, fired after that
//! on data that is not older, and that nobody wrote meanwhile; or tasks that did not start.

use engine::state::{Cause, ChangeRecord, Verdict};
use jiff::Timestamp;
use schema::platform::AlarmName;
use schema::status::{AlarmState, Quarantined};

use super::{Event, Invariant, new_verdict};
use crate::scenario::TICK;
use crate::timeline::earlier;
use crate::world::Land;

#[derive(Debug)]
pub(super) struct ConvictedOnlyIfStrong;

impl Invariant for ConvictedOnlyIfStrong {
    fn name(&self) -> &'static str {
        "convicted-only-if-strong"
    }

    fn watch(&mut self, event: &Event<'_>, land: &Land) -> Result<(), String> {
        let Event::Saved { before, after, .. } = event else {
            return Ok(());
        };
        let Some((change, verdict)) = new_verdict(*before, after) else {
            return Ok(());
        };
        let entries = &after.scoring.quarantine;
        let convicted = entries.iter().any(|entry| convicts(entry, change));
        match &verdict.cause {
            Cause::Alarm {
                alarm, fired_at, ..
            } => by_alarm(alarm, *fired_at, change, verdict, convicted, land),
            _ => Ok(()),
        }
    }
}

fn convicts(entry: &Quarantined, change: &ChangeRecord) -> bool {
    entry.convicted && entry.attempt == change.attempt
}

fn by_alarm(
    alarm: &AlarmName,
    fired_at: Timestamp,
    change: &ChangeRecord,
    verdict: &Verdict,
    convicted: bool,
    land: &Land,
) -> Result<(), String> {
    let firing = land.ledger.transitions.iter().rev().find(|moved| {
        moved.name == *alarm && moved.to == AlarmState::Alarm && moved.at == fired_at
    });
    let Some(firing) = firing else {
        return Err(format!(
            "it is said that alarm {alarm} fired at {fired_at}, and it did not"
        ));
    };
    if !convicted && !verdict.strong {
        return Ok(());
    }
    if fired_at < change.started_at {
        return Err(format!(
            "alarm {alarm} fired at {fired_at}, before the change began at {}",
            change.started_at
        ));
    }
    // A move is shown at the tick after it.
    let shown_at = earlier(change.started_at, TICK);
    let states = [shown_at, change.started_at].map(|at| state_at(alarm, at, land));
    if !states.contains(&Some(AlarmState::Ok)) {
        return Err(format!(
            "it is convicted by alarm {alarm}, which was {states:?} when it began"
        ));
    }
    let mut writes = land.ledger.alarm_writes.iter();
    if writes.any(|(name, at)| name == alarm && *at > change.started_at && *at <= fired_at) {
        return Err(format!(
            "it is convicted by alarm {alarm}, which was written meanwhile"
        ));
    }
    let period = land
        .monitor
        .alarm(alarm)
        .map_or(0, |found| found.definition.period_ms);
    let is_older = firing.first_breach_at.is_some_and(|start| {
        crate::timeline::after(start, std::time::Duration::from_millis(period)) <= change.started_at
    });
    if is_older {
        return Err(format!(
            "it is convicted by alarm {alarm} on data from {:?}, and began at {}",
            firing.first_breach_at, change.started_at
        ));
    }
    Ok(())
}

/// The state that an alarm was in at a time, by its moves.
fn state_at(alarm: &AlarmName, at: Timestamp, land: &Land) -> Option<AlarmState> {
    let moves = land.ledger.transitions.iter().rev();
    let mut earlier = moves.filter(|moved| moved.name == *alarm && moved.at <= at);
    earlier.next().map(|moved| moved.to)
}
