//! How a trace travels: W3C `traceparent` and `tracestate`, and `X-Amzn-Trace-Id` for what reads only that.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{SpanId, TraceContext, TraceId};

/// Header of W3C Trace Context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Header of W3C Trace Context for what tracing systems tell each other; passed on as it came.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// Header of AWS X-Ray and of AWS's load balancers.
pub const AMZN_TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");
/// Longest `tracestate` passed on, in bytes: as much as everybody must be able to take (W3C Trace Context, 3.3.1.5).
const MAX_TRACESTATE_BYTES: usize = 512;

impl TraceContext {
    /// The trace that a request's headers name, or a new one.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let w3c = text(&TRACEPARENT).and_then(from_traceparent);
        // Without a `traceparent` that holds, `tracestate` means nothing (W3C Trace Context, 3.3).
        let w3c = w3c.map(|context| Self {
            state: state_of(headers),
            ..context
        });
        w3c.or_else(|| text(&AMZN_TRACE_ID).and_then(from_amzn))
            .unwrap_or_else(Self::start)
    }

    /// The headers of a call that is made in this context, the same in both forms.
    pub(super) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> + use<> {
        let trace_id = self.trace_id.to_string();
        let (time, rest) = trace_id.split_at(8);
        let parent = self.span_id.unwrap_or_else(SpanId::random).to_string();
        let sampled = u8::from(self.sampled);
        let w3c = format!("00-{trace_id}-{parent}-0{sampled}");
        let amzn = format!("Root=1-{time}-{rest};Parent={parent};Sampled={sampled}");
        // Always legal: digits, letters and a few signs.
        let legal = |text: String| HeaderValue::try_from(text).ok();
        let headers = [
            (TRACEPARENT, legal(w3c)),
            (AMZN_TRACE_ID, legal(amzn)),
            (TRACESTATE, self.state.clone()),
        ];
        headers
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
    }
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
    Some(TraceContext {
        span_id: Some(span_id_of(parent)?),
        sampled: hex(flags, 2)? & 1 == 1,
        ..TraceContext::new(trace_id_of(trace_id)?)
    })
}

/// What came as `tracestate`, in one header; nothing when it is longer than must be passed on: part of it would be a
/// lie about the rest.
fn state_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let parts: Vec<&[u8]> = headers
        .get_all(TRACESTATE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    let whole = parts.join(&b',');
    let is_sendable = !whole.is_empty() && whole.len() <= MAX_TRACESTATE_BYTES;
    is_sendable.then(|| HeaderValue::from_bytes(&whole).ok())?
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
        span_id: field("Parent").and_then(span_id_of),
        sampled: field("Sampled") != Some("0"),
        ..TraceContext::new(trace_id_of(&root.replacen('-', "", 1))?)
    })
}

/// An id of zeros is none.
pub(super) fn trace_id_of(text: &str) -> Option<TraceId> {
    hex(text, 32).filter(|id| *id != 0).map(TraceId)
}

fn span_id_of(text: &str) -> Option<SpanId> {
    let id = hex(text, 16).and_then(|id| u64::try_from(id).ok());
    id.filter(|id| *id != 0).map(SpanId)
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
    use crate::trace::Call;

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

    async fn passed_on(incoming: &HeaderMap) -> HeaderMap {
        let context = TraceContext::of(incoming);
        let call = async { Call::to("scoring").headers().collect() };
        context.scope(tracing::Span::none(), call).await
    }

    fn w3c(flags: &str) -> HeaderMap {
        let traceparent = format!("00-{ID}-00f067aa0ba902b7-{flags}");
        HeaderMap::from_iter([(TRACEPARENT, traceparent.parse().unwrap())])
    }

    #[tokio::test]
    async fn an_outgoing_call_carries_the_trace_with_a_span_of_its_own_in_both_forms() {
        for (flags, sampled) in [("01", "1"), ("00", "0")] {
            let headers = passed_on(&w3c(flags)).await;
            let traceparent = headers[TRACEPARENT].to_str().unwrap();
            let span_id = traceparent
                .strip_prefix(&format!("00-{ID}-"))
                .and_then(|rest| rest.strip_suffix(&format!("-{flags}")))
                .unwrap();
            assert_eq!(
                headers[AMZN_TRACE_ID],
                format!(
                    "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent={span_id};Sampled={sampled}"
                )
            );
            assert_ne!(span_id, "00f067aa0ba902b7");
            assert_ne!(passed_on(&w3c(flags)).await[TRACEPARENT], traceparent);
        }
    }

    #[tokio::test]
    async fn what_is_passed_on_in_either_form_is_the_trace_that_came() {
        let came = passed_on(&w3c("01")).await;
        for name in [TRACEPARENT, AMZN_TRACE_ID] {
            let alone = HeaderMap::from_iter([(name.clone(), came[&name].clone())]);
            assert_eq!(TraceContext::of(&alone).trace_id().to_string(), ID);
        }
    }

    #[tokio::test]
    async fn trace_state_is_passed_on_as_it_came() {
        let mut incoming = w3c("01");
        assert_eq!(passed_on(&incoming).await.get(TRACESTATE), None);
        incoming.append(TRACESTATE, "congo=t61rcWkgMzE,rojo=1".parse().unwrap());
        incoming.append(TRACESTATE, "third=x".parse().unwrap());
        let outgoing = passed_on(&incoming).await;
        assert_eq!(outgoing[TRACESTATE], "congo=t61rcWkgMzE,rojo=1,third=x");
    }

    #[tokio::test]
    async fn trace_state_of_another_trace_or_without_bounds_is_not_passed_on() {
        let mut without_parent = HeaderMap::new();
        without_parent.insert(TRACESTATE, "congo=t61rcWkgMzE".parse().unwrap());
        let mut endless = w3c("01");
        endless.insert(TRACESTATE, "congo=1,".repeat(100).parse().unwrap());
        for incoming in [without_parent, endless] {
            assert_eq!(passed_on(&incoming).await.get(TRACESTATE), None);
        }
    }
}
