//! Errors, in the words and in the dialect of the service.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

use super::asked::{Asked, Dialect};
use super::backend::{BackendError, Reply};
use super::cbor;
use crate::api::Service;

/// Services that once spoke the query protocol say their old error code here, and SDKs believe it
/// more than the body.
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");
const SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");

/// An error that a call is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// Too many calls, as each service says it.
    pub(super) fn throttled(service: Service) -> Self {
        match service {
            Service::S3 => Self::new(503, "SlowDown", "Please reduce your request rate."),
            Service::Sqs => Self::new(400, "RequestThrottled", "Rate exceeded"),
            Service::CloudWatch | Service::Sns => Self::new(400, "Throttling", "Rate exceeded"),
            _ => Self::new(400, "ThrottlingException", "Rate exceeded"),
        }
    }

    /// The service's own fault.
    pub(super) fn failed(service: Service, status: u16) -> Self {
        let code = match (status, service) {
            (503, _) => "ServiceUnavailable",
            (_, Service::S3) => "InternalError",
            (_, Service::Ecs) => "ServerException",
            (_, Service::CloudWatch) => "InternalServiceFault",
            _ => "InternalFailure",
        };
        Self::new(
            status,
            code,
            "We encountered an internal error. Please try again.",
        )
    }

    /// Two conditional writes to a key of S3 at the same time.
    pub(super) fn conflict() -> Self {
        let message = "The conditional request cannot succeed due to a conflicting operation \
                       against this resource.";
        Self::new(409, "ConditionalRequestConflict", message)
    }

    pub(super) fn unreachable(error: &BackendError) -> Self {
        Self::new(502, "EmulatorUnreachable", error.to_string())
    }

    pub(super) fn answer(&self, asked: &Asked) -> Reply {
        let error = (&*self.code, &*self.message);
        let (media_type, body) = match asked.dialect {
            Dialect::Cbor => return self.cbor(),
            Dialect::Json(version) => (json_type(version), self.json()),
            Dialect::Query => ("text/xml", query_xml(error, self.status)),
            Dialect::S3 => ("application/xml", s3_xml(error)),
        };
        let mut headers = self.headers();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        self.reply(headers, body.into())
    }

    /// <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html#operation-error-serialization>
    fn cbor(&self) -> Reply {
        let body = json!({
            "__type": format!("com.amazonaws.cloudwatch#{}", self.code),
            "message": self.message,
        });
        self.reply(self.headers(), Bytes::new()).into_cbor(&body)
    }

    fn json(&self) -> String {
        json!({ "__type": self.code, "message": self.message }).to_string()
    }

    fn headers(&self) -> HeaderMap {
        let side = if self.status < 500 {
            "Sender"
        } else {
            "Receiver"
        };
        let value = HeaderValue::try_from(format!("{};{side}", self.code));
        let mut headers = HeaderMap::new();
        headers.extend(value.ok().map(|value| (QUERY_ERROR, value)));
        headers
    }

    fn reply(&self, headers: HeaderMap, body: Bytes) -> Reply {
        let status = StatusCode::from_u16(self.status);
        Reply {
            status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers,
            body,
        }
    }
}

impl Reply {
    /// The same with another body, marked as the protocol demands.
    pub(super) fn into_cbor(mut self, body: &serde_json::Value) -> Self {
        self.body = cbor::encode(body);
        let marks = [
            (header::CONTENT_TYPE, "application/cbor"),
            (SMITHY_PROTOCOL, "rpc-v2-cbor"),
        ];
        for (name, value) in marks {
            self.headers.insert(name, HeaderValue::from_static(value));
        }
        self
    }
}

pub(super) fn json_type(version: &str) -> &'static str {
    match version {
        "1.1" => "application/x-amz-json-1.1",
        _ => "application/x-amz-json-1.0",
    }
}

fn s3_xml((code, message): (&str, &str)) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Error><Code>{code}</Code><Message>{message}</Message></Error>"
    )
}

fn query_xml((code, message): (&str, &str), status: u16) -> String {
    let side = if status < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse><Error><Type>{side}</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error></ErrorResponse>"
    )
}
