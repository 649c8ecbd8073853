//! A Kubernetes API to read: kubectl and kube-rs see the controller as a cluster.

use warp::reply::Response as Reply;

use super::Port;
use super::access::Refusal;
use super::asked::Asked;

/// Whether `path` is of the Kubernetes API.
pub(super) fn serves(path: &str) -> bool {
    let first = path.split('/').nth(1).unwrap_or_default();
    matches!(first, "api" | "apis" | "openapi" | "version")
}

/// What a client gets that may not read.
pub(super) fn refused(refusal: &Refusal) -> Reply {
    refusal.into_problem().into_response()
}

/// Answers as a cluster would.
pub(super) fn answer(_port: &Port, _asked: &Asked) -> Reply {
    super::read_only()
}
