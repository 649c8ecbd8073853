//! How fast undecided applications are taken up again: carefully, as whoever scores has requests to answer first.

use std::time::Duration;

/// Shortest time between two: at most 20 a second.
const FASTEST: Duration = Duration::from_millis(50);
/// Longest time between two, however badly it goes.
const SLOWEST: Duration = Duration::from_secs(2);
/// The time to begin with.
const FIRST: Duration = Duration::from_millis(500);
/// Parts of twenty of the time that are left after one that was decided.
const EASED: u32 = 19;
/// What the time is multiplied by after one that was tried in vain.
///
/// It gains as much as 27 that are decided lose: where more than one in 28 fails, recovery becomes slower. Otherwise what
/// an overload has left undecided would keep it going, where the requests alone would not.
const SLOWED: u32 = 4;

/// Time between two applications that are taken up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace(Duration);

impl Default for Pace {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Pace {
    /// The time until the next one.
    pub(super) const fn pause(self) -> Duration {
        self.0
    }

    /// One was decided.
    pub(super) fn decided(&mut self) {
        self.0 = (self.0 * EASED / 20).max(FASTEST);
    }

    /// One was tried in vain.
    pub(super) fn in_vain(&mut self) {
        self.0 = (self.0 * SLOWED).min(SLOWEST);
    }

    /// None may be tried: what comes back is not to be met with all that has piled up.
    pub(super) const fn left_alone(&mut self) {
        self.0 = SLOWEST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After so many that are decided for each that is tried in vain.
    fn after(decided: usize) -> Pace {
        let mut pace = Pace::default();
        for _ in 0..100 {
            pace.in_vain();
            (0..decided).for_each(|_| pace.decided());
        }
        pace
    }

    #[test]
    fn what_mostly_works_is_done_fast_and_what_fails_now_and_then_is_not() {
        assert_eq!(after(60).pause(), FASTEST);
        assert!(after(9).pause() > Duration::from_secs(1), "{:?}", after(9));
        assert_eq!(after(0).pause(), SLOWEST);
    }

    #[test]
    fn what_comes_back_is_met_slowly_and_then_faster() {
        let mut pace = Pace::default();
        pace.left_alone();
        let mut took = Duration::ZERO;
        while pace.pause() > FASTEST {
            took += pace.pause();
            pace.decided();
        }
        let minute = Duration::from_mins(1);
        assert!((minute / 2..minute).contains(&took), "{took:?}");
    }
}
