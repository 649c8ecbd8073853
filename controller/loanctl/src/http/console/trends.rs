//! What was measured of a platform over the last hour.

use engine::ports::Trend;
use http::StatusCode;
use schema::names::PlatformName;
use serde::Serialize;
use service_kit::{Problem, reply};
use warp::reply::Response as Reply;

use super::super::Port;

#[derive(Serialize)]
struct Answer {
    series: Vec<Trend>,
}

pub(super) async fn answer(port: &Port, name: &PlatformName) -> Reply {
    if port.board.platform(name).is_none() {
        return Problem::not_found("no platform has that name").into_response();
    }
    match port.alarms.trends(name).await {
        Ok(series) => reply::json(&Answer { series }),
        Err(error) => {
            tracing::warn!(platform = %name, %error, "what was measured cannot be shown");
            Problem::new(
                StatusCode::BAD_GATEWAY,
                "METRICS_UNREADABLE",
                format!("what was measured cannot be read now: {error}"),
            )
            .into_response()
        }
    }
}
