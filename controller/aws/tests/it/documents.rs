//! Documents in S3, when it is well and when it is not.

#[path = "../../../engine/contract/documents.rs"]
mod contract;

use std::time::{Duration, Instant};

use bytes::Bytes;
use emulator::{Fault, Service};
use engine::ports::{Documents, Expected, PortError, Remedy};

use crate::world::{Account, BUCKET};
use aws_adapter::S3Documents;

#[tokio::test]
async fn documents_in_s3_hold_the_contract() {
    let account = Account::opens().await;
    contract::holds_for(&account.documents()).await;
    only_spec_files_are_listed_as_specs(&account).await;
    a_bucket_that_is_not_there_is_for_a_person_to_mend(&account).await;
}

async fn only_spec_files_are_listed_as_specs(account: &Account) {
    let documents = account.documents();
    for name in ["dev.yaml", "README.md", ".dev.yaml.swp"] {
        let path = format!("specs/{name}");
        let written = documents.put(&path, Bytes::from_static(b"x"), Expected::Absent);
        written.await.expect("written");
    }
    let listed = documents.list("specs/").await.expect("listed");
    let paths: Vec<&str> = listed.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["specs/dev.yaml"]);
}

async fn a_bucket_that_is_not_there_is_for_a_person_to_mend(account: &Account) {
    let nowhere = S3Documents::open("no-such-bucket", &account.connection()).expect("configured");
    for error in [
        nowhere.get("state/dev.json").await.expect_err("read"),
        nowhere.list("specs/").await.expect_err("listed"),
    ] {
        assert_eq!(error.remedy(), Remedy::WaitForUser, "{error}");
        assert!(error.to_string().contains("no-such-bucket"), "{error}");
    }
}

#[tokio::test]
async fn s3_that_is_unwell_harms_nothing() {
    let account = Account::opens().await;
    a_write_that_another_one_crossed_is_tried_again(&account).await;
    a_create_that_another_one_crossed_is_no_conflict(&account).await;
    being_told_to_slow_down_passes(&account).await;
    an_answer_that_was_lost_shows_as_a_conflict(&account).await;
    a_call_that_hangs_is_given_up(&account).await;
}

async fn put(
    account: &Account,
    path: &str,
    expected: Expected,
) -> Result<engine::ports::DocumentVersion, PortError> {
    let documents = account.documents();
    documents
        .put(path, Bytes::from_static(b"1"), expected)
        .await
}

async fn a_write_that_another_one_crossed_is_tried_again(account: &Account) {
    let path = "state/crossed.json";
    let version = put(account, path, Expected::Absent).await.expect("created");
    let crossed = account.emulators.inject(Fault::conflict().times(1));
    put(account, path, Expected::Version(version))
        .await
        .expect("the condition holds all the same");
    assert_eq!(crossed.hits(), 1);
}

async fn a_create_that_another_one_crossed_is_no_conflict(account: &Account) {
    let _crossed = account.emulators.inject(Fault::conflict());
    let failed = put(account, "state/created.json", Expected::Absent).await;
    assert!(
        matches!(failed, Err(PortError::Unavailable { .. })),
        "{failed:?}"
    );
}

async fn being_told_to_slow_down_passes(account: &Account) {
    let _slowed = account
        .emulators
        .inject(Fault::throttle(Service::S3).times(1));
    put(account, "state/slow.json", Expected::Absent)
        .await
        .expect("written at the second try");
}

async fn an_answer_that_was_lost_shows_as_a_conflict(account: &Account) {
    let path = "state/lost.json";
    let lost = account
        .emulators
        .inject(Fault::lose_answer(Service::S3).on("PutObject").times(1));
    let outcome = put(account, path, Expected::Absent).await;
    assert!(outcome.is_err(), "{outcome:?}");
    drop(lost);
    let found = account.documents().get(path).await.expect("read");
    assert!(
        found.is_some(),
        "it went through, and the next look sees it"
    );
}

async fn a_call_that_hangs_is_given_up(account: &Account) {
    let _hanging = account.emulators.inject(Fault::hang(Service::S3));
    let start = Instant::now();
    let failed = account
        .documents()
        .get("state/hangs.json")
        .await
        .expect_err("no answer");
    assert_eq!(failed.remedy(), Remedy::Retry, "{failed}");
    let bound = aws_adapter::CALL_TIMEOUT * 2;
    assert!(
        start.elapsed() < bound + Duration::from_secs(1),
        "{BUCKET}: {:?}",
        start.elapsed()
    );
}
