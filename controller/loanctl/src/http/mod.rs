//! The controller's HTTP port: health, metrics, every platform as JSON, the console, and a Kubernetes API to read.

mod access;
mod asked;
mod console;
mod kubernetes;
pub(crate) mod metrics;
mod streamed;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::board::Board;
use engine::clock::Clock;
use engine::ports::{Alarms, Documents};
use engine::tally::Tally;
use http::{Method, Response, StatusCode, header};
use prometheus_client::registry::Registry;
use schema::names::PlatformName;
use service_kit::server::{BindError, Patience, RouteTable, Routes, Server};
use service_kit::{Problem, reply};
use tokio_util::sync::CancellationToken;
use warp::Filter;
use warp::reply::Response as Reply;

pub(crate) use access::Access;
use asked::Asked;
pub(crate) use console::Viewers;

use crate::status::PlatformList;

/// Longest time that an answer may go on for: a watch, a stream of the console. Clients ask again then. It bounds how
/// long one that reads nothing any more holds its place.
const LONGEST_ANSWER: Duration = Duration::from_mins(10);
/// How long a connection may be quiet, or read nothing of an answer that goes on.
const QUIET: Duration = Duration::from_mins(12);

/// Adds what a home counts to the controller's metrics.
pub(crate) type HomeMetrics = Arc<dyn Fn(&mut Registry) + Send + Sync>;

/// What the port shows, and to whom.
#[derive(Clone)]
pub(crate) struct Port {
    /// Every platform's status.
    pub(crate) board: Arc<Board>,
    /// What the controller counts.
    pub(crate) tally: Arc<Tally>,
    /// What its home counts.
    pub(crate) home: HomeMetrics,
    /// Where revisions are looked up.
    pub(crate) documents: Arc<dyn Documents>,
    /// Where the golden signals of the last hour come from.
    pub(crate) alarms: Arc<dyn Alarms>,
    /// Who may read it.
    pub(crate) access: Access,
    /// What the console's viewers share.
    pub(crate) viewers: Arc<Viewers>,
    /// Ends the answers that go on.
    pub(crate) stop: CancellationToken,
}

/// Binds `address` for the routes of a [`Port`].
///
/// # Errors
/// When the address is in use or not ours.
pub(crate) async fn bind(address: SocketAddr) -> Result<Server, BindError> {
    let server = Server::bind(address).await?;
    Ok(server.with_patience(Patience {
        between_requests: QUIET,
        ..Patience::default()
    }))
}

/// An empty board whose versions are newer than those of every controller before: watches that began with another
/// one begin anew.
pub(crate) fn board(clock: &Clock) -> Board {
    let ms = u64::try_from(clock.now().as_millisecond()).unwrap_or(0);
    // A controller makes fewer than a thousand changes a millisecond.
    Board::numbered_from(ms.saturating_mul(1_000))
}

/// The routes of `port`.
pub(crate) fn routes(port: Port) -> RouteTable {
    let routes: Routes = asked::any()
        .then(move |asked: Asked| {
            let port = port.clone();
            async move { port.answer(&asked).await }
        })
        .boxed();
    RouteTable::new(routes)
}

impl Port {
    async fn answer(&self, asked: &Asked) -> Reply {
        match asked.path() {
            "/healthz" | "/livez" => text(StatusCode::OK, "text/plain", "ok\n".to_owned()),
            "/readyz" => self.readiness(),
            _ => match console::page(asked) {
                Some(page) => page,
                None => self.guarded(asked).await,
            },
        }
    }

    /// Whether the board shows everything: not before the spec files were listed, nor where another controller holds
    /// the lease.
    fn knows_all(&self) -> bool {
        let counts = self.tally.counts();
        counts.holds_lease && counts.specs_age.is_some()
    }

    /// What only those may see who may read platforms.
    async fn guarded(&self, asked: &Asked) -> Reply {
        if let Err(refusal) = self.access.permits(asked) {
            return if kubernetes::serves(asked.path()) {
                kubernetes::refused(&refusal)
            } else {
                refusal.into_problem().into_response()
            };
        }
        let path = asked.path();
        if let Some(reply) = self.own(asked) {
            return reply;
        }
        if kubernetes::serves(path) {
            return kubernetes::answer(self, asked);
        }
        if console::serves(path) {
            return console::answer(self, asked).await;
        }
        Problem::not_found(
            "there are /, /healthz, /readyz, /metrics, /api/v1/platforms, and a Kubernetes API under /api and /apis",
        )
        .into_response()
    }

    /// What the controller says of itself in its own words.
    fn own(&self, asked: &Asked) -> Option<Reply> {
        let reply = match asked.path() {
            "/metrics" => self.metrics(),
            "/api/v1/platforms" => reply::json(&PlatformList::new(self.board.platforms())),
            path => self.platform(path.strip_prefix("/api/v1/platforms/")?),
        };
        let is_read = asked.method == Method::GET || asked.method == Method::HEAD;
        Some(if is_read { reply } else { read_only() })
    }

    /// Ready once the controller has begun its term: it then decides, whatever it decides.
    fn readiness(&self) -> Reply {
        if self.tally.counts().epoch > 0 {
            text(StatusCode::OK, "text/plain", "ready\n".to_owned())
        } else {
            text(
                StatusCode::SERVICE_UNAVAILABLE,
                "text/plain",
                "starting\n".to_owned(),
            )
        }
    }

    fn platform(&self, name: &str) -> Reply {
        let name = PlatformName::try_from(name).ok();
        let found = name.and_then(|name| self.board.platform(&name));
        found.map_or_else(
            || Problem::not_found("no platform has that name").into_response(),
            |found| reply::json(&found),
        )
    }

    fn metrics(&self) -> Reply {
        match metrics::text(&self.board.platforms(), &self.tally.counts(), &*self.home) {
            Ok(body) => text(StatusCode::OK, metrics::CONTENT_TYPE, body),
            Err(error) => {
                tracing::error!(%error, "metrics cannot be written");
                Problem::internal("METRICS", "metrics cannot be written").into_response()
            }
        }
    }
}

/// Nothing can be changed here.
fn read_only() -> Reply {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "READ_ONLY",
        "everything here is for reading: to change a platform, edit its spec file",
    )
    .into_response()
}

fn text(status: StatusCode, content_type: &'static str, body: String) -> Reply {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(content_type),
    );
    response
}
