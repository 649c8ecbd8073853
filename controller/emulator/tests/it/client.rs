//! A client that repeats nothing and believes nothing.

use bytes::Bytes;
use emulator::{Emulators, Options};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Http;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A client of running emulators.
pub(crate) struct Client {
    pub(crate) emulators: Emulators,
}

impl Client {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let emulators = Emulators::start(options).await;
        let emulators = emulators.unwrap_or_else(|error| panic!("{error}"));
        Self { emulators }
    }

    /// An answer, or nothing when the connection closes before it.
    pub(crate) async fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Option<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.emulators.endpoint()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        let http = Http::builder(TokioExecutor::new())
            .retry_canceled_requests(false)
            .build_http();
        let (parts, body) = http.request(request).await.ok()?.into_parts();
        Some(Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.ok()?.to_bytes(),
        })
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let answer = self.try_send(method, path, headers, body).await;
        answer.unwrap_or_else(|| panic!("{method} {path}: the connection was closed"))
    }

    pub(crate) async fn try_ecs(&self, operation: &str, body: &Value) -> Option<Answer> {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        self.try_json(&target, "1.1", "ecs", body).await
    }

    pub(crate) async fn ecs(&self, operation: &str, body: &Value) -> Answer {
        self.try_ecs(operation, body).await.unwrap()
    }

    pub(crate) async fn json(&self, scope: &str, target: &str, body: &Value) -> Answer {
        self.try_json(target, "1.0", scope, body).await.unwrap()
    }

    async fn try_json(
        &self,
        target: &str,
        version: &str,
        scope: &str,
        body: &Value,
    ) -> Option<Answer> {
        let headers = [
            ("x-amz-target", target),
            ("content-type", &format!("application/x-amz-json-{version}")),
            ("authorization", &signed(scope)),
        ];
        self.try_send("POST", "/", &headers, body.to_string()).await
    }

    /// A call of `CloudWatch` as the Rust SDK makes it.
    pub(crate) async fn cloudwatch(&self, operation: &str, body: &ciborium::Value) -> Answer {
        let mut bytes = Vec::new();
        ciborium::into_writer(body, &mut bytes).unwrap();
        let path = format!("/service/GraniteServiceVersion20100801/operation/{operation}");
        let headers = [
            ("smithy-protocol", "rpc-v2-cbor"),
            ("content-type", "application/cbor"),
            ("authorization", &signed("monitoring")),
        ];
        self.send("POST", &path, &headers, bytes).await
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn cbor(&self) -> ciborium::Value {
        assert_eq!(self.headers["smithy-protocol"], "rpc-v2-cbor");
        assert_eq!(self.headers["content-type"], "application/cbor");
        ciborium::from_reader(&*self.body).unwrap()
    }
}

fn signed(scope: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/{scope}/aws4_request, \
         SignedHeaders=host, Signature=0"
    )
}
