//! What every home's `Documents` must do. A home's tests include this file and give it a store of their own.
#![expect(clippy::expect_used, reason = "a helper that fails fails its test")]

use bytes::Bytes;
use engine::ports::{DocumentVersion, Documents, Expected, PortError};
use futures::future::join_all;

/// Controllers that race for one document.
const RACERS: usize = 8;

/// Runs the whole contract on `documents`, which must be empty.
pub(crate) async fn holds_for(documents: &dyn Documents) {
    what_is_written_is_read_back(documents).await;
    a_write_on_an_old_version_is_a_conflict_and_changes_nothing(documents).await;
    a_write_on_what_is_gone_is_a_conflict(documents).await;
    of_many_creators_one_wins(documents).await;
    of_many_writers_one_wins(documents).await;
    what_was_removed_is_gone(documents).await;
    listings_have_what_lies_directly_under_the_prefix(documents).await;
}

async fn put(
    documents: &dyn Documents,
    path: &str,
    text: &'static str,
    expected: Expected,
) -> Result<DocumentVersion, PortError> {
    documents
        .put(path, Bytes::from_static(text.as_bytes()), expected)
        .await
}

async fn text(documents: &dyn Documents, path: &str) -> Option<String> {
    let found = documents.get(path).await.expect("read");
    found.map(|document| String::from_utf8(document.bytes.to_vec()).expect("text"))
}

async fn what_is_written_is_read_back(documents: &dyn Documents) {
    let path = "state/written.json";
    assert_eq!(text(documents, path).await, None);
    let first = put(documents, path, "1", Expected::Absent)
        .await
        .expect("created");
    let second = put(documents, path, "2", Expected::Version(first.clone()))
        .await
        .expect("replaced");
    assert_ne!(first, second);
    let found = documents.get(path).await.expect("read").expect("there");
    assert_eq!((found.bytes, found.version), (Bytes::from("2"), second));
}

async fn a_write_on_an_old_version_is_a_conflict_and_changes_nothing(documents: &dyn Documents) {
    let path = "state/old.json";
    let first = put(documents, path, "1", Expected::Absent)
        .await
        .expect("created");
    put(documents, path, "2", Expected::Version(first.clone()))
        .await
        .expect("replaced");
    for expected in [Expected::Absent, Expected::Version(first)] {
        let refused = put(documents, path, "3", expected).await;
        assert!(
            matches!(refused, Err(PortError::Conflict { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(text(documents, path).await.as_deref(), Some("2"));
}

async fn a_write_on_what_is_gone_is_a_conflict(documents: &dyn Documents) {
    let path = "state/gone.json";
    let version = put(documents, path, "1", Expected::Absent)
        .await
        .expect("created");
    documents.delete(path).await.expect("removed");
    let refused = put(documents, path, "2", Expected::Version(version)).await;
    assert!(
        matches!(refused, Err(PortError::Conflict { .. })),
        "{refused:?}"
    );
    assert_eq!(text(documents, path).await, None);
}

async fn of_many_creators_one_wins(documents: &dyn Documents) {
    let racers =
        (0..RACERS).map(|_| put(documents, "lease/controller.json", "mine", Expected::Absent));
    assert_one_wins(&join_all(racers).await);
}

async fn of_many_writers_one_wins(documents: &dyn Documents) {
    let path = "state/raced.json";
    let version = put(documents, path, "1", Expected::Absent)
        .await
        .expect("created");
    let racers = (0..RACERS).map(|_| put(documents, path, "2", Expected::Version(version.clone())));
    assert_one_wins(&join_all(racers).await);
}

fn assert_one_wins(outcomes: &[Result<DocumentVersion, PortError>]) {
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let lost = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(PortError::Conflict { .. })))
        .count();
    assert_eq!((won, lost), (1, RACERS - 1), "{outcomes:?}");
}

async fn what_was_removed_is_gone(documents: &dyn Documents) {
    let path = "settings/dev/removed.json";
    put(documents, path, "1", Expected::Absent)
        .await
        .expect("created");
    documents.delete(path).await.expect("removed");
    assert_eq!(text(documents, path).await, None);
    documents
        .delete(path)
        .await
        .expect("removing what is not there is no error");
}

async fn listings_have_what_lies_directly_under_the_prefix(documents: &dyn Documents) {
    assert!(
        documents
            .list("settings/nobody/")
            .await
            .expect("listed")
            .is_empty()
    );
    for path in [
        "settings/prod/scoring.json",
        "settings/prod/auth.json",
        "settings/prod/old/auth.json",
    ] {
        put(documents, path, "1", Expected::Absent)
            .await
            .expect("created");
    }
    let listed = documents.list("settings/prod/").await.expect("listed");
    let paths: Vec<&str> = listed.iter().map(|listed| listed.path.as_str()).collect();
    assert_eq!(
        paths,
        ["settings/prod/auth.json", "settings/prod/scoring.json"]
    );
    let scoring = documents
        .get("settings/prod/scoring.json")
        .await
        .expect("read")
        .expect("there");
    assert_eq!((&listed[1].version, listed[1].size), (&scoring.version, 1));
}
