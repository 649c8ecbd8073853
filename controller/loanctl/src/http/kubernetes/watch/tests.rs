use std::pin::Pin;

use futures::StreamExt;
use schema::status::HistoryKind;
use serde_json::Value;

use super::super::events::tests::{entry, name, with_history};
use super::super::resource::Resource;
use super::super::table::Include;
use super::*;

type Lines = Pin<Box<dyn Stream<Item = String> + Send>>;

fn asked(query: &str) -> Asked {
    Asked::get(&format!("/?watch=true&{query}"))
}

/// A watch of `resource` on the terms of `query`.
fn watch(board: &Arc<Board>, resource: Resource, query: &str) -> Lines {
    watch_encoded(board, resource, query, Encoding::Whole)
}

fn watch_encoded(board: &Arc<Board>, resource: Resource, query: &str, encoding: Encoding) -> Lines {
    let asked = asked(query);
    let scope = Scope::of(resource, None, &asked).unwrap();
    let terms = Terms::of(&asked).unwrap();
    Box::pin(follow(Arc::clone(board), scope, encoding, terms))
}

/// The next lines of a watch.
async fn next(lines: &mut Lines) -> Vec<Value> {
    let chunk = lines.next().await.unwrap();
    chunk
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Type, and generation or reason, of each line.
fn told(lines: &[Value]) -> Vec<(&str, Value)> {
    let told = |line: &'_ Value| {
        let object = &line["object"];
        let reason = object["reason"].clone();
        if reason.is_null() {
            object["metadata"]["generation"].clone()
        } else {
            reason
        }
    };
    lines
        .iter()
        .map(|line| (line["type"].as_str().unwrap(), told(line)))
        .collect()
}

fn show(board: &Board, generation: i64, labels: &[(&str, &str)]) {
    let mut platform = with_history(Vec::new());
    platform.metadata.generation = Some(generation);
    let labels = labels
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    platform.metadata.labels = Some(labels.collect());
    board.show(&name(), platform);
}

fn version(lines: &[Value]) -> u64 {
    let version = &lines.last().unwrap()["object"]["metadata"]["resourceVersion"];
    version.as_str().unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn without_a_version_everything_is_new_and_then_comes_what_changes() {
    let board = Arc::new(Board::numbered_from(100));
    show(&board, 1, &[]);
    for query in ["", "resourceVersion=0"] {
        let mut lines = watch(&board, Resource::Platforms, query);
        assert_eq!(told(&next(&mut lines).await), [("ADDED", 1.into())]);
    }
    let mut lines = watch(&board, Resource::Platforms, "");
    next(&mut lines).await;
    show(&board, 2, &[]);
    assert_eq!(told(&next(&mut lines).await), [("MODIFIED", 2.into())]);
    board.remove(&name());
    let gone = next(&mut lines).await;
    assert_eq!(told(&gone), [("DELETED", 2.into())]);
    assert_eq!(version(&gone), board.snapshot().version);
}

#[tokio::test(start_paused = true)]
async fn a_watch_goes_on_after_the_version_that_it_is_given() {
    let board = Arc::new(Board::numbered_from(100));
    show(&board, 1, &[]);
    let seen = board.snapshot().version;
    show(&board, 2, &[]);
    show(&board, 3, &[]);
    let mut lines = watch(
        &board,
        Resource::Platforms,
        &format!("resourceVersion={seen}"),
    );
    let lines = next(&mut lines).await;
    assert_eq!(
        told(&lines),
        [("MODIFIED", 2.into()), ("MODIFIED", 3.into())]
    );
    assert_eq!(version(&lines), board.snapshot().version);
}

#[tokio::test(start_paused = true)]
async fn what_begins_to_match_is_new_and_what_ceases_to_is_gone() {
    let board = Arc::new(Board::numbered_from(100));
    show(&board, 1, &[("team", "risk")]);
    let query = "resourceVersion=101&labelSelector=team%3Dcredit";
    let mut lines = watch(&board, Resource::Platforms, query);
    show(&board, 2, &[("team", "credit")]);
    assert_eq!(told(&next(&mut lines).await), [("ADDED", 2.into())]);
    show(&board, 3, &[("team", "risk")]);
    let gone = next(&mut lines).await;
    assert_eq!(told(&gone), [("DELETED", 2.into())]);
    assert_eq!(version(&gone), board.snapshot().version);
    // Nothing of what is not asked for.
    show(&board, 4, &[("team", "risk")]);
    show(&board, 5, &[("team", "credit")]);
    assert_eq!(told(&next(&mut lines).await), [("ADDED", 5.into())]);
}

#[tokio::test(start_paused = true)]
async fn a_version_of_another_controller_is_expired_and_ends_the_watch() {
    let board = Arc::new(Board::numbered_from(100));
    for version in [5, 200] {
        let mut lines = watch(
            &board,
            Resource::Platforms,
            &format!("resourceVersion={version}"),
        );
        let last = next(&mut lines).await;
        assert_eq!(told(&last), [("ERROR", "Expired".into())]);
        assert_eq!(last[0]["object"]["code"], 410);
        assert_eq!(lines.next().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_too_slowly_is_told_to_list_anew() {
    let board = Arc::new(Board::numbered_from(100));
    show(&board, 0, &[]);
    let mut lines = watch(&board, Resource::Platforms, "");
    next(&mut lines).await;
    for generation in 1..=5_000 {
        show(&board, generation, &[]);
    }
    assert_eq!(told(&next(&mut lines).await), [("ERROR", "Expired".into())]);
}

#[tokio::test(start_paused = true)]
async fn many_changes_come_in_pieces() {
    let board = Arc::new(Board::numbered_from(100));
    let mut lines = watch(&board, Resource::Platforms, "");
    for generation in 1..=100 {
        show(&board, generation, &[]);
    }
    let mut lengths = Vec::new();
    while lengths.iter().sum::<usize>() < 100 {
        lengths.push(next(&mut lines).await.len());
    }
    assert_eq!(lengths, [32, 32, 32, 4]);
}

#[tokio::test(start_paused = true)]
async fn bookmarks_say_how_far_a_quiet_watch_has_come_and_the_last_one_ends_it() {
    let board = Arc::new(Board::numbered_from(100));
    let query = "resourceVersion=100&allowWatchBookmarks=true&timeoutSeconds=90";
    let mut lines = watch(&board, Resource::Platforms, query);
    let begun = Instant::now();
    for seconds in [60, 90] {
        let lines = next(&mut lines).await;
        assert_eq!(lines[0]["type"], "BOOKMARK");
        assert_eq!(lines[0]["object"]["kind"], "LoanPlatform");
        assert_eq!(version(&lines), 100);
        assert_eq!(begun.elapsed().as_secs(), seconds);
    }
    assert_eq!(lines.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn no_watch_goes_on_for_longer_than_answers_may() {
    let board = Arc::new(Board::numbered_from(100));
    for query in ["", "timeoutSeconds=86400"] {
        let begun = Instant::now();
        assert_eq!(watch(&board, Resource::Platforms, query).next().await, None);
        assert!(begun.elapsed() < LONGEST_ANSWER);
    }
}

#[tokio::test(start_paused = true)]
async fn a_streamed_list_ends_with_a_bookmark_that_says_so() {
    let board = Arc::new(Board::numbered_from(100));
    show(&board, 1, &[]);
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let lines = next(&mut watch(&board, Resource::Platforms, query)).await;
    assert_eq!(lines[0]["type"], "ADDED");
    assert_eq!(lines[1]["type"], "BOOKMARK");
    assert_eq!(
        lines[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"],
        "true"
    );
    assert_eq!(version(&lines), board.snapshot().version);
}

#[test]
fn terms_that_a_cluster_refuses_are_refused() {
    for query in [
        "resourceVersion=x",
        "timeoutSeconds=soon",
        "sendInitialEvents=true",
        "resourceVersionMatch=NotOlderThan",
        "sendInitialEvents=true&resourceVersionMatch=Exact",
    ] {
        assert!(Terms::of(&asked(query)).is_err(), "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn events_come_with_what_happens() {
    let board = Arc::new(Board::numbered_from(100));
    let history = |kinds: &[HistoryKind]| {
        let entries = kinds.iter().zip(1..);
        with_history(entries.map(|(kind, second)| entry(second, *kind)).collect())
    };
    board.show(&name(), history(&[HistoryKind::SpecAccepted]));
    let mut lines = watch(&board, Resource::Events, "");
    assert_eq!(
        told(&next(&mut lines).await),
        [("ADDED", "SpecAccepted".into())]
    );
    board.show(
        &name(),
        history(&[HistoryKind::SpecAccepted, HistoryKind::Held]),
    );
    assert_eq!(told(&next(&mut lines).await), [("ADDED", "Held".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_table_has_its_columns_in_the_first_line_alone() {
    let board = Arc::new(Board::numbered_from(100));
    show(&board, 1, &[]);
    let mut lines = watch_encoded(
        &board,
        Resource::Platforms,
        "",
        Encoding::Table(Include::Metadata),
    );
    let columns = |lines: &[Value]| {
        lines[0]["object"]["columnDefinitions"]
            .as_array()
            .unwrap()
            .len()
    };
    assert!(columns(&next(&mut lines).await) > 3);
    show(&board, 2, &[]);
    let second = next(&mut lines).await;
    assert_eq!(columns(&second), 0);
    assert_eq!(
        second[0]["object"]["rows"][0]["object"]["metadata"]["generation"],
        2
    );
}
