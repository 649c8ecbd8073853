//! Answers that go on.

use std::convert::Infallible;

use futures::{Stream, StreamExt};
use http::{HeaderValue, header};
use tokio_util::sync::CancellationToken;
use warp::Reply as _;
use warp::reply::Response as Reply;

use super::LONGEST_ANSWER;

/// Answers with `chunks` as they come, until they end, `stop`, or [`LONGEST_ANSWER`].
///
/// A chunk is made when the client can take one: what it does not read is never gathered.
pub(super) fn answer(
    content_type: &'static str,
    chunks: impl Stream<Item = String> + Send + 'static,
    stop: CancellationToken,
) -> Reply {
    let ending = async move {
        tokio::select! {
            () = stop.cancelled_owned() => {}
            () = tokio::time::sleep(LONGEST_ANSWER) => {}
        }
    };
    let chunks = chunks.take_until(Box::pin(ending)).map(Ok::<_, Infallible>);
    let mut response = warp::reply::stream(sync_wrapper::SyncStream::new(chunks)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
