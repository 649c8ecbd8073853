//! The description of the loan API: current, and kept to.
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

use loan_api::routes::description;
use serde_json::json;
use support::{Platform, scored, settings};
use wiremock::matchers::any;
use wiremock::{Mock, ResponseTemplate};

#[test]
fn the_committed_description_is_current() {
    api_tester::is_current(include_str!("../openapi.json"), &description(), "loan-api");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_described() {
    let platform = Platform::start(&settings()).await;
    platform.let_scoring_answer(scored(712)).await;
    // Whoever is not known is told so; the known ones come first.
    let inactive = json!({"active": false, "reason": "this is not a token"});
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(inactive))
        .with_priority(10)
        .mount(&platform.auth)
        .await;
    let header = ["--header", "Authorization: Bearer demo"];
    tokio::task::block_in_place(|| {
        api_tester::holds_to_its_description(platform.base(), &header);
    });
}
