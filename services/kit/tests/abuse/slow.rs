//! Clients that take their time, or are gone.

use std::time::Duration;

use crate::client::{Client, HELLO, Sent, order, somebody_else_is_answered};
use crate::clock::Clock;
use crate::port::Port;

const SECOND: Duration = Duration::from_secs(1);
const ORDER_OF_1000_BYTES: &str = "POST /orders HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n";

/// Sends a byte a second, as often as `seconds`, while others are answered.
async fn trickle(client: &mut Client, seconds: u32, clock: &Clock, port: &Port) {
    for _ in 0..seconds {
        client.send("1").await;
        somebody_else_is_answered(port.address).await;
        clock.advance(SECOND).await;
    }
}

#[tokio::test]
async fn headers_a_byte_at_a_time_end_after_fifteen_seconds_however_many_come() {
    let port = Port::serve().await;
    let clock = Clock::stop();
    let mut slow = Client::connect(port.address).await;
    slow.send("GET /hello HTTP/1.1\r\nhost: a\r\nx-slow: ")
        .await;
    trickle(&mut slow, 16, &clock, &port).await;
    slow.gets_closed().await;
    somebody_else_is_answered(port.address).await;
}

#[tokio::test]
async fn headers_a_byte_at_a_time_after_an_answer_end_as_an_idle_connection_does() {
    let port = Port::serve().await;
    let clock = Clock::stop();
    let mut slow = Client::connect(port.address).await;
    slow.send(HELLO).await;
    assert_eq!(slow.status().await, Some(200));
    slow.send("GET /hello HTTP/1.1\r\nhost: a\r\nx-slow: ")
        .await;
    trickle(&mut slow, 81, &clock, &port).await;
    slow.gets_closed().await;
}

#[tokio::test]
async fn a_body_a_byte_at_a_time_is_a_408_after_ten_seconds_and_the_end_of_its_connection() {
    let port = Port::serve().await;
    let clock = Clock::stop();
    let mut slow = Client::connect(port.address).await;
    slow.send(ORDER_OF_1000_BYTES).await;
    port.has_begun().await;
    trickle(&mut slow, 11, &clock, &port).await;
    assert_eq!(slow.status().await, Some(408));
    slow.gets_closed().await;
    somebody_else_is_answered(port.address).await;
}

#[tokio::test]
async fn a_slow_body_that_arrives_in_time_is_taken() {
    let port = Port::serve().await;
    let clock = Clock::stop();
    let mut slow = Client::connect(port.address).await;
    slow.send(ORDER_OF_1000_BYTES.replace("1000", "8")).await;
    port.has_begun().await;
    trickle(&mut slow, 8, &clock, &port).await;
    let answer = slow.answer().await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "11111111"));
}

#[tokio::test]
async fn a_client_that_sends_no_more_is_let_go_at_once_wherever_it_stopped() {
    let port = Port::serve().await;
    for said in [
        "",
        "G",
        "GET /hello HTTP/1.1\r\nhost:",
        ORDER_OF_1000_BYTES,
        &format!("{ORDER_OF_1000_BYTES}12345"),
    ] {
        let mut gone = Client::connect(port.address).await;
        gone.send(said).await;
        gone.falls_silent().await;
        gone.gets_closed().await;
    }
    somebody_else_is_answered(port.address).await;
}

#[tokio::test]
async fn a_client_that_vanishes_without_a_word_is_let_go_in_the_time_of_an_idle_one() {
    let port = Port::serve().await;
    let clock = Clock::stop();
    let mut vanished = Vec::new();
    for said in ["", "GET /hello HTTP/1.1\r\nhost:", HELLO] {
        let mut client = Client::connect(port.address).await;
        client.send(said).await;
        vanished.push(client);
    }
    somebody_else_is_answered(port.address).await;
    clock.advance(81 * SECOND).await;
    for client in vanished {
        client.gets_closed().await;
    }
}

#[tokio::test]
async fn a_client_that_never_reads_its_answers_is_let_go_like_an_idle_one() {
    let port = Port::serve().await;
    let clock = Clock::stop();
    let mut deaf = Client::connect_deaf(port.address).await;
    // Its answers are as large as its orders: soon nothing on the way holds any more of them.
    let order = order(&format!("\"{}\"", "x".repeat(60_000)));
    let asks = tokio::spawn(async move { while deaf.send(&order).await == Sent::Whole {} });
    while !asks.is_finished() {
        somebody_else_is_answered(port.address).await;
        clock.advance(81 * SECOND).await;
    }
    asks.await.unwrap();
}
