//! One id from the client to the last service called: W3C `traceparent`, else `X-Amzn-Trace-Id`.

use std::fmt;
use std::future::Future;

use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::Instrument;

/// Header of W3C Trace Context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const AMZN_TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// Id of a whole trace: 32 lower-case hex digits when shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The trace that a request belongs to, and whether it is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: TraceId,
    sampled: bool,
}

impl TraceContext {
    /// A new trace.
    #[must_use]
    pub fn start() -> Self {
        Self {
            // Zero is not a legal id.
            trace_id: TraceId(rand::random::<u128>().max(1)),
            sampled: true,
        }
    }

    /// The trace with a known id, or a new one where `trace_id` is none.
    #[must_use]
    pub fn resume(trace_id: &str) -> Self {
        trace_id_of(trace_id).map_or_else(Self::start, |trace_id| Self {
            trace_id,
            sampled: true,
        })
    }

    /// The trace that a request's headers name, or a new one.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        text(&TRACEPARENT)
            .and_then(from_traceparent)
            .or_else(|| text(&AMZN_TRACE_ID).and_then(from_amzn))
            .unwrap_or_else(Self::start)
    }

    /// The trace's id.
    #[must_use]
    pub const fn trace_id(self) -> TraceId {
        self.trace_id
    }

    /// `traceparent` for one outgoing call, with a span id of its own.
    #[must_use]
    pub fn traceparent(self) -> HeaderValue {
        let span_id = rand::random::<u64>().max(1);
        let flags = u8::from(self.sampled);
        let text = format!("00-{}-{span_id:016x}-{flags:02x}", self.trace_id);
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// Runs `work` as part of this trace, in `span`.
    pub fn scope<F: Future>(self, span: tracing::Span, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work.instrument(span))
    }
}

/// The current request's trace; a new one outside of requests.
#[must_use]
pub fn current() -> TraceContext {
    CURRENT
        .try_with(|context| *context)
        .unwrap_or_else(|_| TraceContext::start())
}

/// Header name and value that carry the current trace into an outgoing call.
#[must_use]
pub fn outgoing() -> (HeaderName, HeaderValue) {
    (TRACEPARENT, current().traceparent())
}

/// Takes the current trace and span along into a task that is spawned.
pub fn carry<F: Future>(work: F) -> impl Future<Output = F::Output> {
    current().scope(tracing::Span::current(), work)
}

/// The span of work that belongs to `context`: what gives every log line in it its `trace_id`.
#[must_use]
pub fn span(context: TraceContext) -> tracing::Span {
    tracing::info_span!("request", trace_id = %context.trace_id())
}

fn from_traceparent(text: &str) -> Option<TraceContext> {
    let mut parts = text.trim().split('-');
    let (version, trace_id, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // Version 00 has exactly four parts; later ones may have more (W3C Trace Context, 3.2).
    let well_formed = version.len() == 2 && version != "ff" && parent.len() == 16;
    if !well_formed || (version == "00" && parts.next().is_some()) {
        return None;
    }
    hex(parent, 16).filter(|id| *id != 0)?;
    Some(TraceContext {
        trace_id: trace_id_of(trace_id)?,
        sampled: hex(flags, 2)? & 1 == 1,
    })
}

/// `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`: the load
/// balancer's own form, whose two parts together are a W3C trace id (AWS X-Ray, "Tracing header").
fn from_amzn(text: &str) -> Option<TraceContext> {
    let field = |name: &str| {
        text.split(';')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
    };
    let root = field("Root")?.strip_prefix("1-")?;
    Some(TraceContext {
        trace_id: trace_id_of(&root.replacen('-', "", 1))?,
        sampled: field("Sampled") != Some("0"),
    })
}

fn trace_id_of(text: &str) -> Option<TraceId> {
    hex(text, 32).filter(|id| *id != 0).map(TraceId)
}

fn hex(text: &str, digits: usize) -> Option<u128> {
    let legal = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (text.len() == digits && text.bytes().all(legal))
        .then(|| u128::from_str_radix(text, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn of(name: &'static str, value: &str) -> TraceContext {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        TraceContext::of(&headers)
    }

    #[test]
    fn a_trace_is_taken_from_either_header() {
        let w3c = of("traceparent", &format!("00-{ID}-00f067aa0ba902b7-01"));
        assert_eq!(w3c.trace_id().to_string(), ID);
        let amzn = of(
            "x-amzn-trace-id",
            "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Sampled=0",
        );
        assert_eq!(amzn.trace_id().to_string(), ID);
        assert!(!amzn.sampled);
    }

    #[test]
    fn a_malformed_header_starts_a_new_trace() {
        for value in [
            "",
            "00-zz",
            &format!("00-{ID}-0000000000000000-01"),
            &format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            &format!("ff-{ID}-00f067aa0ba902b7-01"),
            &format!("00-{ID}-00f067aa0ba902b7-01-extra"),
        ] {
            assert_ne!(
                of("traceparent", value).trace_id().to_string(),
                ID,
                "{value}"
            );
        }
    }

    #[tokio::test]
    async fn an_outgoing_call_carries_the_trace_with_a_span_of_its_own() {
        let context = of("traceparent", &format!("00-{ID}-00f067aa0ba902b7-01"));
        let (first, second) = context
            .scope(tracing::Span::none(), async {
                (outgoing().1, outgoing().1)
            })
            .await;
        assert!(first.to_str().unwrap().starts_with(&format!("00-{ID}-")));
        assert_ne!(first, second);
    }
}
