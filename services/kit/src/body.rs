//! Request bodies: capped, and parsed with the field at fault named.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures::{Stream, StreamExt};
use http::{HeaderValue, StatusCode};
use serde::de::DeserializeOwned;
use warp::Filter;
use warp::filters::BoxedFilter;

use crate::problem::Problem;

/// Largest request body taken, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// Longest time a body may take to arrive. Even the slowest of mobile networks brings 64 KiB sooner; what takes
/// longer is the client's failure, and must not count as ours.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>;

/// A request body not read yet.
pub struct Body {
    content_type: Option<HeaderValue>,
    content_length: Option<HeaderValue>,
    chunks: Chunks,
}

/// Extracts the body, to be read in the handler.
#[must_use]
pub fn body() -> BoxedFilter<(Body,)> {
    first("content-type")
        .and(first("content-length"))
        .and(warp::body::stream())
        .map(Body::new)
        .boxed()
}

/// The first of a header's values, where there is one.
fn first(
    header: &'static str,
) -> impl Filter<Extract = (Option<HeaderValue>,), Error = Infallible> + Clone {
    let given = warp::header::value(header).map(Some);
    given.or(warp::any().map(|| None)).unify()
}

impl Body {
    fn new<S, B>(
        content_type: Option<HeaderValue>,
        content_length: Option<HeaderValue>,
        stream: S,
    ) -> Self
    where
        S: Stream<Item = Result<B, warp::Error>> + Send + 'static,
        B: Buf,
    {
        let bytes = |mut chunk: B| chunk.copy_to_bytes(chunk.remaining());
        Self {
            content_type,
            content_length,
            chunks: Box::pin(stream.map(move |chunk| chunk.map(bytes))),
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// 413 past [`MAX_BODY_BYTES`], 400 when the client stops half-way, 408 when it takes longer than 10 s.
    pub async fn bytes(self) -> Result<Bytes, Problem> {
        match tokio::time::timeout(BODY_TIMEOUT, self.collect()).await {
            Ok(collected) => collected,
            Err(_) => Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "BODY_TIMEOUT",
                format!(
                    "the body did not arrive within {} s",
                    BODY_TIMEOUT.as_secs()
                ),
            )),
        }
    }

    async fn collect(mut self) -> Result<Bytes, Problem> {
        let length = text(self.content_length.as_ref()).and_then(|length| length.parse().ok());
        if length.is_some_and(|length: usize| length > MAX_BODY_BYTES) {
            return Err(too_large());
        }
        let mut collected = BytesMut::new();
        while let Some(chunk) = self.chunks.next().await {
            let chunk = chunk.map_err(|_| {
                Problem::bad_request("INCOMPLETE_BODY", "the body ended before it was complete")
            })?;
            if collected.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(too_large());
            }
            collected.extend_from_slice(&chunk);
        }
        Ok(collected.freeze())
    }

    /// The body parsed from JSON.
    ///
    /// # Errors
    /// As [`Self::bytes`]; 415 for another content type; 400 with the field at fault.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, Problem> {
        self.require_content_type("application/json")?;
        parse_json(&self.bytes().await?)
    }

    /// The body parsed from a form (`application/x-www-form-urlencoded`), as pairs.
    ///
    /// # Errors
    /// As [`Self::bytes`]; 415 for another content type.
    pub async fn form(self) -> Result<Vec<(String, String)>, Problem> {
        self.require_content_type("application/x-www-form-urlencoded")?;
        let bytes = self.bytes().await?;
        Ok(url::form_urlencoded::parse(&bytes).into_owned().collect())
    }

    fn require_content_type(&self, wanted: &str) -> Result<(), Problem> {
        let given = text(self.content_type.as_ref()).unwrap_or(wanted);
        let essence = given.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case(wanted) {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            format!("send {wanted}"),
        ))
    }
}

/// Parses JSON; an error names the field at fault.
///
/// # Errors
/// 400 with `detail` from the parser and `field` as a path: `applicant.income`.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Only an error has a use for the path, and all that is parsed would pay for it.
    serde_json::from_slice(bytes).or_else(|_| parse_json_by_path(bytes))
}

fn parse_json_by_path<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let problem = Problem::bad_request("INVALID_JSON", error.into_inner().to_string());
        if path == "." {
            problem
        } else {
            problem.with_field(path)
        }
    })?;
    deserializer
        .end()
        .map_err(|error| Problem::bad_request("INVALID_JSON", error.to_string()))?;
    Ok(parsed)
}

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value.and_then(|value| value.to_str().ok())
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "BODY_TOO_LARGE",
        format!("the body is larger than {MAX_BODY_BYTES} bytes"),
    )
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_the_clients_failure() {
        let begins = stream::iter([Ok(Bytes::from_static(b"{"))]);
        let stalls = begins.chain(stream::pending());
        let body = Body::new(None, None, stalls);
        let problem = body.bytes().await.unwrap_err();
        assert_eq!(
            problem.into_response().status(),
            StatusCode::REQUEST_TIMEOUT
        );
    }
}
