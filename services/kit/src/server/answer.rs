//! One request: its trace, its limits, its answer, its record.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::FutureExt;
use http::{Method, Request};
use http_body::Body as _;
use tower::Service;
use warp::Filter;
use warp::reply::Response;

use super::Routes;
use super::arriving::Arriving;
use crate::panics;
use crate::problem::{Problem, recover};
use crate::telemetry::metrics::GoldenSignals;
use crate::trace::{self, Span, TraceContext};

/// No request takes longer, whatever it waits for: above the longest time that a body may take to arrive (10 s) and
/// the longest request deadline that settings allow (30 s) together.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(45);

/// The routes of a port, which can be exchanged while it is served.
#[derive(Clone)]
pub struct RouteTable(Arc<ArcSwap<Routes>>);

impl RouteTable {
    /// Starts with `routes`. What they do not take is answered as a problem.
    #[must_use]
    pub fn new(routes: Routes) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(complete(routes))))
    }

    /// Answers with `routes` from the next request on.
    pub fn replace(&self, routes: Routes) {
        self.0.store(Arc::new(complete(routes)));
    }
}

fn complete(routes: Routes) -> Routes {
    routes.recover(recover).unify().boxed()
}

/// Answers requests with routes.
#[derive(Clone)]
pub(super) struct Answerer {
    pub(super) routes: RouteTable,
    pub(super) golden: Option<GoldenSignals>,
}

impl Answerer {
    /// Always an answer: a panic is a 500, a request that takes too long a 503.
    pub(super) async fn answer(&self, request: Request<Arriving>) -> Response {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let came = TraceContext::of(request.headers());
        // What nobody counts, nobody traces: probes of the admin port would be most of all spans.
        let (context, span) = match self.golden {
            Some(_) => came.serve(&method, &path),
            None => (came, Span::none()),
        };
        let response = context
            .scope(trace::span(&context), self.record(&method, &path, request))
            .await;
        span.answered(&method, &path, response.status());
        response
    }

    async fn record(&self, method: &Method, path: &str, request: Request<Arriving>) -> Response {
        let body_bytes = request.body().size_hint().exact();
        let golden = self
            .golden
            .as_ref()
            .map(|golden| golden.request(body_bytes));
        let response = self.limited(request).await;
        if let Some(golden) = golden {
            let took = golden.answered(response.status());
            log(method, path, &response, took);
        }
        response
    }

    async fn limited(&self, request: Request<Arriving>) -> Response {
        let mut service = warp::service(Routes::clone(&self.routes.0.load()));
        let answer = AssertUnwindSafe(async move { service.call(request).await }).catch_unwind();
        match tokio::time::timeout(REQUEST_TIMEOUT, answer).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(never))) => match never {},
            Ok(Err(panic)) => panicked(panic.as_ref()),
            Err(_) => {
                Problem::unavailable("REQUEST_TIMEOUT", "the request took too long").into_response()
            }
        }
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Response {
    tracing::error!(panic = panics::text(panic), "a handler panicked");
    Problem::internal("INTERNAL", "the request failed").into_response()
}

/// Answers in error are worth a line each; the others are counted, and logged where asked for.
fn log(method: &Method, path: &str, response: &Response, took: Duration) {
    let status = response.status().as_u16();
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if response.status().is_server_error() {
        tracing::warn!(%method, path, status, took_ms, "answered");
    } else {
        tracing::debug!(%method, path, status, took_ms, "answered");
    }
}
