//! A front's listener: Pingora's request handling under an accept loop of this runtime.
//!
//! Pingora's own server wants to own the process (signals, threads, listeners). Its proxy does not:
//! it handles any stream it is given. Binding by ourselves also tells a port in use apart.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pingora_core::apps::{HttpServerApp, ServerApp};
use pingora_core::protocols::Stream;
use pingora_core::protocols::l4::stream::Stream as L4Stream;
use pingora_core::server::configuration::ServerConf;
use pingora_proxy::HttpProxy;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use super::proxy::Front;

/// Client connections at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 4_096;
/// Connections to tasks kept for reuse.
const POOL_SIZE: usize = 512;
/// Times that one request is sent, the first included.
const MAX_TRIES: usize = 4;
/// After an error of `accept`, such as no file descriptors: time for some to be released.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long connections may take to end when the front closes.
const CLOSE_TIME: Duration = Duration::from_secs(2);

/// A listening front.
#[derive(Debug)]
pub(super) struct FrontServer {
    closing: watch::Sender<bool>,
    connections: TaskTracker,
}

impl FrontServer {
    /// Serves `front` on `listener` until closed.
    pub(super) fn start(listener: TcpListener, front: Front) -> Self {
        let conf = ServerConf {
            upstream_keepalive_pool_size: POOL_SIZE,
            max_retries: MAX_TRIES,
            ..ServerConf::default()
        };
        let mut proxy = HttpProxy::new(front, Arc::new(conf));
        proxy.handle_init_modules();
        let (closing, closed) = watch::channel(false);
        let connections = TaskTracker::new();
        tokio::spawn(accept(
            listener,
            Arc::new(proxy),
            closed,
            connections.clone(),
        ));
        Self {
            closing,
            connections,
        }
    }

    /// Stops accepting, and waits until requests under way are done. Bounded.
    pub(super) async fn close(&self) {
        self.closing.send_replace(true);
        self.connections.close();
        if timeout(CLOSE_TIME, self.connections.wait()).await.is_err() {
            tracing::debug!("connections were still open when a front closed");
        }
    }
}

async fn accept(
    listener: TcpListener,
    proxy: Arc<HttpProxy<Front>>,
    mut closed: watch::Receiver<bool>,
    connections: TaskTracker,
) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = next(&listener, &permits) => accepted,
            _ = closed.changed() => break,
        };
        let Some((stream, permit)) = accepted else {
            break;
        };
        let (proxy, closed) = (Arc::clone(&proxy), closed.clone());
        connections.spawn(async move {
            // HTTP keep-alive is handled inside; a stream handed back is never reused further.
            drop(proxy.process_new(stream, &closed).await);
            drop(permit);
        });
    }
    proxy.http_cleanup().await;
}

async fn next(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(Stream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection ended as it began");
                }
                return Some((Box::new(L4Stream::from(stream)), permit));
            }
            Err(error) => {
                tracing::warn!(%error, "a front cannot accept connections");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Binds a port on loopback; 0 takes a free one.
pub(super) async fn bind(port: u16) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
