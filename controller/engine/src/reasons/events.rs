//! Reasons of events.

use schema::status::HistoryKind;

use super::EventReason;

const fn reason(
    kind: HistoryKind,
    name: &'static str,
    meaning: &'static str,
    remedy: &'static str,
) -> EventReason {
    EventReason {
        kind,
        name,
        meaning,
        remedy,
    }
}

/// Every reason of an event, by its kind.
pub const EVENTS: &[EventReason] = &[
    reason(
        HistoryKind::SpecAccepted,
        "Valid",
        "An edit of the spec file counts from now on; the evidence has the fields that it changes.",
        "",
    ),
    reason(
        HistoryKind::SpecRefused,
        "InvalidSpec",
        "An edit was refused; what was in force stays in force.",
        "Mend the file; `loanctl validate` shows every problem.",
    ),
    reason(
        HistoryKind::RolloutStarted,
        "FirstRevision",
        "The platform's first scoring revision is applied. There is nothing to go back to until it has proved good.",
        "",
    ),
    reason(
        HistoryKind::RolloutStarted,
        "SpecChanged",
        "A scoring change is brought in, on a baseline of its gating alarms.",
        "",
    ),
    reason(
        HistoryKind::Promoted,
        "BakePassed",
        "A scoring revision proved good: watched for `bakeTime`, with data enough, and no gating alarm fired.",
        "",
    ),
    reason(
        HistoryKind::Promoted,
        "Approved",
        "An inconclusive bake was promoted by `rollout.approve`.",
        "",
    ),
    reason(
        HistoryKind::Promoted,
        "InconclusivePromoted",
        "A bake ended without enough data, and `rollout.onInconclusive` is `Promote`.",
        "",
    ),
    reason(
        HistoryKind::RollbackStarted,
        "AlarmFired",
        "A gating alarm fired, or lost the data that it judges by: the change is taken back.",
        "Read the evidence: the alarm, its value, the fields that had changed.",
    ),
    reason(
        HistoryKind::RollbackStarted,
        "ChangeFailed",
        "The change's tasks did not become ready, it did not reach every task in time, or its bake had too little data \
         and the spec asks for rollback then.",
        "Look at the tasks' log.",
    ),
    reason(
        HistoryKind::RollbackStarted,
        "Withdrawn",
        "The spec asks for the revision before the change again.",
        "",
    ),
    reason(
        HistoryKind::RolledBack,
        "Confirmed",
        "The old revision is in force on every task, and the alarm has cleared.",
        "Mend the change before it is tried again.",
    ),
    reason(
        HistoryKind::RollbackProblem,
        "Unconfirmed",
        "The old revision is in force, and the alarm fires on: the change may not have been the cause, and is held rather \
         than convicted.",
        "Look for another cause: the provider, the database, traffic.",
    ),
    reason(
        HistoryKind::RollbackProblem,
        "Failed",
        "The old revision does not start everywhere. It goes on being tried.",
        "Look at scoring's tasks now.",
    ),
    reason(
        HistoryKind::Held,
        "Inconclusive",
        "A bake ended without enough data.",
        "Approve it, wait for traffic, or put the old content back.",
    ),
    reason(
        HistoryKind::Held,
        "RollbackLimit",
        "As many changes were taken back as `rollout.maxAutomaticRollbacks` allows: new ones are held.",
        "Find out why, then raise the limit or wait.",
    ),
    reason(
        HistoryKind::Held,
        "GuardLost",
        "A gating alarm was removed or rewritten by somebody else while it judged: it cannot vouch for the change.",
        "Approve the change by hand, or submit it anew.",
    ),
    reason(
        HistoryKind::Held,
        "ExternalChange",
        "Somebody else has scoring run another image while a change was judged.",
        "The next edit of the spec ends the hold.",
    ),
    reason(
        HistoryKind::Held,
        "NotBegun",
        "A change whose first call had not been made waits again, because a gating alarm fires.",
        "",
    ),
    reason(
        HistoryKind::Held,
        "AlarmsUnreadable",
        "The alarms could not be read several times in a row: nothing is judged until they can.",
        "Read the cause; `loanctl verify` tries it.",
    ),
    reason(
        HistoryKind::Refused,
        "Quarantined",
        "The spec asks for a scoring revision that was taken back before.",
        "Mend it, or change `rollout.retryToken` to try it again.",
    ),
    reason(
        HistoryKind::Resumed,
        "NewGeneration",
        "An edit ended a hold: the spec's revision is brought in again.",
        "",
    ),
    reason(
        HistoryKind::Resumed,
        "AlarmsUnreadable",
        "The alarms can be read again.",
        "",
    ),
    reason(
        HistoryKind::Suspected,
        "AlarmAfterBake",
        "A gating alarm fired while nothing was judged. Nothing is taken back; what was changed in the 24 hours before is \
         named.",
        "Put back what you believe to be the cause.",
    ),
    reason(
        HistoryKind::RemedyStarted,
        "ScaleOut",
        "An alarm had tasks added for a while.",
        "",
    ),
    reason(
        HistoryKind::RemedyStarted,
        "ScaleOutProlonged",
        "The alarm fired again: the tasks stay longer, and no more are added.",
        "",
    ),
    reason(
        HistoryKind::RemedyStarted,
        "ForceBreakerOpen",
        "An alarm had a client's breaker held open for a while.",
        "",
    ),
    reason(
        HistoryKind::RemedyEnded,
        "Over",
        "A remedy's time is over: the spec's value holds again.",
        "",
    ),
    reason(
        HistoryKind::RemedyEnded,
        "ActionRemoved",
        "The spec asks for a remedy no longer.",
        "",
    ),
    reason(
        HistoryKind::RemedyEnded,
        "ServiceRemoved",
        "A remedy's service is gone from the spec.",
        "",
    ),
    reason(
        HistoryKind::Notified,
        "AlarmFired",
        "An alarm with `Notify` fired.",
        "See what it measures.",
    ),
    reason(
        HistoryKind::Notified,
        "WouldAct",
        "An alarm fired under `mode: Observe`: what would have been done is said, and not done.",
        "",
    ),
    reason(
        HistoryKind::Notified,
        "ScaleOutInCooldown",
        "No tasks were added: the last ones were, within its `cooldown`.",
        "",
    ),
    reason(
        HistoryKind::Notified,
        "ScaleOutAtMost",
        "No tasks were added: there are as many as `maxCount` or `scaling.maxCapacity` allow.",
        "Raise them if more help.",
    ),
    reason(
        HistoryKind::Notified,
        "ScaleOutWithoutService",
        "No tasks were added: the service does not run.",
        "",
    ),
    reason(
        HistoryKind::Notified,
        "ScaleOutTooLate",
        "No tasks were added: the alarm fired while nobody looked, and it would be over by now.",
        "",
    ),
    reason(
        HistoryKind::Notified,
        "ForceBreakerOpenTooLate",
        "No breaker was opened: the alarm fired while nobody looked, and it would be over by now.",
        "",
    ),
    reason(
        HistoryKind::Notified,
        "BreakerIsHeldOpen",
        "The breaker is held open already, and is let go when that time is over.",
        "",
    ),
    reason(
        HistoryKind::Notified,
        "BreakerIsOpen",
        "The spec itself holds the breaker open.",
        "",
    ),
    reason(
        HistoryKind::Applied,
        "Reconciled",
        "Services were made, changed, repaired or removed; drift stands in the evidence field by field.",
        "",
    ),
    reason(
        HistoryKind::Removed,
        "Retain",
        "The spec file is gone: everything is left running, unmanaged.",
        "",
    ),
    reason(
        HistoryKind::Removed,
        "Delete",
        "The spec file is gone: services, alarms and settings are removed.",
        "",
    ),
];
