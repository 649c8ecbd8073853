//! More connections than there are places for.

use crate::client::{Client, HELLO, somebody_else_is_answered};
use crate::port::Port;

/// A connection that was answered once, and is idle since.
async fn idle(port: &Port) -> Client {
    let mut client = Client::connect(port.address).await;
    client.send(HELLO).await;
    assert_eq!(client.status().await, Some(200));
    client
}

async fn asks_again(client: &mut Client) -> Option<u16> {
    client.send(HELLO).await;
    client.status().await
}

#[tokio::test]
async fn a_new_connection_gets_the_place_of_the_one_that_was_quiet_longest() {
    let port = Port::serve_at_most(3).await;
    let mut first = idle(&port).await;
    let second = idle(&port).await;
    let mut third = idle(&port).await;
    assert_eq!(asks_again(&mut first).await, Some(200));
    let mut fourth = idle(&port).await;
    second.gets_closed().await;
    for client in [&mut first, &mut third, &mut fourth] {
        assert_eq!(asks_again(client).await, Some(200));
    }
}

#[tokio::test]
async fn a_connection_with_a_request_under_way_is_closed_for_nobody() {
    let port = Port::serve_at_most(2).await;
    let mut waits = Client::connect(port.address).await;
    waits.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
    port.has_begun().await;
    for _ in 0..20 {
        somebody_else_is_answered(port.address).await;
        idle(&port).await;
    }
    port.finish_slow();
    assert_eq!(waits.status().await, Some(200));
}

#[tokio::test]
async fn when_every_connection_has_a_request_under_way_a_new_one_waits_for_the_first_answer() {
    let port = Port::serve_at_most(1).await;
    let mut waits = Client::connect(port.address).await;
    waits.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
    port.has_begun().await;
    let mut next = Client::connect(port.address).await;
    next.send(HELLO).await;
    port.finish_slow();
    assert_eq!(waits.status().await, Some(200));
    waits.gets_closed().await;
    assert_eq!(next.status().await, Some(200));
}

#[tokio::test]
async fn who_never_finishes_a_request_shuts_nobody_out() {
    let port = Port::serve_at_most(8).await;
    let half_a_head = "GET /hello HTTP/1.1\r\nhost:";
    let half_a_body = "POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n1";
    let mut crowd = Vec::new();
    for said in ["", half_a_head, half_a_body].into_iter().cycle().take(60) {
        let mut client = Client::connect(port.address).await;
        client.send(said).await;
        crowd.push(client);
        somebody_else_is_answered(port.address).await;
    }
    for client in crowd.drain(..40) {
        client.gets_closed().await;
    }
}
