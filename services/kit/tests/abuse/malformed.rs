//! Requests that are too large, or none at all.

use crate::client::{Client, HELLO, Sent, order, somebody_else_is_answered};
use crate::port::Port;

fn hello_with(headers: &str) -> String {
    format!("GET /hello HTTP/1.1\r\nhost: a\r\n{headers}\r\n")
}

#[tokio::test]
async fn a_body_that_is_no_json_is_a_400_and_its_connection_serves_on() {
    let port = Port::serve().await;
    let mut client = Client::connect(port.address).await;
    for body in [
        "",
        "{",
        "{\"amount\": 1}}",
        "{\"amount\": 1e999}",
        "{\"amount\": \"\\ud800\"}",
        "\u{0}\u{1}\u{2}",
        &"[".repeat(60_000),
    ] {
        client.send(order(body)).await;
        let answer = client.answer().await.unwrap();
        assert_eq!(answer.status, 400, "{body:.40}");
        assert!(answer.body.contains("INVALID_JSON"), "{}", answer.body);
    }
    client.send(HELLO).await;
    assert_eq!(client.status().await, Some(200));
}

#[tokio::test]
async fn an_oversized_body_is_a_413_before_it_has_arrived() {
    let port = Port::serve().await;
    let declared = "content-length: 10000000000\r\n\r\n".to_owned();
    let chunk = format!(
        "transfer-encoding: chunked\r\n\r\n10001\r\n{}",
        "x".repeat(0x10001)
    );
    for endless in [declared, chunk] {
        let mut client = Client::connect(port.address).await;
        let head = "POST /orders HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
        client.send(format!("{head}{endless}")).await;
        assert_eq!(client.status().await, Some(413));
        client.gets_closed().await;
    }
    somebody_else_is_answered(port.address).await;
}

#[tokio::test]
async fn a_flood_of_headers_is_a_431_and_the_end_of_its_connection() {
    let port = Port::serve().await;
    let many: String = (0..120).map(|i| format!("x-{i}: 1\r\n")).collect();
    let huge = format!("x: {}\r\n", "1".repeat(20_000));
    let long = format!(
        "GET /hello?{} HTTP/1.1\r\nhost: a\r\n\r\n",
        "1".repeat(20_000)
    );
    for flood in [hello_with(&many), hello_with(&huge), long] {
        let mut client = Client::connect(port.address).await;
        client.send(&flood).await;
        assert_eq!(client.status().await, Some(431), "{flood:.60}");
        client.gets_closed().await;
    }
    somebody_else_is_answered(port.address).await;
}

#[tokio::test]
async fn headers_without_end_are_cut_off() {
    let port = Port::serve().await;
    let mut client = Client::connect(port.address).await;
    client.send("GET /hello HTTP/1.1\r\n").await;
    while client
        .send("x-more: of the same, and of the same, and of the same\r\n")
        .await
        == Sent::Whole
    {}
    somebody_else_is_answered(port.address).await;
}

#[tokio::test]
async fn as_many_headers_as_a_load_balancer_lets_through_from_browsers_are_taken() {
    let port = Port::serve().await;
    let mut client = Client::connect(port.address).await;
    let many: String = (0..90)
        .map(|i| format!("x-{i}: {}\r\n", "1".repeat(100)))
        .collect();
    client.send(hello_with(&many)).await;
    assert_eq!(client.status().await, Some(200));
}

#[tokio::test]
async fn garbage_is_a_400_or_no_answer_and_the_end_of_its_connection() {
    let port = Port::serve().await;
    for (garbage, expected) in [
        (
            &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client\r\n\r\n"[..],
            Some(400),
        ),
        (b"\x00\xff\x00\xff\r\n\r\n", Some(400)),
        (b"HELO mail.example.com\r\n\r\n", Some(400)),
        (b"GET /hello HTTP/1.1\r\nno colon\r\n\r\n", Some(400)),
        (
            b"GET /hello HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
            Some(400),
        ),
        (
            b"GET /hello HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            Some(400),
        ),
        (b"GET /hello HTTP/9.9\r\nhost: a\r\n\r\n", Some(400)),
        (
            b"POST /orders HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nno length\r\n",
            Some(400),
        ),
    ] {
        let mut client = Client::connect(port.address).await;
        client.send(garbage).await;
        let text = String::from_utf8_lossy(garbage);
        assert_eq!(client.status().await, expected, "{text}");
        client.gets_closed().await;
    }
    // The preface of HTTP/2, and then nothing of it.
    let mut client = Client::connect(port.address).await;
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    client.send([0xff; 1_000]).await;
    client.gets_closed().await;
    somebody_else_is_answered(port.address).await;
}

#[tokio::test]
async fn garbage_behind_a_request_costs_its_connection_and_not_the_answer() {
    let port = Port::serve().await;
    let mut client = Client::connect(port.address).await;
    client
        .send(format!(
            "{HELLO}{HELLO}\x00 no request at all\r\n\r\n{HELLO}"
        ))
        .await;
    for expected in [Some(200), Some(200), Some(400), None] {
        assert_eq!(client.status().await, expected);
    }
    somebody_else_is_answered(port.address).await;
}

#[tokio::test]
async fn requests_in_one_go_are_answered_in_their_order() {
    let port = Port::serve().await;
    let mut client = Client::connect(port.address).await;
    client
        .send((0..500).map(|i| order(&i.to_string())).collect::<String>())
        .await;
    for i in 0..500 {
        assert_eq!(client.answer().await.unwrap().body, i.to_string());
    }
}
