//! The past of an alarm: its newest firing, when it does not fire now.
//!
//! A description tells only since when an alarm is in its state. Its history is read when a transition may have
//! been missed, and then alone: when it came into its state since the last look, or within a day of the first.

use engine::ports::{Firing, ObservedAlarm};
use jiff::{SignedDuration, Timestamp};
use schema::status::AlarmState;

use super::history::Moves;
use super::times::before;

/// How far the first look reaches back: a bake that began before this process may be under way.
const FIRST_LOOK: SignedDuration = SignedDuration::from_hours(24);
/// History is read from a little earlier: what is noted in it need not have the very time of the state.
const SLACK: SignedDuration = SignedDuration::from_secs(5);
/// A transition that history does not show after this time was never noted there.
const SETTLED: SignedDuration = SignedDuration::from_mins(5);

/// What was known of an alarm at the last look.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    since: Timestamp,
    judged_since: Timestamp,
    last_firing: Option<Firing>,
}

impl Known {
    /// What is known of an alarm whose past is settled.
    pub(super) fn of(alarm: &ObservedAlarm) -> Self {
        Self {
            since: alarm.since,
            judged_since: alarm.judged_since,
            last_firing: alarm.last_firing.clone(),
        }
    }
}

/// Whether the past of an alarm is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Past {
    /// It is.
    Settled,
    /// Its history since then tells.
    Unread {
        /// Since when.
        from: Timestamp,
    },
}

/// Fills in the past of `alarm` by what was known of it, if that suffices. `at` is the time of the look.
pub(super) fn recall(alarm: &mut ObservedAlarm, known: Option<&Known>, at: Timestamp) -> Past {
    let day_ago = before(at, FIRST_LOOK);
    let fires = alarm.state == AlarmState::Alarm;
    match known {
        Some(known) => {
            take_over(alarm, known);
            if fires || known.since == alarm.since {
                return Past::Settled;
            }
            let from = known.since.max(day_ago);
            Past::Unread {
                from: before(from, SLACK),
            }
        }
        None if fires || alarm.since < day_ago => Past::Settled,
        None => Past::Unread {
            from: before(day_ago, SLACK),
        },
    }
}

/// What was known holds, as far as the same definition was judged. A firing that lasts stays the one it was,
/// whatever its alarm says of it by now.
fn take_over(alarm: &mut ObservedAlarm, known: &Known) {
    let fires_anew = alarm.state == AlarmState::Alarm && known.since != alarm.since;
    if !fires_anew {
        alarm.last_firing.clone_from(&known.last_firing);
    }
    alarm.judged_since = known.judged_since.max(alarm.configured_at);
}

/// Fills in the past of `alarm` by the `moves` in its history since `from`.
///
/// Whether it is settled: history that does not show the newest transition yet may lack others too.
pub(super) fn read(
    alarm: &mut ObservedAlarm,
    known: Option<&Known>,
    from: Timestamp,
    moves: &Moves,
    at: Timestamp,
) -> bool {
    if let Some(firing) = moves.last_firing() {
        let is_known = |known: &&Firing| known.at.duration_since(firing.at).abs() <= SLACK;
        let known = alarm.last_firing.as_ref().filter(is_known);
        alarm.last_firing = Some(known.unwrap_or(firing).clone());
    }
    if known.is_none() {
        alarm.judged_since = from.min(alarm.since).max(alarm.configured_at);
    }
    let is_new = alarm.since.duration_since(alarm.configured_at).abs() <= SLACK;
    let is_old = at.duration_since(alarm.since) > SETTLED;
    let is_settled = is_new || is_old || moves.show(alarm.state, alarm.since, SLACK);
    if !is_settled {
        unread(alarm, at);
    }
    is_settled
}

/// `alarm` with a past that nobody has read: it vouches for nothing before `at`.
pub(super) fn unread(alarm: &mut ObservedAlarm, at: Timestamp) {
    alarm.judged_since = at;
}

#[cfg(test)]
mod tests {
    use engine::ports::AlarmSource;
    use schema::signals::Signal;

    use super::super::samples;
    use super::*;

    const NOW: i64 = 1_000_000;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn alarm(state: AlarmState, since: i64) -> ObservedAlarm {
        let firing = (state == AlarmState::Alarm).then(|| firing(since));
        ObservedAlarm {
            definition: samples::definition(AlarmSource::Signal {
                signal: Signal::ScoringFailureRatio,
                service: None,
            }),
            state,
            since: second(since),
            configured_at: second(100),
            value: None,
            last_firing: firing,
            judged_since: second(since),
            muted: false,
        }
    }

    fn firing(at: i64) -> Firing {
        Firing {
            at: second(at),
            value: Some(50.0),
            first_breach_at: None,
            last_breach_at: None,
        }
    }

    fn known(since: i64, last_firing: Option<i64>) -> Known {
        Known {
            since: second(since),
            judged_since: second(200),
            last_firing: last_firing.map(firing),
        }
    }

    #[test]
    fn history_is_read_only_where_a_transition_may_have_been_missed() {
        let long_ago = NOW - 100_000;
        let unread = |from| Past::Unread {
            from: second(from - 5),
        };
        for (what, state, since, known, expected) in [
            (
                "first look, in its state for long",
                AlarmState::Ok,
                long_ago,
                None,
                Past::Settled,
            ),
            (
                "first look, fires",
                AlarmState::Alarm,
                NOW - 10,
                None,
                Past::Settled,
            ),
            (
                "first look, young",
                AlarmState::Ok,
                NOW - 10,
                None,
                unread(NOW - 86_400),
            ),
            (
                "nothing new",
                AlarmState::Ok,
                NOW - 10,
                Some(known(NOW - 10, None)),
                Past::Settled,
            ),
            (
                "came back",
                AlarmState::Ok,
                NOW - 10,
                Some(known(NOW - 90, None)),
                unread(NOW - 90),
            ),
            (
                "fires now",
                AlarmState::Alarm,
                NOW - 10,
                Some(known(NOW - 90, None)),
                Past::Settled,
            ),
        ] {
            let past = recall(&mut alarm(state, since), known.as_ref(), second(NOW));
            assert_eq!(past, expected, "{what}");
        }
    }

    #[test]
    fn a_firing_seen_once_is_remembered_when_it_is_over() {
        let mut alarm = alarm(AlarmState::Ok, NOW - 10);
        recall(&mut alarm, Some(&known(NOW - 10, Some(700))), second(NOW));
        assert_eq!(alarm.last_firing, Some(firing(700)));
        assert_eq!(alarm.judged_since, second(200));
    }

    #[test]
    fn a_firing_between_two_looks_is_found_in_history() {
        let known = known(NOW - 300, None);
        let mut alarm = alarm(AlarmState::Ok, NOW - 10);
        let moves = Moves::of([
            (AlarmState::Ok, second(NOW - 10), None),
            (AlarmState::Alarm, second(NOW - 40), Some(firing(NOW - 40))),
        ]);
        let from = second(NOW - 305);
        assert!(read(&mut alarm, Some(&known), from, &moves, second(NOW)));
        assert_eq!(alarm.last_firing, Some(firing(NOW - 40)));
    }

    #[test]
    fn a_firing_that_history_dates_otherwise_is_the_one_known() {
        let known = known(NOW - 300, Some(NOW - 300));
        let mut alarm = alarm(AlarmState::Ok, NOW - 10);
        recall(&mut alarm, Some(&known), second(NOW));
        let moves = Moves::of([
            (AlarmState::Ok, second(NOW - 10), None),
            (
                AlarmState::Alarm,
                second(NOW - 299),
                Some(firing(NOW - 299)),
            ),
        ]);
        assert!(read(
            &mut alarm,
            Some(&known),
            second(NOW - 305),
            &moves,
            second(NOW)
        ));
        assert_eq!(alarm.last_firing, Some(firing(NOW - 300)));
    }

    #[test]
    fn history_that_lags_behind_vouches_for_nothing() {
        let known = known(NOW - 300, None);
        let mut alarm = alarm(AlarmState::Ok, NOW - 10);
        let moves = Moves::default();
        assert!(!read(
            &mut alarm,
            Some(&known),
            second(NOW - 305),
            &moves,
            second(NOW)
        ));
        assert_eq!(alarm.judged_since, second(NOW));
    }

    #[test]
    fn a_new_alarm_needs_no_transition_in_history() {
        let mut alarm = alarm(AlarmState::InsufficientData, NOW - 10);
        alarm.configured_at = second(NOW - 10);
        let from = second(NOW - 86_405);
        assert!(read(&mut alarm, None, from, &Moves::default(), second(NOW)));
        assert_eq!(alarm.judged_since, second(NOW - 10));
    }
}
