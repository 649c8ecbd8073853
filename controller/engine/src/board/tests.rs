use jiff::Timestamp;
use schema::platform::AlarmName;
use schema::status::{Actor, AlarmState, AlarmStatus, HistoryKind};

use super::*;
use crate::state::PlatformState;

const FIRST: u64 = 1_000;

fn name() -> PlatformName {
    PlatformName::try_from("local").unwrap()
}

fn platform(generation: i64) -> PlatformObject {
    let mut state = PlatformState::new(name(), Timestamp::UNIX_EPOCH);
    state.generation = generation;
    PlatformObject::new(&state, LoanPlatformStatus::default())
}

fn with_alarm(value: f64, state: AlarmState) -> PlatformObject {
    let mut platform = platform(1);
    platform.status.alarms = vec![AlarmStatus {
        name: AlarmName("late".to_owned()),
        state,
        value: Some(value),
        threshold: 10.0,
        since: Timestamp::UNIX_EPOCH,
    }];
    platform
}

fn with_history(reasons: &[&str]) -> PlatformObject {
    let mut platform = platform(1);
    let entry = |reason: &&str| {
        Arc::new(HistoryEntry {
            at: Timestamp::UNIX_EPOCH,
            kind: HistoryKind::Applied,
            by: Actor::Controller,
            from: None,
            to: None,
            reason: (*reason).to_owned(),
            message: String::new(),
            evidence: None,
        })
    };
    platform.status.history = reasons.iter().map(entry).collect();
    platform
}

fn kinds(board: &Board, version: u64) -> Vec<ChangeKind> {
    let changes = board.changes_since(version).unwrap();
    changes.iter().map(|change| change.kind).collect()
}

#[test]
fn what_is_shown_changed_and_taken_off_is_told_in_its_order() {
    let board = Board::numbered_from(FIRST);
    board.show(&name(), platform(1));
    board.show(&name(), platform(2));
    board.remove(&name());

    assert_eq!(
        kinds(&board, FIRST),
        [ChangeKind::Added, ChangeKind::Modified, ChangeKind::Deleted]
    );
    assert_eq!(kinds(&board, FIRST + 2), [ChangeKind::Deleted]);
    assert_eq!(kinds(&board, board.snapshot().version), []);
}

#[test]
fn a_platform_carries_the_version_of_its_last_change() {
    let board = Board::numbered_from(FIRST);
    board.show(&name(), platform(1));
    board.show(&name(), platform(2));

    let shown = board.platform(&name()).unwrap();
    assert_eq!(shown.metadata.resource_version.as_deref(), Some("1002"));
    assert_eq!(board.snapshot().version, FIRST + 2);
}

#[test]
fn a_value_that_moves_is_shown_and_is_no_change() {
    let board = Board::numbered_from(FIRST);
    board.show(&name(), with_alarm(1.0, AlarmState::Ok));
    board.show(&name(), with_alarm(2.0, AlarmState::Ok));

    let shown = board.platform(&name()).unwrap();
    assert_eq!(shown.status.alarms[0].value, Some(2.0));
    assert_eq!(shown.metadata.resource_version.as_deref(), Some("1001"));
    assert_eq!(kinds(&board, FIRST), [ChangeKind::Added]);

    board.show(&name(), with_alarm(20.0, AlarmState::Alarm));
    assert_eq!(kinds(&board, FIRST + 1), [ChangeKind::Modified]);
}

#[test]
fn a_change_tells_what_was_added_to_the_history() {
    let board = Board::numbered_from(FIRST);
    board.show(&name(), with_history(&["one"]));
    // Meanwhile the oldest entry has fallen out of it.
    board.show(&name(), with_history(&["one", "two"]));
    board.show(&name(), with_history(&["two", "three", "four"]));

    let news = |change: &Change| -> Vec<String> {
        change
            .news
            .iter()
            .map(|entry| entry.reason.clone())
            .collect()
    };
    let changes = board.changes_since(FIRST).unwrap();
    let told: Vec<Vec<String>> = changes.iter().map(news).collect();
    assert_eq!(told, [vec!["one"], vec!["two"], vec!["three", "four"]]);
}

#[test]
fn a_reader_that_lags_too_far_behind_or_comes_from_another_board_is_told_to_read_anew() {
    let board = Board::numbered_from(FIRST);
    for generation in 0..3_000 {
        board.show(&name(), platform(generation));
    }
    let oldest = board.changes_since(FIRST).unwrap_err().oldest;
    assert!(oldest > FIRST);
    assert!(board.changes_since(oldest).is_ok());
    assert!(board.changes_since(FIRST - 1).is_err());
    assert!(board.changes_since(board.snapshot().version + 1).is_err());
}

#[test]
fn a_platform_made_anew_under_an_old_name_is_another_one() {
    let uid_of = |created_at: i64| {
        let at = Timestamp::from_second(created_at).unwrap();
        let object = PlatformObject::new(
            &PlatformState::new(name(), at),
            LoanPlatformStatus::default(),
        );
        object.metadata.uid.unwrap()
    };
    assert_eq!(uid_of(1), uid_of(1));
    assert_ne!(uid_of(1), uid_of(2));
    assert_eq!(uid_of(1).len(), 36);
}
