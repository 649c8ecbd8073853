//! The two circuit breakers.

use schema::LoanPlatformSpec;
use schema::platform::{BreakerMode, CircuitBreaker};
use schema::units::format_millis;

use super::{PROVIDER, SCORING_CLIENT};
use crate::finding::Finding;
use crate::path::FieldPath;

/// A breaker, where it stands, and the longest call that it can see.
struct Guarded<'a> {
    path: FieldPath,
    breaker: &'a CircuitBreaker,
    longest_call_ms: u64,
    longest_call_field: &'static str,
}

fn guarded(spec: &LoanPlatformSpec) -> [Guarded<'_>; 2] {
    let provider = &spec.services.scoring.clients.provider;
    let scoring = &spec.services.loan_api.clients.scoring;
    [
        Guarded {
            path: FieldPath::from(PROVIDER).key("circuitBreaker"),
            breaker: &provider.circuit_breaker,
            longest_call_ms: provider.attempt_timeout.as_millis(),
            longest_call_field: "attemptTimeout",
        },
        Guarded {
            path: FieldPath::from(SCORING_CLIENT).key("circuitBreaker"),
            breaker: &scoring.circuit_breaker,
            longest_call_ms: scoring.timeout.as_millis(),
            longest_call_field: "timeout",
        },
    ]
}

/// The first pause is not longer than the longest.
pub(super) fn pauses_grow_up_to_their_cap(spec: &LoanPlatformSpec) -> Vec<Finding> {
    guarded(spec).iter().filter_map(pause_over_cap).collect()
}

fn pause_over_cap(guarded: &Guarded<'_>) -> Option<Finding> {
    let first = guarded.breaker.wait_duration_in_open_state;
    let cap = guarded.breaker.max_wait_duration_in_open_state;
    if first.as_millis() <= cap.as_millis() {
        return None;
    }
    let message =
        format!("waitDurationInOpenState {first} is longer than maxWaitDurationInOpenState {cap}");
    Some(
        Finding::error(guarded.path.key("waitDurationInOpenState"), message)
            .found(&first)
            .allowed(format!("at most {cap}, the maxWaitDurationInOpenState")),
    )
}

/// A call that counts as slow only after it was cut off never counts as slow.
pub(super) fn slow_calls_can_be_seen(spec: &LoanPlatformSpec) -> Vec<Finding> {
    guarded(spec)
        .iter()
        .filter_map(blind_to_slow_calls)
        .collect()
}

fn blind_to_slow_calls(guarded: &Guarded<'_>) -> Option<Finding> {
    let measures = matches!(
        guarded.breaker.mode,
        BreakerMode::Enabled | BreakerMode::MetricsOnly
    );
    let threshold = guarded.breaker.slow_call_duration_threshold;
    if !measures || threshold.as_millis() < guarded.longest_call_ms {
        return None;
    }
    let longest = format_millis(guarded.longest_call_ms);
    let field = guarded.longest_call_field;
    let message = format!(
        "no call can ever count as slow: slowCallDurationThreshold is {threshold}, and calls end at \
         {field} {longest}"
    );
    Some(
        Finding::warning(guarded.path.key("slowCallDurationThreshold"), message)
            .found(&threshold)
            .allowed(format!("less than {longest}, the {field}")),
    )
}
