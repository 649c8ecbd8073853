//! The console: one page, everything in the program, live.

use warp::reply::Response as Reply;

use super::Port;
use super::asked::Asked;

/// A file of the page itself: it shows nothing of any platform, so everybody may have it.
pub(super) fn page(_path: &str) -> Option<Reply> {
    None
}

/// Whether `path` is data of the console.
pub(super) fn serves(path: &str) -> bool {
    path.starts_with("/console/")
}

/// Answers with data of the console.
pub(super) async fn answer(_port: &Port, _asked: &Asked) -> Reply {
    super::read_only()
}
