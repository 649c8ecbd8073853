//! The admin port: health, readiness, settings, metrics, log level.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use serde_json::{Value, json};
use warp::Filter;
use warp::reply::Response;

use crate::body::{Body, body};
use crate::problem::Problem;
use crate::readiness::Readiness;
use crate::reply;
use crate::server::Routes;
use crate::settings::Report;
use crate::telemetry::logs::LogLevel;
use crate::telemetry::metrics::{self, Metrics};

/// What the admin port shows.
#[derive(Clone)]
pub struct Admin {
    /// Whether the service should get traffic.
    pub readiness: Readiness,
    /// What is known about settings.
    pub settings: Arc<Mutex<Report>>,
    /// All metrics.
    pub metrics: Metrics,
    /// Changes what is logged.
    pub log_level: LogLevel,
}

impl Admin {
    /// Its routes.
    #[must_use]
    pub fn routes(self) -> Routes {
        let shared = self.clone();
        let show = warp::get()
            .and(warp::path::param())
            .and(warp::path::end())
            .and_then(move |page: String| {
                let shown = shared.show(&page).ok_or_else(warp::reject::not_found);
                async { shown }
            })
            .boxed();
        let log_level = self.log_level;
        let set_level = warp::path!("log-level")
            .and(warp::put())
            .and(body())
            .then(move |body| set_log_level(log_level.clone(), body))
            .boxed();
        show.or(set_level).unify().boxed()
    }

    fn show(&self, page: &str) -> Option<Response> {
        match page {
            "healthz" => Some(reply::json(&json!({"healthy": true}))),
            "readyz" => Some(self.ready()),
            "settings" => Some(self.settings()),
            "metrics" => Some(self.metrics()),
            _ => None,
        }
    }

    fn ready(&self) -> Response {
        let reason = self.readiness.reason();
        let status = match reason {
            None => StatusCode::OK,
            Some(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        let settings = self.in_force().map(|document| {
            json!({
                "epoch": document["epoch"],
                "sequence": document["sequence"],
                "revision": document["revision"],
                "scoringRevision": document["scoringRevision"],
            })
        });
        let answer = json!({"ready": reason.is_none(), "reason": reason, "settings": settings});
        reply::with_status(status, &answer)
    }

    fn settings(&self) -> Response {
        let report = crate::settings::lock(&self.settings).clone();
        let mut answer = report.in_force.unwrap_or_else(|| json!({}));
        answer["rejected"] = json!(report.rejected);
        reply::json(&answer)
    }

    fn metrics(&self) -> Response {
        let in_force = self.in_force();
        let revision = in_force
            .as_ref()
            .and_then(|document| document["revision"].as_str());
        match metrics::text(&self.metrics, revision) {
            Ok(text) => text_response(text),
            Err(error) => {
                tracing::error!(%error, "metrics have no text form");
                Problem::internal("INTERNAL", "metrics cannot be shown").into_response()
            }
        }
    }

    fn in_force(&self) -> Option<Value> {
        crate::settings::lock(&self.settings).in_force.clone()
    }
}

fn text_response(text: String) -> Response {
    use warp::Reply;
    warp::reply::with_header(
        text,
        "content-type",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    )
    .into_response()
}

async fn set_log_level(log_level: LogLevel, body: Body) -> Response {
    reply::of(change(&log_level, body).await)
}

async fn change(log_level: &LogLevel, body: Body) -> Result<Response, Problem> {
    let bytes = body.bytes().await?;
    let directives = String::from_utf8_lossy(&bytes);
    let directives = directives.trim();
    log_level
        .set(directives)
        .map_err(|error| Problem::bad_request("INVALID_LOG_LEVEL", error.to_string()))?;
    tracing::info!(directives, "log level changed");
    Ok(reply::json(&json!({"logLevel": directives})))
}
