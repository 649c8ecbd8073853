//! A request's body, watched until it has arrived.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::activity::UnderWay;

/// A body that says when all of it is here.
#[derive(Debug)]
pub(super) struct Arriving {
    body: Incoming,
    request: Arc<UnderWay>,
}

impl Arriving {
    /// The body of `request`.
    pub(super) const fn new(body: Incoming, request: Arc<UnderWay>) -> Self {
        Self { body, request }
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() && !self.request.is_whole() {
            // Its connection is being closed, and this with it: nothing is to be done for it any more.
            return Poll::Pending;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
