//! Pieces of work in a trace, as they are exported.
//!
//! Names and attributes: OpenTelemetry, "Semantic conventions for HTTP spans".

use std::borrow::Cow;
use std::error::Error;
use std::sync::OnceLock;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, TraceFlags, TraceState,
    Tracer,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::SdkTracer;

use super::{SpanId, TraceContext, TraceId, current};

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// From now on spans are exported with `tracer`; the first one given is kept.
pub(crate) fn export_with(tracer: SdkTracer) {
    TRACER.get_or_init(|| tracer);
}

/// One piece of work, exported when it is dropped, where spans are exported at all.
#[derive(Debug)]
pub struct Span(Option<opentelemetry_sdk::trace::Span>);

impl Span {
    /// Of work that is not exported.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(span) = &mut self.0 {
            span.set_attribute(KeyValue::new(key, value));
        }
    }

    fn fail(&mut self, why: impl Into<Cow<'static, str>>) {
        if let Some(span) = &mut self.0 {
            span.set_status(Status::error(why));
        }
    }

    /// The request was answered with `status`.
    pub(crate) fn answered(mut self, method: &Method, path: &str, status: StatusCode) {
        let Some(span) = &mut self.0 else { return };
        span.update_name(name_of(method, path, status));
        self.set("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            self.fail(status.to_string());
        }
    }
}

/// Few different ones, whatever clients ask for: an id in the path has no place in it, nor has a path that there is not.
fn name_of(method: &Method, path: &str, status: StatusCode) -> String {
    if status == StatusCode::NOT_FOUND {
        return method.to_string();
    }
    let is_id = |part: &str| part.bytes().any(|byte| byte.is_ascii_digit()) && part.len() > 2;
    let parts = path
        .split('/')
        .map(|part| if is_id(part) { "{id}" } else { part });
    let route: Vec<&str> = parts.collect();
    format!("{method} {}", route.join("/"))
}

impl TraceContext {
    /// The same trace inside of a request with `method` and `path` that came with it, and the request's span.
    pub(crate) fn serve(&self, method: &Method, path: &str) -> (Self, Span) {
        let name = || Cow::Owned(method.to_string());
        let (context, mut span) = self.begin(SpanKind::Server, name);
        if span.0.is_some() {
            span.set("http.request.method", method.to_string());
            span.set("url.path", path.to_owned());
        }
        (context, span)
    }

    /// The same trace inside of a piece of work called `name`, and its span.
    #[must_use]
    pub fn work(&self, name: &'static str) -> (Self, Span) {
        self.begin(SpanKind::Internal, || Cow::Borrowed(name))
    }

    fn begin(&self, kind: SpanKind, name: impl FnOnce() -> Cow<'static, str>) -> (Self, Span) {
        let Some(tracer) = TRACER.get() else {
            // Nobody is told of this one: a call that leaves it gets an id when it has headers.
            let inside = Self {
                span_id: None,
                ..self.clone()
            };
            return (inside, Span(None));
        };
        let builder = SpanBuilder::from_name(name()).with_kind(kind);
        let span = tracer.build_with_context(builder, &self.parent());
        let exported = span.span_context();
        let inside = Self {
            trace_id: TraceId(u128::from_be_bytes(exported.trace_id().to_bytes())),
            span_id: Some(SpanId(u64::from_be_bytes(exported.span_id().to_bytes()))),
            sampled: exported.is_sampled(),
            state: self.state.clone(),
        };
        (inside, Span(Some(span)))
    }

    /// What a span of this context is a child of; the beginning of a trace has nothing above it, and gets the id that
    /// the exporter gives it.
    fn parent(&self) -> Context {
        let Some(span_id) = self.span_id else {
            return Context::new();
        };
        let flags = TraceFlags::default().with_sampled(self.sampled);
        Context::new().with_remote_span_context(SpanContext::new(
            self.trace_id.0.into(),
            span_id.0.into(),
            flags,
            true,
            TraceState::NONE,
        ))
    }
}

/// One call to another service, as part of the current trace. Dropped without an end, it was given up.
#[derive(Debug)]
pub struct Call {
    context: TraceContext,
    span: Span,
    ended: bool,
}

impl Call {
    /// Begins a call to `dependency`.
    #[must_use]
    pub fn to(dependency: &'static str) -> Self {
        let (context, mut span) = current().begin(SpanKind::Client, || Cow::Borrowed(dependency));
        span.set("peer.service", dependency);
        Self {
            context,
            span,
            ended: false,
        }
    }

    /// The headers that carry the trace into the call.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> + use<> {
        self.context.headers()
    }

    /// It was answered with `status`.
    pub fn answered(mut self, status: StatusCode) {
        self.ended = true;
        self.span
            .set("http.response.status_code", i64::from(status.as_u16()));
        // To whom asks, a refusal is an error as well.
        if status.is_client_error() || status.is_server_error() {
            self.span.fail(status.to_string());
        }
    }

    /// It ended, with or without an error.
    pub fn ended<T, E: Error>(mut self, result: &Result<T, E>) {
        self.ended = true;
        if let Err(error) = result {
            self.span.fail(error.to_string());
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.ended {
            self.span.fail("given up");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_named_after_what_is_asked_for_without_ids() {
        for (path, status, name) in [
            ("/loan/apply", StatusCode::OK, "POST /loan/apply"),
            (
                "/loan/applications/app-0198",
                StatusCode::OK,
                "POST /loan/applications/{id}",
            ),
            ("/v1/scores", StatusCode::BAD_GATEWAY, "POST /v1/scores"),
            ("/wp-login.php", StatusCode::NOT_FOUND, "POST"),
        ] {
            assert_eq!(name_of(&Method::POST, path, status), name);
        }
    }
}
