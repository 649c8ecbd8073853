//! One id from the client to the last service called: W3C `traceparent`, else `X-Amzn-Trace-Id`. Calls carry both, for
//! what reads only one of them. Where traces are exported (see [`crate::telemetry::traces`]), each request and each call
//! is a span of its trace.

mod headers;
mod span;

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderValue;
use tracing::Instrument;

pub use headers::{AMZN_TRACE_ID, TRACEPARENT, TRACESTATE};
pub(crate) use span::export_with;
pub use span::{Call, Span};

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// Whether the log asks for the current trace itself; if not, it knows of one by the spans around a line.
static LOG_ASKS: AtomicBool = AtomicBool::new(false);

/// Id of a whole trace: 32 lower-case hex digits when shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Id of one piece of work in a trace: 16 lower-case hex digits when shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SpanId(u64);

impl SpanId {
    fn random() -> Self {
        // Zero is not a legal id.
        Self(rand::random::<u64>().max(1))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The trace that a request belongs to, where in it, whether it is sampled, and what came along with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: TraceId,
    /// What is done here is a part of this; nothing at the beginning of a trace.
    span_id: Option<SpanId>,
    sampled: bool,
    state: Option<HeaderValue>,
}

impl TraceContext {
    /// A new trace.
    #[must_use]
    pub fn start() -> Self {
        // Zero is not a legal id.
        Self::new(TraceId(rand::random::<u128>().max(1)))
    }

    /// The trace with a known id, or a new one where `trace_id` is none.
    #[must_use]
    pub fn resume(trace_id: &str) -> Self {
        headers::trace_id_of(trace_id).map_or_else(Self::start, |trace_id| Self {
            // What it was a part of is not known any more; without a name for it, it would begin another trace.
            span_id: Some(SpanId::random()),
            ..Self::new(trace_id)
        })
    }

    const fn new(trace_id: TraceId) -> Self {
        Self {
            trace_id,
            span_id: None,
            sampled: true,
            state: None,
        }
    }

    /// The trace's id.
    #[must_use]
    pub const fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// Runs `work` as part of this trace; `span` gives every log line in it its fields.
    pub fn scope<F: Future>(
        &self,
        span: tracing::Span,
        work: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(self.clone(), work.instrument(span))
    }
}

/// The current request's trace; a new one outside of requests.
#[must_use]
pub fn current() -> TraceContext {
    CURRENT
        .try_with(Clone::clone)
        .unwrap_or_else(|_| TraceContext::start())
}

/// Takes the current trace and span along into a task that is spawned.
pub(crate) fn carry<F: Future>(work: F) -> impl Future<Output = F::Output> {
    current().scope(tracing::Span::current(), work)
}

/// Id of the current request's trace; none outside of requests.
pub(crate) fn current_id() -> Option<TraceId> {
    CURRENT.try_with(TraceContext::trace_id).ok()
}

/// From now on the log asks for the current trace itself.
pub(crate) fn log_asks() {
    LOG_ASKS.store(true, Ordering::Relaxed);
}

/// The span of work that belongs to `context`: what gives every log line in it its `trace_id`, whatever the level. None
/// where the log asks for the current trace itself: a span for each request is then a cost without a use.
#[must_use]
pub fn span(context: &TraceContext) -> tracing::Span {
    if LOG_ASKS.load(Ordering::Relaxed) {
        return tracing::Span::none();
    }
    // Of the highest level: as one of "info" it would be gone, and the id with it, where only warnings are logged.
    tracing::error_span!("request", trace_id = %context.trace_id())
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::filter::EnvFilter;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn a_line_has_its_trace_whatever_the_level() {
        let warnings = tracing_subscriber::registry().with(EnvFilter::new("warn"));
        let span = tracing::subscriber::with_default(warnings, || span(&TraceContext::start()));
        assert!(!span.is_disabled());
    }
}
