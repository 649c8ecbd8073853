//! The hardened accept loop that every port is served by.
//!
//! warp's own server holds half-sent headers for ever, cannot stop while one is open, drops panics
//! without an answer and caps nothing. This loop serves the same filters through
//! [`warp::service`] and mends that in one place.

mod activity;
mod answer;
mod arriving;
mod connection;
mod places;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use answer::Answerer;
pub use answer::RouteTable;
use connection::Connections;
use places::Places;

use crate::telemetry::metrics::GoldenSignals;

/// Routes of a port.
pub type Routes = BoxedFilter<(Response,)>;

/// Connections served at once unless more are asked for: plenty for people, probes and collectors of metrics.
pub const CONNECTIONS: usize = 256;
/// Connections that the kernel makes before they are accepted: a burst of clients as large as Linux lets it be
/// (`net.core.somaxconn`). Past it a client's first packet is lost, and repeated a second later.
const BACKLOG: u32 = 4_096;
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
    connections: usize,
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
    /// Binds `address`; port 0 takes a free one. Serves [`CONNECTIONS`] at once.
    ///
    /// # Errors
    /// When the address is in use or not ours.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let bound = || {
            let listener = listen(address)?;
            let address = listener.local_addr()?;
            Ok(Self {
                listener,
                address,
                patience: Patience::default(),
                connections: CONNECTIONS,
            })
        };
        bound().map_err(|source| BindError { address, source })
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

    /// The same port, serving so many connections at once. When there are more, those that have been quiet longest
    /// are closed; while every one has a request under way, new ones wait.
    #[must_use]
    pub const fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections;
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
            patience: self.patience,
            draining: CancellationToken::new(),
            cut_off: CancellationToken::new(),
        };
        let graceful = GracefulShutdown::new();
        let places = Places::new(self.connections);
        let accept = async {
            loop {
                accept_one(&self.listener, &places, &connections, &graceful).await;
            }
        };
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

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A port is free again at once when its process has ended, whatever connections still linger.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn accept_one(
    listener: &TcpListener,
    places: &Arc<Places>,
    connections: &Connections,
    graceful: &GracefulShutdown,
) {
    match listener.accept().await {
        Ok((stream, _)) => {
            // While it waits for its place, the next ones wait in the kernel's queue.
            if let Ok(place) = places.take().await {
                connections.spawn(stream, place, graceful.watcher());
            }
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_BACKOFF).await;
        }
    }
}
