//! The accept loop, over real sockets.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::body::{Body, body};
use service_kit::server::{Patience, RouteTable, Routes, Server};
use service_kit::{Problem, reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use warp::Filter;
use warp::reply::Response;

/// Long enough for a busy machine, short enough to notice what hangs.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    applicant: Applicant,
}

#[derive(Deserialize)]
struct Applicant {
    income: u32,
}

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<()>,
    /// Says that a handler of `/slow` has begun.
    begun: mpsc::Receiver<()>,
    /// Lets it finish.
    finish: CancellationToken,
}

async fn order(body: Body) -> Result<Response, Problem> {
    let order: Order = body.json().await?;
    Ok(reply::json(&json!({"income": order.applicant.income})))
}

async fn panic_now() -> Response {
    panic!("as the test wants");
}

fn routes(begun: mpsc::Sender<()>, finish: CancellationToken) -> Routes {
    let orders = warp::path!("orders")
        .and(warp::post())
        .and(body())
        .then(|body| async { reply::of(order(body).await) })
        .boxed();
    let panics = warp::path!("panic")
        .and(warp::get())
        .then(panic_now)
        .boxed();
    let slow = warp::path!("slow")
        .and(warp::get())
        .then(move || {
            let (begun, finish) = (begun.clone(), finish.clone());
            async move {
                begun.send(()).await.unwrap();
                finish.cancelled().await;
                reply::json(&json!({"finished": true}))
            }
        })
        .boxed();
    orders.or(panics).unify().boxed().or(slow).unify().boxed()
}

async fn start(drain_deadline: Duration) -> Running {
    start_with(drain_deadline, Patience::default()).await
}

async fn start_with(drain_deadline: Duration, patience: Patience) -> Running {
    let (begin, begun) = mpsc::channel(8);
    let (stop, finish) = (CancellationToken::new(), CancellationToken::new());
    let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let server = server.with_patience(patience);
    let address = server.address();
    let table = RouteTable::new(routes(begin, finish.clone()));
    let served = tokio::spawn(server.serve(table, None, stop.clone(), drain_deadline));
    Running {
        address,
        stop,
        served,
        begun,
        finish,
    }
}

impl Running {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn post(&self, body: impl Into<reqwest::Body>) -> (StatusCode, Value) {
        let sent = reqwest::Client::new()
            .post(self.url("/orders"))
            .header("content-type", "application/json")
            .body(body)
            .send();
        let response = sent.await.unwrap();
        assert!(response.headers().contains_key("content-type"));
        (response.status(), response.json().await.unwrap())
    }
}

#[tokio::test]
async fn bad_json_is_a_400_that_names_the_field() {
    let running = start(PATIENCE).await;
    let (status, problem) = running.post(r#"{"applicant": {"income": "much"}}"#).await;
    assert_eq!(status, 400);
    assert_eq!(problem["field"], "applicant.income");
    assert_eq!(problem["code"], "INVALID_JSON");
    assert_eq!(problem["trace_id"].as_str().unwrap().len(), 32);
    let (status, problem) = running
        .post(r#"{"applicant": {"income": 1}, "more": 1}"#)
        .await;
    assert_eq!(status, 400);
    assert!(
        problem["detail"].as_str().unwrap().contains("more"),
        "{problem}"
    );
    let (status, answer) = running.post(r#"{"applicant": {"income": 1}}"#).await;
    assert_eq!((status, answer), (StatusCode::OK, json!({"income": 1})));
}

#[tokio::test]
async fn a_body_past_the_cap_is_a_413_with_and_without_its_length_declared() {
    let running = start(PATIENCE).await;
    let large = "x".repeat(70_000);
    let (status, problem) = running.post(large.clone()).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (413, &json!("BODY_TOO_LARGE"))
    );
    let chunked = format!(
        "POST /orders HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n",
        large.len()
    );
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(chunked.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_panic_is_a_500_problem_and_the_server_goes_on() {
    let running = start(PATIENCE).await;
    for _ in 0..2 {
        let response = reqwest::get(running.url("/panic")).await.unwrap();
        assert_eq!(response.status(), 500);
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["code"], "INTERNAL");
        assert!(!problem.to_string().contains("as the test wants"));
    }
}

#[tokio::test]
async fn what_no_route_takes_is_a_problem_with_the_right_status() {
    let running = start(PATIENCE).await;
    for (path, status, code) in [
        ("/nowhere", 404, "NOT_FOUND"),
        ("/orders", 405, "METHOD_NOT_ALLOWED"),
    ] {
        let response = reqwest::get(running.url(path)).await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["code"], code);
    }
}

#[tokio::test]
async fn a_stop_finishes_requests_under_way_and_refuses_new_connections() {
    let mut running = start(PATIENCE).await;
    let under_way = tokio::spawn(reqwest::get(running.url("/slow")));
    running.begun.recv().await.unwrap();
    running.stop.cancel();
    let refused = async {
        while TcpStream::connect(running.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, refused).await.expect("still accepting");
    running.finish.cancel();
    let response = under_way.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    timeout(PATIENCE, running.served).await.unwrap().unwrap();
}

#[tokio::test]
async fn half_sent_headers_do_not_hold_up_a_stop() {
    let running = start(Duration::from_secs(600)).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nhost:")
        .await
        .unwrap();
    let silent = TcpStream::connect(running.address).await.unwrap();
    // A request that is answered proves that the connections before it were accepted.
    reqwest::get(running.url("/nowhere")).await.unwrap();
    running.stop.cancel();
    timeout(PATIENCE, running.served)
        .await
        .expect("held up")
        .unwrap();
    drop((stream, silent));
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off_at_the_drain_deadline() {
    let mut running = start(Duration::from_millis(200)).await;
    let under_way = tokio::spawn(reqwest::get(running.url("/slow")));
    running.begun.recv().await.unwrap();
    running.stop.cancel();
    timeout(PATIENCE, running.served).await.unwrap().unwrap();
    assert!(under_way.await.unwrap().is_err());
}

#[tokio::test]
async fn an_address_in_use_is_an_error() {
    let running = start(PATIENCE).await;
    let error = Server::bind(running.address).await.err().unwrap();
    assert!(
        error.to_string().contains(&running.address.to_string()),
        "{error}"
    );
}

/// Waits until the server has closed the connection.
async fn is_closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let closed = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    // Closed in an orderly way, or cut off.
    assert!(closed.is_ok(), "still open");
}

#[tokio::test]
async fn who_connects_and_asks_for_nothing_is_let_go() {
    let patience = Patience {
        first_request: Duration::from_millis(100),
        ..Patience::default()
    };
    let mut running = start_with(PATIENCE, patience).await;
    for begun in ["", "PRI * HT", "GET /slow HTTP/1.1\r\nhost:"] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        is_closed(&mut stream).await;
    }
    // One that asks is answered, however long that takes.
    let under_way = tokio::spawn(reqwest::get(running.url("/slow")));
    running.begun.recv().await.unwrap();
    let mut quiet = TcpStream::connect(running.address).await.unwrap();
    is_closed(&mut quiet).await;
    running.finish.cancel();
    assert_eq!(under_way.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn between_requests_a_connection_is_kept_for_a_while_only() {
    let patience = Patience {
        between_requests: Duration::from_millis(100),
        ..Patience::default()
    };
    let running = start_with(PATIENCE, patience).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let request = "GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    is_closed(&mut stream).await;
}
