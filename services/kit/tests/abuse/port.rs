//! A port with routes to abuse.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use service_kit::body::{Body, body};
use service_kit::server::{RouteTable, Routes, Server};
use service_kit::{Problem, reply};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use warp::Filter;
use warp::reply::Response;

/// `GET /hello` answers at once, `POST /orders` with the JSON it got, `GET /slow` when it may.
pub(crate) struct Port {
    pub(crate) address: SocketAddr,
    signals: Signals,
}

#[derive(Clone, Default)]
struct Signals {
    /// A handler has begun.
    begun: Arc<Notify>,
    /// `/slow` may answer.
    finish: Arc<Notify>,
}

impl Port {
    pub(crate) async fn serve() -> Self {
        Self::serve_at_most(64).await
    }

    /// With so many connections at once.
    pub(crate) async fn serve_at_most(connections: usize) -> Self {
        let server = Server::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let server = server.with_connections(connections);
        let address = server.address();
        let signals = Signals::default();
        let table = RouteTable::new(routes(&signals));
        // It ends with the test's runtime.
        let never = CancellationToken::new();
        tokio::spawn(server.serve(table, None, never, std::time::Duration::ZERO));
        Self { address, signals }
    }

    /// Waits until the handler of `/orders` or `/slow` has begun.
    pub(crate) async fn has_begun(&self) {
        self.signals.begun.notified().await;
    }

    /// Has one request for `/slow` answered.
    pub(crate) fn finish_slow(&self) {
        self.signals.finish.notify_one();
    }
}

fn routes(signals: &Signals) -> Routes {
    let hello = warp::path!("hello")
        .and(warp::get())
        .map(|| reply::json(&json!("hello")))
        .boxed();
    let begun = Arc::clone(&signals.begun);
    let orders = warp::path!("orders")
        .and(warp::post())
        .and(body())
        .then(move |body| {
            begun.notify_one();
            async { reply::of(order(body).await) }
        })
        .boxed();
    let signals = signals.clone();
    let slow = warp::path!("slow")
        .and(warp::get())
        .then(move || {
            let signals = signals.clone();
            async move {
                signals.begun.notify_one();
                signals.finish.notified().await;
                reply::json(&json!("done"))
            }
        })
        .boxed();
    hello.or(orders).unify().boxed().or(slow).unify().boxed()
}

async fn order(body: Body) -> Result<Response, Problem> {
    Ok(reply::json(&body.json::<Value>().await?))
}
