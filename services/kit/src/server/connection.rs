//! One connection: what it may send, how long it may be quiet, when it is closed.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::activity::Activity;
use super::answer::Answerer;
use super::arriving::Arriving;
use super::places::Place;
use super::{HEADER_READ_TIMEOUT, Patience};
use crate::body::MAX_BODY_BYTES;

/// Largest head of a request, its request line and headers together; more is a 431. A token and what a load balancer
/// adds take 2 KiB. It bounds what a connection can make this process hold.
const MAX_HEAD_BYTES: u16 = 16 * 1024;
/// Most headers of a request; more is a 431. Behind a load balancer a request has some 20.
const MAX_HEADERS: usize = 100;
/// Requests on one HTTP/2 connection at once.
const MAX_STREAMS: u32 = 256;
/// What an HTTP/2 client may send before any of it is read: the largest body there may be.
#[expect(clippy::cast_possible_truncation, reason = "64 KiB")]
const WINDOW_BYTES: u32 = MAX_BODY_BYTES as u32;
/// While stopping, a connection without a whole request after this time is closed.
const HALF_REQUEST_GRACE: Duration = Duration::from_secs(1);

/// How the connections of a port are served.
pub(super) struct Connections {
    pub(super) answerer: Answerer,
    pub(super) patience: Patience,
    /// No connection begins another request.
    pub(super) draining: CancellationToken,
    /// All are closed, whatever they do.
    pub(super) cut_off: CancellationToken,
}

impl Connections {
    /// Serves one more.
    pub(super) fn spawn(&self, stream: TcpStream, place: Place, watcher: Watcher) {
        let answerer = self.answerer.clone();
        let (draining, cut_off) = (self.draining.clone(), self.cut_off.clone());
        let patience = self.patience;
        tokio::spawn(async move {
            let activity = Arc::new(Activity::new(place));
            tokio::select! {
                // First, so that an answer that is made gets out before its connection gives its place up.
                biased;
                () = serve(stream, answerer, Arc::clone(&activity), watcher) => {}
                () = activity.goes_quiet(patience) => {}
                () = activity.loses_its_place() => {}
                () = never_sends(draining, &activity) => {}
                () = cut_off.cancelled() => {}
            }
        });
    }
}

async fn serve(stream: TcpStream, answerer: Answerer, activity: Arc<Activity>, watcher: Watcher) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "answers may be delayed by Nagle's algorithm");
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let (answerer, begun) = (answerer.clone(), activity.begin());
        async move {
            let Some(under_way) = begun.map(Arc::new) else {
                // The connection is being closed for another one.
                return std::future::pending().await;
            };
            if request.body().is_end_stream() {
                under_way.is_whole();
            }
            let request = request.map(|body| Arriving::new(body, Arc::clone(&under_way)));
            let response = answerer.answer(request).await;
            drop(under_way);
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    let connection = builder()
        .serve_connection(TokioIo::new(stream), service)
        .into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(error, "a connection ended early");
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES.into());
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD_BYTES.into())
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .keep_alive_interval(HEADER_READ_TIMEOUT);
    builder
}

/// Resolves when, while stopping, a connection has no request under way: its client holds half a
/// request back, and must not hold up the stop. A request under way closes its connection itself.
async fn never_sends(draining: CancellationToken, activity: &Activity) {
    draining.cancelled().await;
    tokio::time::sleep(HALF_REQUEST_GRACE).await;
    if activity.is_under_way() {
        std::future::pending::<()>().await;
    }
}
