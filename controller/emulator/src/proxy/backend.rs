//! An emulator's port.

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// The longest body that goes through, either way.
pub(super) const MAX_BODY: usize = 64 * 1024 * 1024;

/// Headers about one connection, which mean nothing on the next (RFC 9110, 7.6.1).
const HOP_BY_HOP: [header::HeaderName; 4] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::EXPECT,
];

/// Where an emulator listens.
#[derive(Clone, Debug)]
pub(crate) struct Backend {
    authority: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// An emulator did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackendError {
    #[error("not a request for an emulator: {0}")]
    Request(#[from] http::Error),
    #[error("an emulator cannot be reached: {0}")]
    Connection(#[from] hyper_util::client::legacy::Error),
    #[error("an emulator's answer broke off: {0}")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Backend {
    pub(crate) fn new(port: u16) -> Self {
        // A connection for each call: an idle one might be closed by the other side just when used.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build_http();
        let authority = format!("127.0.0.1:{port}");
        Self { authority, client }
    }

    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Reply, BackendError> {
        let (mut parts, body) = request.into_parts();
        parts.uri = self.uri(parts.uri.into_parts().path_and_query)?;
        without_hops(&mut parts.headers);
        let request = Request::from_parts(parts, Full::new(body));
        let is_head = request.method() == Method::HEAD;
        let (mut parts, body) = self.client.request(request).await?.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await;
        without_hops(&mut parts.headers);
        if !is_head {
            parts.headers.remove(header::CONTENT_LENGTH);
        }
        Ok(Reply {
            status: parts.status,
            headers: parts.headers,
            body: body.map_err(BackendError::Body)?.to_bytes(),
        })
    }

    pub(crate) async fn is_healthy(&self, path: &'static str) -> bool {
        let Ok(request) = Request::get(path).body(Bytes::new()) else {
            return false;
        };
        let reply = self.send(request).await;
        reply.is_ok_and(|reply| reply.status.is_success())
    }

    fn uri(&self, path: Option<PathAndQuery>) -> Result<Uri, http::Error> {
        let authority: Authority = self.authority.parse()?;
        Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(authority)
            .path_and_query(path.unwrap_or_else(|| PathAndQuery::from_static("/")))
            .build()
    }
}

impl Reply {
    pub(crate) fn with_body<B>(self, body: B) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

fn without_hops(headers: &mut HeaderMap) {
    for hop in HOP_BY_HOP {
        headers.remove(hop);
    }
}
