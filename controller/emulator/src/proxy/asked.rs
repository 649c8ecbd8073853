//! What a request asks for: which operation of which service, in which dialect.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri, header, request};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::Value;

use super::backend::MAX_BODY;
use crate::api::{Api, Service};

/// How a client and a service talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// JSON, the operation in a header. The version is part of the media type.
    Json(&'static str),
    /// Smithy RPC v2 CBOR, the operation in the path.
    Cbor,
    /// A form with an `Action`, answered in XML.
    Query,
    /// S3's own.
    S3,
}

/// A whole request, and what it asks for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) api: Api,
    pub(super) dialect: Dialect,
    pub(super) body: Bytes,
    parts: request::Parts,
}

impl Asked {
    /// Reads a request to its end.
    pub(super) async fn read(
        request: Request<Incoming>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await?.to_bytes();
        Ok(Self::of(parts, body))
    }

    fn of(parts: request::Parts, body: Bytes) -> Self {
        let (api, dialect) = rpc(&parts.uri)
            .or_else(|| target(&parts.headers))
            .or_else(|| action(&parts, &body))
            .unwrap_or_else(|| (s3(&parts), Dialect::S3));
        Self {
            api,
            dialect,
            body,
            parts,
        }
    }

    /// The request, to send on.
    pub(super) fn request(&self) -> Request<Bytes> {
        Request::from_parts(self.parts.clone(), self.body.clone())
    }

    pub(super) fn header(&self, name: &header::HeaderName) -> Option<&header::HeaderValue> {
        self.parts.headers.get(name)
    }

    /// The id of the access key that signed it.
    pub(super) fn caller(&self) -> Option<String> {
        let signed = self.header(&header::AUTHORIZATION)?.to_str().ok()?;
        let (_, scope) = signed.split_once("Credential=")?;
        let (id, _) = scope.split_once('/')?;
        Some(id.to_owned())
    }

    pub(super) fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// The body, where it is JSON.
    pub(super) fn json(&self) -> Option<Value> {
        match self.dialect {
            Dialect::Json(_) => serde_json::from_slice(&self.body).ok(),
            _ => None,
        }
    }
}

/// `/service/GraniteServiceVersion20100801/operation/DescribeAlarms`.
fn rpc(uri: &Uri) -> Option<(Api, Dialect)> {
    let rest = uri.path().strip_prefix("/service/")?;
    let (service, operation) = rest.split_once("/operation/")?;
    let api = Api::new(Service::from_target(service), operation);
    Some((api, Dialect::Cbor))
}

/// `X-Amz-Target: AmazonSQS.SendMessage`.
fn target(headers: &HeaderMap) -> Option<(Api, Dialect)> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    let (service, operation) = target.rsplit_once('.')?;
    let media_type = headers.get(header::CONTENT_TYPE);
    let is_1_1 = media_type.is_some_and(|it| it.as_bytes().ends_with(b"1.1"));
    let dialect = Dialect::Json(if is_1_1 { "1.1" } else { "1.0" });
    Some((Api::new(Service::from_target(service), operation), dialect))
}

/// `Action=Publish`, in a form or in the query.
fn action(parts: &request::Parts, body: &[u8]) -> Option<(Api, Dialect)> {
    let service = match scope(&parts.headers) {
        Some(scope) => Service::from_scope(scope),
        // Some calls of STS are not signed; nor are S3's where a bucket is public.
        None if parts.uri.path() == "/" => Service::Other,
        None => Service::S3,
    };
    if service == Service::S3 {
        return None;
    }
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let mut pairs = url::form_urlencoded::parse(body).chain(url::form_urlencoded::parse(query));
    let (_, operation) = pairs.find(|(key, _)| key == "Action")?;
    Some((Api::new(service, operation), Dialect::Query))
}

/// The service in `Credential=KEY/20260101/eu-central-1/SERVICE/aws4_request`.
fn scope(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let credential = text.split("Credential=").nth(1)?.split(',').next()?;
    credential.split('/').nth(3)
}

fn s3(parts: &request::Parts) -> Api {
    let path = parts.uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let query = parts.uri.query().unwrap_or_default();
    let has =
        |name: &str| url::form_urlencoded::parse(query.as_bytes()).any(|(key, _)| key == name);
    let operation = match (bucket, key) {
        ("", _) => "ListBuckets".to_owned(),
        (_, "") => bucket_operation(&parts.method, has),
        _ if parts.headers.contains_key("x-amz-copy-source") => "CopyObject".to_owned(),
        _ => object_operation(&parts.method, has),
    };
    Api::new(Service::S3, operation)
}

/// Parts of a bucket that have operations of their own, as the query names them.
const BUCKET_PARTS: [(&str, &str); 5] = [
    ("versioning", "Versioning"),
    ("notification", "NotificationConfiguration"),
    ("location", "Location"),
    ("lifecycle", "LifecycleConfiguration"),
    ("policy", "Policy"),
];

fn bucket_operation(method: &Method, has: impl Fn(&str) -> bool) -> String {
    let part = BUCKET_PARTS.iter().find(|(name, _)| has(name));
    let part = part.map(|(_, operation)| *operation);
    match (method, part) {
        (&Method::GET, Some(part)) => format!("GetBucket{part}"),
        (&Method::PUT, Some(part)) => format!("PutBucket{part}"),
        (&Method::DELETE, Some(part)) => format!("DeleteBucket{part}"),
        (&Method::GET, None) if has("list-type") => "ListObjectsV2".to_owned(),
        (&Method::GET, None) if has("versions") => "ListObjectVersions".to_owned(),
        (&Method::GET, None) => "ListObjects".to_owned(),
        (&Method::PUT, None) => "CreateBucket".to_owned(),
        (&Method::DELETE, None) => "DeleteBucket".to_owned(),
        (&Method::HEAD, _) => "HeadBucket".to_owned(),
        _ => "DeleteObjects".to_owned(),
    }
}

fn object_operation(method: &Method, has: impl Fn(&str) -> bool) -> String {
    let operation = match *method {
        Method::HEAD => "HeadObject",
        Method::GET if has("tagging") => "GetObjectTagging",
        Method::GET => "GetObject",
        Method::PUT if has("uploadId") => "UploadPart",
        Method::PUT if has("tagging") => "PutObjectTagging",
        Method::PUT => "PutObject",
        Method::DELETE if has("uploadId") => "AbortMultipartUpload",
        Method::DELETE => "DeleteObject",
        _ if has("uploads") => "CreateMultipartUpload",
        _ => "CompleteMultipartUpload",
    };
    operation.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(method: &str, path: &str, headers: &[(&str, &str)], body: &'static str) -> String {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let asked = Asked::of(parts, Bytes::from_static(body.as_bytes()));
        format!("{} {:?}", asked.api, asked.dialect)
    }

    #[test]
    fn s3_operations_are_told_by_method_path_and_query() {
        let cases = [
            ("GET", "/", "ListBuckets"),
            ("PUT", "/b", "CreateBucket"),
            ("HEAD", "/b", "HeadBucket"),
            ("GET", "/b?list-type=2&prefix=a", "ListObjectsV2"),
            ("GET", "/b/?list-type=2", "ListObjectsV2"),
            ("GET", "/b?versions", "ListObjectVersions"),
            (
                "PUT",
                "/b?notification",
                "PutBucketNotificationConfiguration",
            ),
            ("GET", "/b/a/key", "GetObject"),
            ("PUT", "/b/a/key?x-id=PutObject", "PutObject"),
            ("HEAD", "/b/a/key", "HeadObject"),
            ("DELETE", "/b/a/key", "DeleteObject"),
        ];
        for (method, path, operation) in cases {
            let name = named(method, path, &[], "");
            assert_eq!(name, format!("s3:{operation} S3"), "{method} {path}");
        }
    }

    #[test]
    fn other_services_name_their_operation() {
        let ecs = [
            (
                "x-amz-target",
                "AmazonEC2ContainerServiceV20141113.UpdateService",
            ),
            ("content-type", "application/x-amz-json-1.1"),
        ];
        assert_eq!(
            named("POST", "/", &ecs, "{}"),
            "ecs:UpdateService Json(\"1.1\")"
        );
        let sns = [(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=k/20260101/eu-central-1/sns/aws4_request, SignedHeaders=host",
        )];
        let form = "Version=2010-03-31&Action=Publish";
        assert_eq!(named("POST", "/", &sns, form), "sns:Publish Query");
        let rpc = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms";
        let name = named("POST", rpc, &[], "");
        assert_eq!(name, "cloudwatch:DescribeAlarms Cbor");
    }

    #[test]
    fn an_object_that_looks_like_a_form_is_still_an_object() {
        let s3 = [(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=k/20260101/eu-central-1/s3/aws4_request, SignedHeaders=host",
        )];
        assert_eq!(named("PUT", "/b/k", &s3, "Action=X"), "s3:PutObject S3");
    }
}
