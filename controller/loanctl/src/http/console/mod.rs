//! The console: one page, everything in the program, live.
//!
//! The page itself shows nothing of any platform, so everybody may have it. What it shows it asks for below
//! `/console/`, as whoever reads it.

mod detail;
mod glance;
mod page;
mod revisions;
mod stream;
mod trends;
mod viewers;

use http::Method;
use schema::names::PlatformName;
use service_kit::Problem;
use warp::reply::Response as Reply;

use super::Port;
use super::asked::Asked;

pub(super) use page::page;
pub(crate) use viewers::Viewers;

/// Whether `path` is data of the console.
pub(super) fn serves(path: &str) -> bool {
    path.starts_with("/console/")
}

/// Answers with data of the console.
pub(super) async fn answer(port: &Port, asked: &Asked) -> Reply {
    if asked.method != Method::GET && asked.method != Method::HEAD {
        return super::read_only();
    }
    if !port.knows_all() {
        return Problem::unavailable(
            "NOT_YET",
            "this controller stands by, or has just begun: it does not know yet what there is",
        )
        .into_response();
    }
    match What::asked(asked) {
        Some(What::Everything) => stream::glances(port),
        Some(What::Platform(name)) => stream::platform(port, name),
        Some(What::Trends(name)) => trends::answer(port, &name).await,
        Some(What::Revisions(name)) => revisions::answer(port, &name, asked).await,
        None => Problem::not_found(
            "the console has /console/stream?platform=NAME, /console/platforms/NAME/series and \
             /console/platforms/NAME/revisions?from=DIGEST&to=DIGEST",
        )
        .into_response(),
    }
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
enum What {
    /// Every platform at a glance, as it changes.
    Everything,
    /// One platform in full, as it changes.
    Platform(PlatformName),
    /// What was measured of it over the last hour.
    Trends(PlatformName),
    /// Its scoring revisions, and what differs between two.
    Revisions(PlatformName),
}

impl What {
    fn asked(asked: &Asked) -> Option<Self> {
        let path = asked.path().strip_prefix("/console/")?;
        if path == "stream" {
            return match asked.parameter("platform") {
                None => Some(Self::Everything),
                Some(name) => name.try_into().ok().map(Self::Platform),
            };
        }
        let (name, what) = path.strip_prefix("platforms/")?.split_once('/')?;
        let name = PlatformName::try_from(name).ok()?;
        match what {
            "series" => Some(Self::Trends(name)),
            "revisions" => Some(Self::Revisions(name)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_told_by_path_and_name() {
        let local = || PlatformName::try_from("local").unwrap();
        for (target, what) in [
            ("/console/stream", Some(What::Everything)),
            (
                "/console/stream?platform=local",
                Some(What::Platform(local())),
            ),
            ("/console/stream?platform=No+Name", None),
            (
                "/console/platforms/local/series",
                Some(What::Trends(local())),
            ),
            (
                "/console/platforms/local/revisions?from=a&to=b",
                Some(What::Revisions(local())),
            ),
            ("/console/platforms/..%2Fx/series", None),
            ("/console/platforms/local/other", None),
            ("/console/", None),
        ] {
            assert_eq!(What::asked(&Asked::get(target)), what, "{target}");
        }
    }
}
