//! Settling: what else an edit changes goes first, and has time to show before scoring changes.
//!
//! Otherwise an alarm that a new image of the loan API makes fire would convict the scoring change of the
//! same edit.

use super::gate;
use super::turn::Turn;
use crate::state::Settling;
use crate::timing::later;

/// What still has to settle before the change may begin, in words.
pub(super) fn obstacle(turn: &mut Turn<'_>) -> Option<String> {
    if let Some(unsettled) = turn.view.unsettled {
        let obstacle = format!("the rest of the platform settles first: {unsettled}");
        turn.edit_change(|change| change.settling = Some(Settling::Moving));
        return Some(obstacle);
    }
    let now = turn.now();
    let since = match turn.change()?.settling? {
        Settling::Since(since) => since,
        Settling::Moving => {
            turn.edit_change(|change| change.settling = Some(Settling::Since(now)));
            now
        }
    };
    let until = later(since, gate::window_ms(&turn.view.spec.gating_alarms()));
    (now < until).then(|| {
        format!(
            "what else was changed to show its effects: its alarms have seen enough of it at {until:.0}"
        )
    })
}
