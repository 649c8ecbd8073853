//! The description of auth: current, and kept to.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

#[path = "../../api-tester/run.rs"]
mod api_tester;
#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use auth::routes::description;
use support::Auth;

#[test]
fn the_committed_description_is_current() {
    api_tester::is_current(include_str!("../openapi.json"), &description(), "auth");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_described() {
    let mut auth = Auth::start().await.ready().await;
    let base = auth.url("");
    // A full pipe would block the program.
    tokio::spawn(async move { while let Ok(Some(_)) = auth.output.next_line().await {} });
    let login = ["--auth", "demo:demo-secret"];
    tokio::task::block_in_place(|| {
        api_tester::holds_to_its_description(base.trim_end_matches('/'), &login);
    });
}
