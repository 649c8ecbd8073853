//! Documents in S3.

use crate::client::Client;

#[tokio::test]
async fn a_document_is_written_only_by_who_knows_the_one_before() {
    let client = Client::start().await;
    client.emulators.create_bucket("state").await.unwrap();
    let path = "/state/loans/platform.json";

    let put = client
        .send("PUT", path, &[("if-none-match", "*")], "one")
        .await;
    assert_eq!(put.status, 200, "{}", put.text());
    let etag = put.headers["etag"].to_str().unwrap().to_owned();
    let again = client
        .send("PUT", path, &[("if-none-match", "*")], "two")
        .await;
    assert_eq!(again.status, 412);
    assert!(again.text().contains("<Code>PreconditionFailed</Code>"));

    let known = client
        .send("PUT", path, &[("if-match", &etag)], "two")
        .await;
    assert_eq!(known.status, 200);
    let stale = client
        .send("PUT", path, &[("if-match", &etag)], "three")
        .await;
    assert_eq!(stale.status, 412);

    let got = client.send("GET", path, &[], "").await;
    assert_eq!(got.text(), "two");
    let etag = got.headers["etag"].to_str().unwrap();
    let unchanged = client
        .send("GET", path, &[("if-none-match", etag)], "")
        .await;
    assert_eq!(unchanged.status, 304);
    let head = client.send("HEAD", path, &[], "").await;
    assert_eq!(head.headers["content-length"], "3");
}
