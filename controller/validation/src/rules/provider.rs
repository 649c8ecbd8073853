//! Timeouts nest: an attempt in a call, a call in its caller's wait, that in the request deadline.

use schema::LoanPlatformSpec;
use schema::platform::Retry;
use schema::units::format_millis;

use super::{PROVIDER, SCORING_CLIENT};
use crate::finding::Finding;
use crate::path::FieldPath;

fn field(name: &str) -> FieldPath {
    FieldPath::from(PROVIDER).key(name)
}

/// All attempts with the longest pauses between them fit into `timeout`: a retry that can never be
/// made is a promise not kept.
pub(super) fn attempts_fit_the_timeout(spec: &LoanPlatformSpec) -> Vec<Finding> {
    let provider = &spec.services.scoring.clients.provider;
    let (attempt, timeout) = (provider.attempt_timeout, provider.timeout);
    let attempts = u64::from(provider.retry.max_attempts.get());
    let pauses_ms = longest_pauses_ms(&provider.retry);
    let needed_ms = attempt.as_millis() * attempts + pauses_ms;
    if attempt > timeout || needed_ms <= timeout.as_millis() {
        return Vec::new();
    }
    let needed = format_millis(needed_ms);
    let message = format!(
        "attempts can take {needed} ({attempts} × {attempt} attemptTimeout + {} of backoff), more \
         than the timeout of {timeout}",
        format_millis(pauses_ms)
    );
    vec![
        Finding::error(field("timeout"), message)
            .found(&timeout)
            .allowed(format!("at least {needed}"))
            .help("raise timeout, or lower attemptTimeout, retry.maxAttempts or the backoff"),
    ]
}

/// Milliseconds of all pauses together, each at its longest: `initialBackoff · multiplier^i`, capped.
fn longest_pauses_ms(retry: &Retry) -> u64 {
    let cap_ms = retry.max_backoff.as_millis();
    let multiplier = u64::from(retry.backoff_multiplier.get());
    (1..retry.max_attempts.get())
        .scan(retry.initial_backoff.as_millis(), |pause_ms, _| {
            let this = (*pause_ms).min(cap_ms);
            *pause_ms = this.saturating_mul(multiplier);
            Some(this)
        })
        .sum()
}

/// One attempt fits into the call.
pub(super) fn one_attempt_fits_the_timeout(spec: &LoanPlatformSpec) -> Vec<Finding> {
    let provider = &spec.services.scoring.clients.provider;
    let (attempt, timeout) = (provider.attempt_timeout, provider.timeout);
    if attempt <= timeout {
        return Vec::new();
    }
    let message = format!("attemptTimeout {attempt} is longer than timeout {timeout}");
    vec![
        Finding::error(field("attemptTimeout"), message)
            .found(&attempt)
            .allowed(format!("at most {timeout}, the timeout of the call")),
    ]
}

/// The first pause is not longer than the longest.
pub(super) fn backoff_grows_up_to_its_cap(spec: &LoanPlatformSpec) -> Vec<Finding> {
    let retry = &spec.services.scoring.clients.provider.retry;
    let (first_ms, cap_ms) = (
        retry.initial_backoff.as_millis(),
        retry.max_backoff.as_millis(),
    );
    if first_ms <= cap_ms {
        return Vec::new();
    }
    let (first, cap) = (retry.initial_backoff, retry.max_backoff);
    let message = format!("initialBackoff {first} is longer than maxBackoff {cap}");
    vec![
        Finding::error(field("retry").key("initialBackoff"), message)
            .found(&first)
            .allowed(format!("at most {cap}, the maxBackoff")),
    ]
}

/// The provider's address can be called.
pub(super) fn the_address_is_http_with_a_host(spec: &LoanPlatformSpec) -> Vec<Finding> {
    let url = &spec.services.scoring.clients.provider.url;
    let callable = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.is_empty());
    if callable {
        return Vec::new();
    }
    let message = format!("`{url}` is not an http or https address with a host");
    vec![
        Finding::error(field("url"), message)
            .found(&url)
            .allowed("an http or https address with a host"),
    ]
}

/// The loan API waits for a score at least as long as scoring waits for the provider.
pub(super) fn the_caller_waits_long_enough(spec: &LoanPlatformSpec) -> Vec<Finding> {
    let timeout = spec.services.scoring.clients.provider.timeout;
    let caller = spec.services.loan_api.clients.scoring.timeout;
    if timeout <= caller {
        return Vec::new();
    }
    let message = format!(
        "timeout {timeout} is longer than the loan API waits: {SCORING_CLIENT}.timeout is {caller}"
    );
    vec![
        Finding::error(field("timeout"), message)
            .found(&timeout)
            .allowed(format!("at most {caller}")),
    ]
}

/// A request can wait for scoring to its end, and for auth with time to spare.
pub(super) fn clients_fit_the_request_deadline(spec: &LoanPlatformSpec) -> Vec<Finding> {
    let api = &spec.services.loan_api;
    let deadline = api.request_deadline;
    let (scoring, auth) = (api.clients.scoring.timeout, api.clients.auth.timeout);
    let mut findings = Vec::new();
    if scoring.as_millis() > deadline.as_millis() {
        let message = format!("timeout {scoring} is longer than requestDeadline {deadline}");
        findings.push(
            Finding::error(FieldPath::from(SCORING_CLIENT).key("timeout"), message)
                .found(&scoring)
                .allowed(format!("at most {deadline}, the requestDeadline")),
        );
    }
    if auth.as_millis() >= deadline.as_millis() {
        let message = format!("timeout {auth} leaves nothing of requestDeadline {deadline}");
        findings.push(
            Finding::error("spec.services.loanApi.clients.auth.timeout".into(), message)
                .found(&auth)
                .allowed(format!("less than {deadline}, the requestDeadline")),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_by_the_multiplier_up_to_their_cap() {
        for (attempts, initial, cap, multiplier, sum_ms) in [
            (1, "25ms", "100ms", 2, 0),
            (2, "25ms", "100ms", 2, 25),
            (5, "25ms", "100ms", 2, 25 + 50 + 100 + 100),
            (
                10,
                "1ms",
                "100ms",
                2,
                1 + 2 + 4 + 8 + 16 + 32 + 64 + 100 + 100,
            ),
            (3, "10ms", "1s", 1, 20),
        ] {
            let retry: Retry = serde_json::from_value(serde_json::json!({
                "maxAttempts": attempts, "initialBackoff": initial, "maxBackoff": cap,
                "backoffMultiplier": multiplier,
            }))
            .unwrap();
            assert_eq!(longest_pauses_ms(&retry), sum_ms, "{attempts} attempts");
        }
    }
}
