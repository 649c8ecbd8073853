//! Alarms that cannot be read: nothing is judged meanwhile, and a person is told when it lasts.

use schema::status::{Actor, HistoryEntry, HistoryKind};

use crate::observed::Observed;
use crate::state::{BLIND_ROUNDS_TOLERATED, PlatformState};

/// Counts the rounds in a row in which the alarms could not be read, and remembers when that has lasted
/// too long, and when it is over.
pub(crate) fn note(state: &mut PlatformState, observed: &Observed) {
    let lasted_long = lasts_long(state);
    let Some(why) = &observed.blind else {
        state.blind_rounds = 0;
        if lasted_long {
            let message = "The alarms can be read again.".to_owned();
            state.record(entry(observed, HistoryKind::Resumed, message));
        }
        return;
    };
    if lasted_long {
        return;
    }
    state.blind_rounds += 1;
    if lasts_long(state) {
        let message = format!(
            "The alarms could not be read {BLIND_ROUNDS_TOLERATED} times in a row ({why}): no scoring change \
             begins, passes or is taken back until they can."
        );
        state.record(entry(observed, HistoryKind::Held, message));
    }
}

/// Whether it has lasted so long that a person must look.
pub(crate) const fn lasts_long(state: &PlatformState) -> bool {
    state.blind_rounds >= BLIND_ROUNDS_TOLERATED
}

fn entry(observed: &Observed, kind: HistoryKind, message: String) -> HistoryEntry {
    HistoryEntry {
        at: observed.at,
        kind,
        by: Actor::Controller,
        from: None,
        to: None,
        reason: "AlarmsUnreadable".to_owned(),
        message,
        evidence: None,
    }
}
