//! The controller's HTTP port: health, metrics, and every platform as JSON.

pub(crate) mod metrics;

use std::sync::Arc;

use engine::board::Board;
use engine::tally::Tally;
use http::{Response, StatusCode, header};
use prometheus_client::registry::Registry;
use service_kit::server::{RouteTable, Routes};
use service_kit::{Problem, reply};
use warp::Filter;
use warp::reply::Response as Reply;

use crate::status::PlatformList;

/// Adds what a home counts to the controller's metrics.
pub(crate) type HomeMetrics = Arc<dyn Fn(&mut Registry) + Send + Sync>;

/// The routes, on what the controller and its home show and count.
pub(crate) fn routes(board: Arc<Board>, tally: Arc<Tally>, home: HomeMetrics) -> RouteTable {
    let source = Source { board, tally, home };
    let get = warp::get()
        .and(warp::path::full())
        .and(warp::any().map(move || source.clone()));
    let routes: Routes = get
        .map(|path: warp::path::FullPath, source: Source| source.answer(path.as_str()))
        .boxed();
    RouteTable::new(routes)
}

#[derive(Clone)]
struct Source {
    board: Arc<Board>,
    tally: Arc<Tally>,
    home: HomeMetrics,
}

impl Source {
    fn answer(&self, path: &str) -> Reply {
        match path.trim_end_matches('/') {
            "/healthz" => text(StatusCode::OK, "text/plain", "ok\n".to_owned()),
            "/readyz" => self.readiness(),
            "/metrics" => self.metrics(),
            "/api/v1/platforms" => reply::json(&PlatformList::new(self.board.platforms())),
            _ => match path.strip_prefix("/api/v1/platforms/") {
                Some(name) => self.platform(name),
                None => Problem::not_found(
                    "there are /healthz, /readyz, /metrics and /api/v1/platforms",
                )
                .into_response(),
            },
        }
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
        let platforms = self.board.platforms();
        let found = platforms
            .iter()
            .find(|platform| platform.metadata.name.as_deref() == Some(name));
        found.map_or_else(
            || Problem::not_found("no platform has that name").into_response(),
            reply::json,
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

fn text(status: StatusCode, content_type: &'static str, body: String) -> Reply {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(content_type),
    );
    response
}
