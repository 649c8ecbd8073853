//! Whether a platform's dashboard is written or removed.

use super::action::{Action, Step};
use crate::desired::Desired;
use crate::observed::Observed;
use crate::ports::DashboardState;

/// The change of the dashboard that is due. Nothing while it is not known whether there is one: nobody depends
/// on it.
pub(super) fn change(desired: &Desired, observed: &Observed) -> Option<Step> {
    use DashboardState::{Absent, AsWanted, Differs, NotKept, Unknown};
    let wanted = desired.dashboard;
    let is_due = match observed.dashboard {
        NotKept | Unknown => false,
        Absent => wanted,
        Differs => true,
        AsWanted => !wanted,
    };
    is_due.then(|| Step::whole(Action::Dashboard { wanted }))
}

/// Its removal, also where it is not known whether there is one.
pub(super) fn removal(observed: &Observed) -> Option<Action> {
    use DashboardState::{Absent, AsWanted, Differs, NotKept, Unknown};
    match observed.dashboard {
        NotKept | Absent => None,
        Unknown | Differs | AsWanted => Some(Action::Dashboard { wanted: false }),
    }
}
