//! How an answer goes out.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, Response, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use tokio::time::sleep;

use super::Reply;

/// The body of an answer.
pub(super) type Body = BoxBody<Bytes, Infallible>;

/// Pieces that a slow body comes in.
const PIECES: usize = 10;

/// Closes the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed on purpose")]
pub(crate) struct Severed;

/// At once.
pub(super) fn whole(reply: Reply) -> Response<Body> {
    let body = Full::new(reply.body.clone()).boxed();
    reply.with_body(body)
}

/// With a body that takes so long; or a head, where there is none.
pub(super) async fn slowly(reply: Reply, within: Duration) -> Response<Body> {
    if reply.body.is_empty() {
        sleep(within).await;
        return whole(reply);
    }
    let length = HeaderValue::from(reply.body.len());
    let body = dripping(reply.body.clone(), within);
    let mut response = reply.with_body(body);
    // As if it had been sent at once: only time tells the two apart.
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, length);
    response
}

fn dripping(body: Bytes, within: Duration) -> Body {
    let piece = body.len().div_ceil(PIECES);
    let pause = within / u32::try_from(body.len().div_ceil(piece)).unwrap_or(1);
    let pieces = stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        sleep(pause).await;
        let next = rest.split_to(piece.min(rest.len()));
        Some((Ok(Frame::data(next)), rest))
    });
    BoxBody::new(StreamBody::new(pieces))
}
