//! The hardened accept loop that every port is served by.
//!
//! warp's own server holds half-sent headers for ever, cannot stop while one is open, drops panics
//! without an answer and caps nothing. This loop serves the same filters through
//! [`warp::service`] and mends that in one place.

mod activity;
mod answer;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use activity::Activity;
use answer::Answerer;
pub use answer::RouteTable;

use crate::telemetry::metrics::GoldenSignals;

/// Routes of a port.
pub type Routes = BoxedFilter<(Response,)>;

/// Connections served at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 4_096;
/// Longest wait for a request's headers. hyper starts it when the answer before is done, so it is
/// also the idle timeout of a connection: it must outlast the load balancer's 60 s, or the balancer
/// reuses a connection just as it closes.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(75);
/// Longest wait for the first request of a connection. Until its first bytes show the version, hyper waits for
/// ever; a client that wants something has sent it by then.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest time between two requests of a connection, whatever keeps it alive. Longer than
/// [`HEADER_READ_TIMEOUT`], after which hyper says goodbye in the words of the protocol.
const BETWEEN_REQUESTS_TIMEOUT: Duration = Duration::from_secs(80);
/// Requests on one HTTP/2 connection at once.
const MAX_STREAMS: u32 = 256;
/// While stopping, a connection without a whole request after this time is closed.
const HALF_REQUEST_GRACE: Duration = Duration::from_secs(1);
/// Wait after a failed accept, as when file descriptors have run out: they come back on their own.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// How long a connection may be quiet before it is closed: each takes one of the places there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// From its beginning to its first whole request.
    pub first_request: Duration,
    /// From the end of an answer to the next whole request.
    pub between_requests: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_request: FIRST_REQUEST_TIMEOUT,
            between_requests: BETWEEN_REQUESTS_TIMEOUT,
        }
    }
}

/// A bound port, not served yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    patience: Patience,
}

/// A port that cannot be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct BindError {
    /// The address asked for.
    pub address: SocketAddr,
    /// What the system says.
    pub source: io::Error,
}

impl Server {
    /// Binds `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address is in use or not ours.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let bound = async {
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?;
            Ok(Self {
                listener,
                address,
                patience: Patience::default(),
            })
        };
        bound.await.map_err(|source| BindError { address, source })
    }

    /// The address bound, with its real port.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same port, with another patience.
    #[must_use]
    pub const fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Serves `routes` until `stop`, then refuses new connections, finishes requests under way, and
    /// returns. It never takes longer than `drain_deadline` after `stop`: then the rest is cut off.
    ///
    /// `golden` records every request, where it is given.
    pub async fn serve(
        self,
        routes: RouteTable,
        golden: Option<GoldenSignals>,
        stop: CancellationToken,
        drain_deadline: Duration,
    ) {
        let connections = Connections {
            answerer: Answerer { routes, golden },
            permits: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            patience: self.patience,
            draining: CancellationToken::new(),
            cut_off: CancellationToken::new(),
        };
        let graceful = GracefulShutdown::new();
        let accept = accept_all(&self.listener, &connections, &graceful);
        stop.run_until_cancelled(accept).await;
        drop(self.listener);
        connections.draining.cancel();
        let drained = tokio::time::timeout(drain_deadline, graceful.shutdown()).await;
        if drained.is_err() {
            tracing::warn!(deadline = ?drain_deadline, "requests cut off at the drain deadline");
        }
        connections.cut_off.cancel();
    }
}

async fn accept_all(
    listener: &TcpListener,
    connections: &Connections,
    graceful: &GracefulShutdown,
) {
    loop {
        // The permit comes first: while all are taken, new connections wait in the kernel's queue.
        let Ok(permit) = Arc::clone(&connections.permits).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => connections.spawn(stream, permit, graceful.watcher()),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
}

struct Connections {
    answerer: Answerer,
    permits: Arc<Semaphore>,
    patience: Patience,
    draining: CancellationToken,
    cut_off: CancellationToken,
}

impl Connections {
    fn spawn(&self, stream: TcpStream, permit: OwnedSemaphorePermit, watcher: Watcher) {
        let answerer = self.answerer.clone();
        let (draining, cut_off) = (self.draining.clone(), self.cut_off.clone());
        let patience = self.patience;
        tokio::spawn(async move {
            let activity = Arc::new(Activity::new());
            tokio::select! {
                () = serve_connection(stream, answerer, Arc::clone(&activity), watcher) => {}
                () = activity.goes_quiet(patience) => {}
                () = never_sends(draining, &activity) => {}
                () = cut_off.cancelled() => {}
            }
            drop(permit);
        });
    }
}

async fn serve_connection(
    stream: TcpStream,
    answerer: Answerer,
    activity: Arc<Activity>,
    watcher: Watcher,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "answers may be delayed by Nagle's algorithm");
    }
    let service = service_fn(move |request: http::Request<Incoming>| {
        let (answerer, guard) = (answerer.clone(), activity.begin());
        async move {
            let response = answerer.answer(request).await;
            drop(guard);
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
        .header_read_timeout(HEADER_READ_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
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
